import type { CauseMessages } from '../types.ts'
import { ages, idleAge, resetReasons } from './commands.ts'

export const dataAfterClose = {
  title:
    '{ofServer?{server}|{sender}} kept sending on {connections:count} connections {ofServer?|with {server} }that the {closer} had already closed',
  because: {
    closed: 'the {who} closed (FIN)',
    'had-seen': 'the {sender} acknowledged the FIN: its kernel knew',
    'sent-after': 'the {sender} sent {octets:octets} all the same, {later:ms} after the FIN',
    answered:
      'the {who} answered by RST with seq {seq}, one after its FIN: nobody could read any more',
    'said-close': 'the last response had said Connection: close',
    'idle-before': 'the {who} closed after {idle:ms} without data',
    'like-farewell':
      '{octets:octets} are the size of a TLS close_notify, which wants no answer; the payload was not read',
    together: 'several connections were closed in the same instant: the process may have ended',
    'at-once':
      'it was sent within a round trip and 10 ms of the FIN: a program that looks before it writes may not have seen it',
    'kernel-said':
      'the kernel says TCP_ABORT_ON_DATA for {count:count} resets: data came for a connection that the process here had closed',
    'kernel-said-long':
      'the kernel says TCP_TIMEWAIT_SOCKET for {count:count} resets: data came for a connection that had been closed here a while ago',
    'closed-early':
      'the process here may have closed too early: a capture shows whether a request was pending',
  },
  now: [
    {
      text: 'Usually a setting of a client library or a pool: no restart is needed. Keep one capture with the last response in it.',
    },
  ],
  experiment: {
    ...ages,
    supports:
      'the server closes idle connections (FIN), after about the silence that was seen before its close',
    refutes:
      'it closes none: those ended for another reason (a response with Connection: close, a stop)',
  },
  confirm: [
    {
      text: 'On the closing side the kernel says TCP_TIMEWAIT_SOCKET or TCP_ABORT_ON_DATA for these resets; NO_SOCKET or TCP_FLAGS more than 60 s later.',
      command: resetReasons,
    },
  ],
  fix: [
    {
      text: 'Keep idle connections for less time than the peer does, and look for its FIN before writing: Go Transport.IdleConnTimeout; Apache HttpClient 4 setValidateAfterInactivity(500), 5 setTimeToLive; Java -Djdk.httpclient.keepalive.timeout=N; undici honours Keep-Alive: timeout.',
      verify: idleAge,
    },
    {
      text: 'On the server announce the end: Keep-Alive: timeout=N, Connection: close on the last response; nginx keepalive_requests 10000.',
      setting: 'keepalive_requests',
    },
    {
      text: 'Clients must not reuse a connection after Connection: close.',
    },
  ],
  machine: {
    title:
      'the {there} keeps sending on {connections:count} connections with {server} that {of} had closed',
  },
} as const satisfies CauseMessages
