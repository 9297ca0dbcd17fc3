import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const acceptAndClose = {
  title:
    '{server} accepted {connections:count} connections and closed {connections?it|them} at once, unanswered',
  because: {
    'closed-at-once':
      '{times:count} times the server ended the connection without a word, typically {age:ms} after the handshake',
    mixed:
      '{fins:count} by FIN and {resets:count} by RST: it depends only on whether the request was there already',
    'others-served': '{served:count} other connections to {server} were served',
    'nobody-served': '{server} served nobody in this capture: perhaps it closes on purpose',
    'only-one': 'it happened to one connection only',
    'not-at-once':
      '{slow:count} of them lived longer than 100 ms: a decision about the client or a short time-out is possible',
  },
  now: [
    {
      text: 'Take the instance out of rotation but keep it running; a restart frees the descriptors and with them the proof.',
      command: 'ss -tanp | grep {port}; sudo lsof -nP -iTCP:{port} | wc -l',
    },
  ],
  confirm: [
    {
      text: "The server's log at that second: worker_connections are not enough, EMFILE, a limit, no healthy backend.",
      command:
        'journalctl --since "-1h" | grep -iE "worker_connections|EMFILE|too many open files|limit"',
    },
    {
      text: 'Descriptors against their limit; TCPAbortOnClose and TCPAbortOnData rise together.',
      command:
        "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits; nstat -az TcpExtTCPAbortOnClose TcpExtTCPAbortOnData",
    },
  ],
  fix: [
    {
      text: 'nginx: raise worker_connections (a proxied request takes two) and worker_rlimit_nofile.',
      setting: 'worker_connections',
      verify: connects,
    },
    {
      text: 'Node and other libuv programs: raise the descriptor limit and find who holds them.',
      setting: 'LimitNOFILE',
      verify: connects,
    },
    {
      text: 'A limit of your own: answer 503 with Retry-After after reading the request, or queue, instead of closing.',
    },
  ],
} as const satisfies CauseMessages
