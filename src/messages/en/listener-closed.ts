import type { CauseMessages } from '../types.ts'
import { connects, resetReasons } from './commands.ts'

export const listenerClosed = {
  title: "{server}'s listener was closed with {connections:count} connections waiting in its queue",
  because: {
    together:
      '{queued:count} connections on which the server had said nothing were reset by it within {within:ms}',
    'nothing-unread':
      '{silent:count} of them had sent nothing: closing an accepted connection would have given FIN, not RST',
    'perhaps-accepted':
      'all of them had asked: a process that died (or closed them) with accepted connections and their requests unread gives the same resets',
    'refused-after': '{refused:count} SYNs to {server} were refused from then on',
    'answers-after': '{server} went on answering new connections',
    'fins-too':
      '{finned:count} others without a word were closed by FIN in the same moment: accepted and closed',
    'kernel-said':
      'the kernel says TCP_STATE for {count:count} resets, just after the listener was closed: connections that waited in its queue',
    'or-else': 'it may have been as well: {others}',
  },
  now: [
    {
      text: 'The requests in the queue were never read: repeat them. See what stopped or restarted the service at that second.',
      command: 'journalctl --since "-1h" -o short-precise | grep -iE "stop|start|reload|kill"',
    },
  ],
  experiment: {
    command: connects,
    supports: 'refused until something listens there again, and taken from then on',
    refutes: 'taken at the very moment at which it happens: the listener stays open',
  },
  confirm: [
    {
      text: 'The kernel resets each of them with reason TCP_STATE in one burst; compare with the start time of the process.',
      command: resetReasons,
    },
    { text: 'When did the process that listens now start?', command: "ss -ltnp 'sport = :{port}'" },
  ],
  fix: [
    {
      text: 'Stop gracefully: take the instance out of rotation, accept until the queue is empty, then close the listener.',
      verify: "ss -ltn 'sport = :{port}'",
    },
    {
      text: 'Hand the listening socket over instead of closing it (systemd socket activation, nginx binary upgrade, SO_REUSEPORT with net.ipv4.tcp_migrate_req=1).',
      setting: 'net.ipv4.tcp_migrate_req',
      command: 'sudo sysctl net.ipv4.tcp_migrate_req=1',
      verify: 'nstat -az TcpExtTCPMigrateReqSuccess',
    },
  ],
  machine: {
    title:
      '{who} (pid {pid}) closed its listener {server} with {connections:count} connections in the queue: all were reset',
  },
} as const satisfies CauseMessages
