import type { CauseMessages } from '../types.ts'
import { asks, survivedIdle } from './commands.ts'

export const processKilled = {
  title: 'the {side} process at {who} died: {connections:count} connections ended in one moment',
  because: {
    together: '{acts:count} connections were ended by it within {within:ms}',
    'cut-short': '{cut:count} of them while a request was being worked on: no orderly shutdown',
    'responses-cut':
      '{cut:count} of them in the middle of a response: here {seen:octets} of a body of {length:octets} had come (Content-Length)',
    'responses-cut-chunked':
      '{cut:count} of them in the middle of a response: here {seen:octets} of a body had come, its last chunk not (Transfer-Encoding: chunked)',
    'idle-too':
      '{idle:count} that were idle closed in the same moment: not a decision about the requests',
    'on-purpose':
      'all by FIN and the port stays open: a proxy that lost its backend, or orders to end these sessions, look the same',
    told: 'the server said why it ended the session: {text} ({code})',
    'one-age-cut':
      'they had been asked for in one moment, {age:ms} before: a fault or a limit of the server that meets each response after that time looks the same',
    proxy: 'a proxy whose backend died cuts the responses it passes on in the same way',
    mixed:
      '{fins:count} by FIN and {resets:count} by RST: what a dying process leaves behind, read or unread',
    ages: '{cut:count} requests had been waiting for {youngest:ms} to {oldest:ms} then: no timeout of a client ends requests of such different ages together',
    'late-answers':
      'the answers to the last requests of {late:count} of them came after the FIN and were answered by RST: nobody was there to read them',
    'one-age':
      'the requests had been waiting equally long ({age:ms}): a timeout of the client would look the same',
    'one-life':
      'their connections had been begun equally long before ({age:ms}): one timeout of the client on connecting and waiting together would look the same',
    waited: 'one had waited for {oldest:ms} without an answer: the server may be slow as well',
    'never-read':
      'all {cut:count} had asked, the last of them {age:ms} before, and got no octet: their requests lay unread',
    'perhaps-queued':
      'they may never have been accepted: a listener that is closed resets those in its queue in the same way',
    'refused-after': '{refused:count} SYNs to {server} were refused from then on',
    'others-live':
      'another connection that was older lived on at {server}: perhaps only one worker of several died',
    'was-dying':
      'process {pid} was ending when {count:count} of its connections were reset with data unread or lingering 0 s',
  },
  now: [
    {
      text: 'Look for the reason before it is overwritten: out of memory, a crash, a deploy, a failed liveness probe.',
      command:
        'journalctl -k --since "-1h" | grep -iE "oom|killed process|segfault"; coredumpctl list --since "-1h"',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports:
      'connections to the new process outlive those that ended: no limit of time ended them',
    refutes: 'they end by themselves after about as long: an idle limit',
  },
  confirm: [
    { text: 'When did the process that listens now start?', command: "ss -ltnp 'sport = :{port}'" },
    {
      text: 'Container or service manager: exit code 137 is SIGKILL (often out of memory), 143 SIGTERM, 139 a crash.',
      command: 'systemctl status; journalctl --since "-1h" -o short-precise',
    },
  ],
  fix: [
    {
      text: 'Repair what killed it: the memory limit, the crash, a liveness probe that is too strict, or a stop without grace time.',
    },
    {
      text: 'Shut down gracefully on SIGTERM: stop accepting, finish what is in progress, then exit; give it the time (TimeoutStopSec, terminationGracePeriodSeconds).',
    },
  ],
  variants: {
    stopped: {
      title:
        'the server process at {who} ended, killed or stopped: {connections:count} idle connections were closed in one moment, its port with them',
    },
    client: {
      experiment: {
        ...asks,
        supports: 'others are served as usual: it was that client',
        refutes:
          'requests are not answered in time: the client may have been stopped because the server stalled',
      },
      title:
        'the client {who} ended {connections:count} connections in one moment, requests pending',
      now: [{ text: 'Ask whether the client was stopped on purpose at that second.' }],
      confirm: [{ text: 'Logs of {who} at that second: exit, deploy, out of memory.' }],
      fix: [
        { text: 'Nothing to repair on the server; if it was not on purpose, see why it died.' },
      ],
    },
  },
  machine: {
    title: '{who} (pid {pid}) died: {connections:count} of its connections were reset',
  },
} as const satisfies CauseMessages
