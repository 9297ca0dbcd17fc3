import type { CauseMessages } from '../types.ts'

export const timeWaitPile = {
  title: '{count:count} sockets in TIME-WAIT at {of}: harmless',
  because: {
    count: '{count:count} sockets are in TIME-WAIT; each costs some 300 octets and ends after 60 s',
    'ports-free':
      'towards no destination are more than {most:count} of {ports:count} local ports in use',
  },
  now: [],
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
