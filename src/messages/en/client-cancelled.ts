import type { CauseMessages } from '../types.ts'
import { asks } from './commands.ts'

export const clientCancelled = {
  title:
    '{connections?a client|clients} left {connections:count} responses of {server} in the middle, probably on purpose',
  because: {
    left: 'the client ended the connection {age:ms} after its request, {got:octets} into the response, which was still flowing',
    'left-session':
      'the client said goodbye (as TLS does) and closed while the server was still sending; {got:octets} had come in all',
    'window-open': 'its window was open ({window:octets}): its application was reading until then',
    'closed-first':
      'it closed with everything read (FIN); the reset only answers what was still under way',
    incomplete: 'the response says {told:octets}, of which {got:octets} had come',
    'unread-perhaps':
      'it left by RST: closing with unread data looks the same, only the client can tell',
    'not-captured':
      '{missing:octets} of the server that the client acknowledged are not in the capture: more of the response had come than it shows',
  },
  now: [{ text: 'Nothing to do on the server unless users complain.' }],
  experiment: {
    ...asks,
    supports: 'all requests are answered whole and soon: nobody there was made to wait',
    refutes: 'answers are late, or stop in the middle: those clients may have run out of patience',
  },
  confirm: [
    {
      text: "The client's log at that time: context canceled, AbortError, net::ERR_ABORTED mean on purpose; a time-out or an exception does not.",
    },
  ],
  fix: [
    {
      text: 'If the work behind such responses is expensive, stop it when the client has gone (request context, AbortSignal).',
    },
  ],
} as const satisfies CauseMessages
