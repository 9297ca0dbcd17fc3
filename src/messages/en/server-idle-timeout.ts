import type { CauseMessages } from '../types.ts'
import { ages, idleAge, survivedIdle } from './commands.ts'
import { apartSays } from './experiments.ts'

export const serverIdleTimeout = {
  title:
    '{ofServer?{server} ends connections|{closer} ends connections with {server}} that were idle for {age:ms}',
  because: {
    ...apartSays,
    'experiment-agrees':
      'the experiment found the same limit: an idle connection is closed between {from:ms} and {to:ms}',
    'experiment-survived':
      'the experiment contradicts it: its connections were idle for {survived:ms} and not closed, longer than the {ms:ms} here',
    'closed-after': 'the {who} closed (FIN) after {age:ms} without data, no request being pending',
    'reset-after':
      'the {who} reset the connection of its own accord after {age:ms} without data, no request being pending',
    constant:
      '{count:count} of {of:count} such closes come after {age:ms}, at most {spread:ms} apart: a setting, not chance',
    told: 'the server said why it ended the session: {text} ({code})',
    announced: 'the server had announced Keep-Alive: timeout, and {age:ms} is that time',
    default: '{s} s is the default of {who}',
    'cut-waiting':
      'the server closed (FIN) {age:ms} after it had acknowledged a request, without an octet of an answer',
    'perhaps-unfinished':
      'whether the request was whole is not in this capture: a limit on the time that a request may take to arrive looks the same',
    'unfinished-head':
      'of the last request {octets:count} octets came, all acknowledged, and the empty line that ends its head is not among them',
    'unfinished-body': 'the last request announces more than came: its body was never complete',
    'waited-for-rest':
      'the server waited {age:ms} for the rest and closed (FIN): no answer was due yet',
    'perhaps-stalled':
      'the client may have been stopped, or its packets held back before this capture',
    'constant-wait':
      '{count:count} of {of:count} such closes come {age:ms} after the request, at most {spread:ms} apart: a limit, not chance',
    round: '{s} s is a round time, as people set limits',
    'one-way':
      'the server never sent data on any connection: the protocol may be one that needs no answer',
    'perhaps-none-due':
      'it is encrypted, or of a protocol that is not known: perhaps the last message needed no answer',
    'same-moment': 'they ended in one moment: equal ages may only mean that they began together',
    excerpt: 'data was exchanged that is not in the capture: the idle time may be shorter',
    single: 'a single connection cannot show that the age is constant',
    others: '{count:count} other idle connections were closed at other ages',
  },
  now: [
    {
      text: 'Make the clients let go first: set their idle limit some seconds below {age:ms}. A reload is enough.',
    },
  ],
  experiment: {
    ...ages,
    supports: 'the server closes idle connections after about the age seen here',
    refutes: 'it keeps them for longer: ask past any proxy too',
  },
  confirm: [
    {
      text: "Look the limit up in the server's configuration: nginx keepalive_timeout, HAProxy timeout client / http-keep-alive, MySQL wait_timeout, Node server.keepAliveTimeout.",
    },
  ],
  fix: [
    {
      text: 'Idle limits must decrease towards the side that sends requests: client pool below proxy below server, some seconds apart. Client side: Go Transport.IdleConnTimeout or db.SetConnMaxIdleTime; HikariCP maxLifetime and idleTimeout; Apache HttpClient evictIdleConnections; undici keepAliveTimeout.',
    },
    {
      text: 'Or let the server wait longer than every client: nginx keepalive_timeout, Node server.keepAliveTimeout (and headersTimeout above it), HAProxy timeout client and timeout server.',
      setting: 'keepalive_timeout',
      verify: idleAge,
    },
    {
      text: 'TCP keepalive does not help here: the limit counts requests, not packets.',
    },
  ],
  variants: {
    'request-unfinished': {
      title:
        '{server} closed {connections:count} connections because {connections?its|their} request never became whole',
      now: [
        {
          text: 'Look at the clients, not at the server: what do they wait for in the middle of a request?',
        },
      ],
      confirm: [
        {
          text: 'The access log of the server at that second: nginx writes status 408, HAProxy termination state cR, Apache 408.',
          command: 'sudo grep -E " 408 |cR--" /var/log/nginx/access.log /var/log/haproxy.log',
        },
      ],
      fix: [
        {
          text: 'Let the client send a request in one go (no pause between head and body), and find what stalls it: a proxy that buffers, a producer that is slow, a load test or scanner that does it on purpose (Slowloris).',
        },
        {
          text: 'Where clients may be slow, raise the limit: nginx client_header_timeout and client_body_timeout, HAProxy timeout http-request, Node server.headersTimeout and requestTimeout, Apache RequestReadTimeout.',
        },
      ],
    },
    'while-waiting': {
      experiment: {
        command: 'tcpwhy probe connect {url} --timeout 10m',
        plain: survivedIdle,
        supports:
          'a request that takes so long is cut without an answer at that age; past the proxy it is answered',
        refutes: 'it is answered, however long it takes',
      },
      title:
        '{server} ended {connections:count} connections {age:ms} after the request, the answer still awaited',
      now: [
        {
          text: 'Find out what the requests wait for: the limit of {age:ms} only brings the news. The slow or dead party is behind {server}.',
        },
      ],
      confirm: [
        {
          text: 'The log of the proxy at that second (HAProxy termination state sD: timeout server; sH), or of the supervisor of the workers (gunicorn: WORKER TIMEOUT).',
          command: 'journalctl --since "-1h" | grep -iE "worker timeout|timed? ?out"',
        },
        {
          text: 'Ask the backend directly, past the proxy: how long does the same request take there?',
        },
      ],
      fix: [
        {
          text: 'Repair what does not answer in time; bound its waits (pool, statement, upstream) below {age:ms}, so that it answers with an error of its own.',
        },
        {
          text: 'Where such answers may take longer, raise the limit: HAProxy timeout server (tcp mode), nginx stream proxy_timeout, gunicorn --timeout; or send something meanwhile.',
        },
      ],
    },
  },
} as const satisfies CauseMessages
