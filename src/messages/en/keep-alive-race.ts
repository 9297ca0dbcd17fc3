import type { CauseMessages } from '../types.ts'
import { ages, idleAge, resetReasons } from './commands.ts'
import { apartSays } from './experiments.ts'

export const keepAliveRace = {
  title:
    '{connections:count} requests to {server} crossed its idle close after {idle:ms} and {connections?was|were} answered by RST',
  because: {
    ...apartSays,
    'experiment-agrees':
      'the experiment found the same limit: an idle connection is closed by the server between {from:ms} and {to:ms}',
    'experiment-lost':
      'tcpwhy probe http met it too: of {tried} requests that it sent about when the server closes ({closed:ms}) {lost} were lost',
    'experiment-survived':
      'the experiment contradicts it: its connections were idle for {from:ms} and not closed, longer than the {idle:ms} here',
    crossed:
      'after {idle:ms} of silence the request and the FIN of the server left within {apart:ms} of each other',
    'not-seen': 'the request acknowledges {ack}, not the FIN: the client had not seen the close',
    'answered-by-reset':
      'the server answered the request by RST with seq {seq}, the position of its close, and no octet of a response',
    constant: '{count:count} such failures came after {idle:ms}, at most {spread:ms} apart',
    default: '{s} s is the default of {who}',
    announced: 'the server had announced Keep-Alive: timeout={s}',
    together: 'the server closed several connections in the same instant: it may have been stopped',
    'closed-in-bunch':
      'the server closed {closed:count} connections within 50 ms of each other (FIN), this one among them: a reload or a stop',
    'moments-later':
      'the request left {apart:ms} after that FIN: hardly time for the application to see it',
    'answered-after-fin':
      'the server answered it by RST with seq {seq}, one after its FIN, and no octet of a response',
    acknowledged:
      'the request acknowledges the FIN: the kernel of the client knew before it was sent',
    'idle-times-differ':
      'the silences before these failures differ widely: a fixed limit would not do that',
  },
  now: [
    {
      text: "Lower the client's or proxy's idle limit some seconds below {idle:ms}: a configuration reload, nothing is lost.",
    },
  ],
  experiment: {
    ...ages,
    supports:
      'the server closes idle connections after about the silence seen here, and requests that are sent just then are lost',
    refutes: 'it keeps them for longer',
  },
  confirm: [
    {
      text: "The server's kernel names these resets TCP_ABORT_ON_DATA, and TcpExtTCPAbortOnData rises; its access log lacks the requests.",
      command: resetReasons,
    },
  ],
  fix: [
    {
      text: 'The side that sends requests must let go first. Client or proxy down: Go Transport.IdleConnTimeout, undici keepAliveTimeout: 4000, Apache HttpClient evictIdleConnections(4, SECONDS), Java -Djdk.httpclient.keepalive.timeout=4, nginx upstream keepalive_timeout 4s.',
      verify: idleAge,
    },
    {
      text: 'Or server up, above every client: nginx keepalive_timeout 620s behind GCP, 65s behind an AWS ALB; Node server.keepAliveTimeout = 65_000 and headersTimeout = 66_000; gunicorn --keep-alive 65; uvicorn --timeout-keep-alive 65.',
      setting: 'keepalive_timeout',
    },
    {
      text: 'Retry requests without side effects once on a fresh connection; POST only with an idempotency key.',
    },
  ],
  variants: {
    'closed-at-once': {
      experiment: {
        ...ages,
        supports:
          'the server keeps idle connections for longer than these were idle: a reload or a stop closed them all',
        refutes: 'it closes them at that age: the usual race',
      },
      title:
        '{server} closed its kept-alive connections at once: {connections:count} requests came moments later and {connections?was|were} answered by RST',
      now: [
        {
          text: 'Ask what was reloaded, redeployed or scaled down on {host} at that second. Safe requests can simply be sent again.',
        },
      ],
      confirm: [
        {
          text: "The server's log at that second (nginx: gracefully shutting down; a rollout, a SIGHUP), its access log without these requests.",
        },
      ],
      fix: [
        {
          text: 'Drain before the stop: take the server out of the balancer, answer the last requests with Connection: close, and close only then.',
        },
        {
          text: 'Clients: retry requests without side effects once on a fresh connection; POST only with an idempotency key.',
        },
      ],
    },
  },
} as const satisfies CauseMessages
