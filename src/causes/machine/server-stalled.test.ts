import { machineTable } from '../../../test/helpers/machine-table.ts'
import { serverStalled } from '../server-stalled.ts'

function unread(i: number, ageMs = 9000) {
  return {
    state: 'ESTABLISHED' as const,
    idiag_rqueue: 120,
    inode: 3000 + i,
    pid: 77,
    remote: { address: '10.77.1.2', port: 40_000 + i },
    tcpInfo: { tcpi_last_data_recv: ageMs },
  }
}

machineTable(serverStalled, [
  {
    name: 'requests that nobody reads',
    sockets: [1, 2, 3].map((i) => unread(i)),
    listeners: [{ pid: 77 }],
    is: 'confirmed',
    pid: 77,
    count: 3,
    severity: 'problem',
    because: ['not-read'],
  },
  {
    name: 'handshakes that nobody accepts',
    sockets: [1, 2, 3].map((i) => ({ ...unread(i), inode: 0, pid: undefined as never })),
    listeners: [{ pid: 77, depth: 3 }],
    is: 'confirmed',
    variant: 'not-accepting',
    pid: 77,
  },
  {
    name: 'one alone: its handler may be busy',
    sockets: [unread(1)],
    listeners: [{ pid: 77 }],
    is: 'likely',
    severity: 'notice',
    against: ['few-on-host'],
  },
  {
    name: 'near miss: it cannot go on, because the client does not take its answer',
    sockets: [1, 2, 3].map((i) => ({
      ...unread(i),
      timer: { kind: 'persist' as const, expiresMs: 400 },
    })),
    listeners: [{ pid: 77 }],
    is: 'nothing',
  },
  {
    name: 'near miss: it came just now',
    sockets: [1, 2, 3].map((i) => unread(i, 20)),
    listeners: [{ pid: 77 }],
    is: 'nothing',
  },
  {
    name: 'near miss: it was read meanwhile, other octets came',
    sockets: [1, 2, 3].map((i) => unread(i)),
    socketsBefore: [1, 2, 3].map((i) => ({ ...unread(i), idiag_rqueue: 0 })),
    listeners: [{ pid: 77 }],
    is: 'nothing',
  },
  {
    name: 'near miss: this host is the client',
    sockets: [1, 2, 3].map((i) => unread(i)),
    is: 'nothing',
  },
])
