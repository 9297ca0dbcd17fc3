import type { CauseMessages } from '../types.ts'
import { ages } from './commands.ts'

export const resetAfterExchange = {
  title:
    '{connections:count} connections with {server} ended by RST after everything had been exchanged: no harm',
  because: {
    'all-acknowledged':
      'all payload had been acknowledged: {client:octets} from the client, {server:octets} from the server',
    'but-farewell':
      'all but the last {octets:octets} of the {side} had been acknowledged and read, and those are the farewell of a session (close_notify of TLS, the quit of a database client)',
    'but-last-words':
      'all but the last {octets:octets} of the {side} had been acknowledged and read, and those are no part of an answer',
    'farewell-by-size':
      'that the last {octets:octets} are a TLS farewell is judged by their size: the payload was not read',
    complete: 'the last response was complete by its own length',
    'both-closed': 'both sides had sent FIN before the reset',
    'after-own-close':
      'the {side} had closed already; the reset answers what came after: a FIN or a farewell record',
    'perhaps-unread':
      'the {who} reset of its own accord: SO_LINGER 0, or it had not read the last few octets, which a window does not show',
    'length-unknown': 'whether the last response was complete cannot be read from the payload',
  },
  now: [{ text: 'Nothing to do: no application lost data by these resets.' }],
  experiment: {
    ...ages,
    supports: 'every request is answered whole, however the connection ends',
    refutes: 'answers are cut, or requests are lost when it ends',
  },
  confirm: [
    {
      text: "Neither side's log has an error at these times.",
      command: 'tcpwhy analyze --show ID FILE',
    },
  ],
  fix: [
    {
      text: 'If they disturb a counter or an alert, count resets before the end of the response instead.',
    },
  ],
} as const satisfies CauseMessages
