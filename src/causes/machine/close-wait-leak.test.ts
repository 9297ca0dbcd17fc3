import { machineTable } from '../../../test/helpers/machine-table.ts'
import type { SocketFact } from '../../evidence/machine.ts'
import { closeWaitLeak } from '../close-wait-leak.ts'

const DATABASE = { address: '10.77.3.3', port: 3306 }

function held(ageMs: number, over: Partial<SocketFact> & { pid?: number } = {}) {
  return {
    state: 'CLOSE-WAIT' as const,
    local: { address: '10.77.2.2', port: 50_000 },
    remote: DATABASE,
    idiag_rqueue: 1,
    inode: 2000,
    pid: 77,
    tcpInfo: { tcpi_last_data_recv: ageMs },
    ...over,
  }
}
const three = [1, 2, 3].map((i) => held(30_000, { inode: 2000 + i }))

machineTable(closeWaitLeak, [
  {
    name: 'a pool whose connections the database closed',
    sockets: three,
    is: 'confirmed',
    pid: 77,
    count: 3,
    because: ['held-for', 'fin-unread'],
  },
  {
    name: 'one, for more than a minute',
    sockets: [held(61_000)],
    is: 'confirmed',
    count: 1,
  },
  {
    name: 'unread octets and the end read are told apart',
    sockets: [
      held(30_000, { inode: 1, idiag_rqueue: 10 }),
      held(30_000, { inode: 2, idiag_rqueue: 0 }),
      held(30_000, { inode: 3 }),
    ],
    is: 'confirmed',
    because: ['unread-octets', 'fin-read', 'fin-unread'],
  },
  {
    name: 'the owner cannot be seen',
    sockets: three.map(({ pid: _, ...s }) => s),
    is: 'likely',
  },
  {
    name: 'two for a few seconds: perhaps about to be closed',
    sockets: [held(6000, { inode: 1 }), held(6000, { inode: 2 })],
    is: 'possible',
    severity: 'notice',
  },
  {
    name: 'octets are still sent: perhaps a half-close on purpose',
    sockets: three.map((s) => ({ ...s, idiag_wqueue: 100 })),
    is: 'confirmed',
    against: ['still-writing'],
  },
  {
    name: 'near miss: it came just now, and was open at the first look',
    sockets: [held(100)],
    socketsBefore: [{ ...held(100), state: 'ESTABLISHED' }],
    is: 'nothing',
  },
  {
    name: 'near miss: waiting in an accept queue, nobody has it yet',
    sockets: three.map((s) => ({ ...s, inode: 0 })),
    is: 'nothing',
  },
  {
    name: 'near miss: looked at once, nothing is known to last',
    sockets: three,
    once: true,
    is: 'nothing',
  },
])
