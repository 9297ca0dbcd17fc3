import { machineTable } from '../../../test/helpers/machine-table.ts'
import { pathLost } from '../path-lost.ts'

function silent(inode: number) {
  return {
    inode,
    retransmits: 6,
    timer: { kind: 'retransmission' as const, expiresMs: 4000 },
  }
}

machineTable(pathLost, [
  {
    name: 'sent again and again',
    sockets: [silent(1), silent(2)],
    is: 'likely',
    count: 2,
    because: ['retransmits'],
  },
  {
    name: 'others to the same host are acknowledged',
    sockets: [silent(1), { inode: 9, tcpInfo: { tcpi_last_ack_recv: 100 } }],
    is: 'likely',
    against: ['others-acknowledged'],
  },
  {
    name: 'near miss: two retransmissions, as loss has them',
    sockets: [{ ...silent(1), retransmits: 2 }],
    is: 'nothing',
  },
  { name: 'near miss: nothing to send', sockets: [{ inode: 9 }], is: 'nothing' },
])
