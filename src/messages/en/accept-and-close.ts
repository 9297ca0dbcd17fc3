import type { CauseMessages } from '../types.ts'
import { bursts, connects, serves } from './commands.ts'
import { connectSays } from './experiments.ts'

export const acceptAndClose = {
  title:
    '{server} accepted {connections:count} connections and closed {connections?it|them} at once, unanswered',
  because: {
    ...connectSays,
    'closed-at-once':
      '{times:count} times the server ended the connection without a word, typically {age:ms} after the handshake',
    mixed:
      '{fins:count} by FIN and {resets:count} by RST: it depends only on whether the request was there already',
    'had-read':
      '{times:count} times the request had been read: closing on an unread one gives RST, this was FIN',
    'cut-length':
      '{times:count} times the server closed (FIN) before the end of its answer: here {got:octets} of a body of {told:octets} had come (Content-Length)',
    'cut-chunks':
      '{times:count} times the server closed (FIN) before the end of its answer: here {got:octets} of a body had come, its last chunk not (Transfer-Encoding: chunked)',
    'spoke-and-closed':
      '{times:count} times the server sent {octets:octets} and closed (FIN), typically {age:ms} after the handshake, before the client had said its first word',
    'read-later':
      '{times:count} times the server acknowledged a request and then closed (FIN) without an octet of an answer, {from:ms} to {to:ms} after it',
    'read-once':
      'the server acknowledged a request and then closed (FIN) without an octet of an answer, {to:ms} after it',
    'one-way':
      'the server never sent data on any connection: the protocol may be one that needs no answer',
    'perhaps-none-due':
      'it is encrypted, or of a protocol that is not known: perhaps the last message needed no answer',
    'others-served': '{served:count} other connections to {server} {served?was|were} served',
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
  experiment: {
    ...bursts,
    supports:
      'connections are taken and closed or reset without an answer, perhaps only from some size of the burst on',
    refutes: 'all of the largest burst are answered',
  },
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
  variants: {
    'answer-cut': {
      experiment: {
        ...serves,
        supports: 'one plain request is cut in the middle of its answer too',
        refutes: 'it is answered whole: look at what the cut ones have in common',
      },
      title: '{server} closed {connections:count} connections in the middle of its answer',
      now: [
        {
          text: 'See what these requests have in common (path, size, duration) and what the server logged at these seconds.',
          command: 'tcpwhy analyze --port {port} -v FILE',
        },
      ],
      confirm: [
        {
          text: 'An error of the application after it had begun to answer (an exception while streaming, a worker that was recycled), a time-out in the server, or of a proxy: upstream prematurely closed connection.',
          command:
            'journalctl --since "-1h" | grep -iE "prematurely closed|panic|traceback|segfault|worker|timed out"',
        },
      ],
      fix: [
        {
          text: 'Repair what fails in the middle; a Content-Length that is larger than the body looks the same, so compare both where something filters or compresses answers.',
        },
      ],
    },
    'turned-away': {
      title:
        '{server} turned {connections:count} connections away: it spoke first and closed, whatever the client wanted',
      now: [
        {
          text: 'Read what it says: that is the reason, in the words of the server.',
          command: 'timeout 3 nc {host} {port} < /dev/null',
        },
      ],
      confirm: [
        {
          text: "The server's log at that second: a limit on connections (Redis maxclients, sshd MaxStartups, SMTP 421), an address that is not allowed, a maintenance mode.",
        },
      ],
      fix: [
        {
          text: 'Where it is a limit, find who holds the connections before raising it; where it is a rule, correct the address or the rule.',
        },
      ],
    },
    'read-and-closed': {
      experiment: {
        ...serves,
        supports:
          'one plain request is closed or reset without an answer too (closed-on-request, reset-on-request)',
        refutes: 'it is served: look at what the closed ones have in common',
      },
      title: '{server} read {connections:count} requests and closed without an answer',
      now: [
        {
          text: 'See what these requests have in common (path, host name, client) and what the server logged at these seconds; a rule that denies them can be taken back without a restart.',
          command: 'tcpwhy analyze --port {port} -v FILE',
        },
      ],
      confirm: [
        {
          text: 'A rule that closes on purpose: nginx `return 444`, HAProxy `http-request silent-drop` or `reject`, a web application firewall; the access log has the requests (444, 000).',
        },
        {
          text: 'A proxy in front whose backend went away or hung: its own log names the backend and the reason (HAProxy: SD, sD, SH in the termination state).',
        },
        {
          text: 'A handler that crashed or a worker that was recycled over the request; plain text sent to a port that speaks TLS, or another protocol than the port expects.',
          command:
            'journalctl --since "-1h" | grep -iE "panic|segfault|worker|traceback|handshake"',
        },
      ],
      fix: [
        {
          text: 'Answer what is refused (403, 429, 400), so that clients need not guess and do not retry.',
        },
        {
          text: 'Where a handler dies, answer 500 from outside of it; where the protocol differs, correct the address of the client.',
        },
      ],
    },
  },
} as const satisfies CauseMessages
