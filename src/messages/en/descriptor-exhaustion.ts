import type { CauseMessages } from '../types.ts'
import { bursts } from './commands.ts'

export const descriptorExhaustion = {
  title: 'the process behind {server} has no descriptors left',
  because: {
    'call-failed': '{call} failed with {errno}',
    descriptors: '{total:count} of {soft:count} descriptors are open',
    kinds: 'they are: {kinds}',
    peers: 'its connections: {peers}',
    'close-wait': '{count:count} of its sockets are in CLOSE-WAIT: their peers have closed',
    growth: 'it opened {by:count} more in {for:ms}',
    'no-events': 'whether a call failed was not watched: kernel events were not to be had',
  },
  now: [
    {
      text: 'Raise the limit of the running process, and keep the list of what is open.',
      command: 'prlimit --pid PID --nofile=65535:65535; ls -l /proc/PID/fd > /tmp/fd.txt',
    },
  ],
  experiment: {
    ...bursts,
    supports:
      'connections are taken by the kernel and never served, or closed at once without an answer',
    refutes: 'all are served',
  },
  confirm: [
    {
      text: 'Open descriptors stand at the limit; accept4 fails with EMFILE.',
      command: "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits",
    },
  ],
  fix: [
    {
      text: 'Find what holds them: a leak (CLOSE-WAIT), or requests that wait for a pool. Then raise the limit: systemd LimitNOFILE=, docker --ulimit nofile, nginx worker_rlimit_nofile.',
      setting: 'LimitNOFILE',
      verify: "grep 'open files' /proc/PID/limits",
    },
  ],
  machine: {
    title: '{who} (pid {pid}) has no descriptor left: {total:count} of {soft:count} open',
    now: [
      {
        text: 'Keep the list of what is open, with the sockets; a restart destroys it and resets the connections in the queue.',
        command: 'sudo tcpwhy snapshot --pid {pid}',
      },
      {
        text: 'Raise the limit of the running process: nothing is lost, nobody restarted.',
        command: 'sudo prlimit --pid {pid} --nofile=65535:65535',
      },
    ],
    confirm: [
      {
        text: 'Open descriptors stand at the limit, and accept4 fails with EMFILE.',
        command: "ls /proc/{pid}/fd | wc -l; grep 'open files' /proc/{pid}/limits",
      },
    ],
    fix: [
      {
        text: 'Find what holds them: a leak (CLOSE-WAIT, files), or requests that wait for a pool. Bound the wait and the number of requests.',
        command: "ls -l /proc/{pid}/fd | sed 's/.*-> //; s/:.*//' | sort | uniq -c",
      },
      {
        text: 'Then raise the limit for good: systemd LimitNOFILE=, docker --ulimit nofile, nginx worker_rlimit_nofile. The hard limit is {hard}.',
        setting: 'LimitNOFILE',
        verify: "grep 'open files' /proc/{pid}/limits",
      },
    ],
    variants: {
      near: {
        title: '{who} (pid {pid}) runs out of descriptors: {total:count} of {soft:count} open',
      },
    },
  },
} as const satisfies CauseMessages
