import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const timeWaitPile = {
  title: '{count:count} sockets in TIME-WAIT at {of}: harmless',
  because: {
    count: '{count:count} sockets are in TIME-WAIT; each costs some 300 octets and ends after 60 s',
    'ports-free':
      'towards no destination are more than {most:count} of {ports:count} local ports in use',
  },
  now: [],
  experiment: {
    command: 'tcpwhy probe load {url} --one-shot --rate 10 --for 10s',
    plain: connects,
    supports: 'from this host every connection gets a port: they do no harm',
    refutes: 'some find none (no-local-port): ephemeral-ports-exhausted',
  },
  confirm: [
    {
      text: 'No connect fails with EADDRNOTAVAIL.',
      command: 'nstat -az TcpExtTCPTimeWaitOverflow; sudo tcpwhy diagnose --for 30s',
    },
  ],
  fix: [
    {
      text: 'Nothing to do. If it should go down: keep connections and reuse them, and let the client close.',
    },
  ],
} as const satisfies CauseMessages
