import { machineTable } from '../../../test/helpers/machine-table.ts'
import { zeroWindowStall } from '../zero-window-stall.ts'

const response = {
  state: 'ESTABLISHED' as const,
  local: { address: '10.77.1.2', port: 40_000 },
  remote: { address: '10.77.2.2', port: 80 },
  idiag_rqueue: 100_000,
  inode: 3,
  skmem: { rmem_alloc: 130_000, rcvbuf: 131_072 },
  tcpInfo: { tcpi_last_data_recv: 8000 },
}
const probing = {
  state: 'ESTABLISHED' as const,
  timer: { kind: 'persist' as const, expiresMs: 3000 },
}

machineTable(zeroWindowStall, [
  {
    name: 'a client that does not read: its buffer is full',
    sockets: [{ ...response, pid: 77 }],
    is: 'confirmed',
    pid: 77,
    because: ['buffer-full'],
  },
  {
    name: 'a peer that does not read: the kernel probes',
    sockets: [{ ...probing, inode: 4 }],
    is: 'likely',
    variant: 'peer-does-not-read',
  },
  {
    name: 'near miss: it probes only now',
    sockets: [{ ...probing, inode: 4 }],
    socketsBefore: [{ ...probing, inode: 4, timer: null }],
    is: 'nothing',
  },
  {
    name: 'near miss: a little unread, the window is open',
    sockets: [{ ...response, pid: 77, skmem: { rmem_alloc: 500, rcvbuf: 131_072 } }],
    is: 'nothing',
  },
])
