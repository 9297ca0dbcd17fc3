import { machineTable } from '../../../test/helpers/machine-table.ts'
import { connectFiltered } from '../connect-filtered.ts'

const remote = { address: '10.77.9.9', port: 443 }

function waiting(inode: number) {
  return { state: 'SYN-SENT' as const, remote, inode, retransmits: 3 }
}

machineTable(connectFiltered, [
  {
    name: 'SYNs again and again',
    sockets: [waiting(1), waiting(2)],
    is: 'possible',
    count: 2,
    because: ['syn-sent'],
    against: ['looks-alike'],
  },
  {
    name: 'others to it are open',
    sockets: [waiting(1), { remote, inode: 8 }],
    is: 'possible',
    against: ['others-open'],
  },
  {
    name: 'near miss: the listener is here, and its queue is full',
    sockets: [waiting(1)],
    listeners: [{ local: remote, depth: 6, limit: 5 }],
    is: 'nothing',
  },
  {
    name: 'near miss: sent once',
    sockets: [{ ...waiting(1), retransmits: 0 }],
    is: 'nothing',
  },
])
