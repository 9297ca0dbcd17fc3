import type { CauseMessages } from '../types.ts'
import { idleAge } from './commands.ts'
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
    announced: 'the server had announced Keep-Alive: timeout, and {age:ms} is that time',
    default: '{s} s is the default of {who}',
    excerpt: 'data was exchanged that is not in the capture: the idle time may be shorter',
    single: 'a single connection cannot show that the age is constant',
    others: '{count:count} other idle connections were closed at other ages',
  },
  now: [
    {
      text: 'Make the clients let go first: set their idle limit some seconds below {age:ms}. A reload is enough.',
    },
  ],
  confirm: [
    {
      text: 'Ask {server} directly, past any proxy: the answer is the age at which it closes.',
      command: idleAge,
    },
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
} as const satisfies CauseMessages
