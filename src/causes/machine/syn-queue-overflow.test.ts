import { machineTable } from '../../../test/helpers/machine-table.ts'
import { synQueueOverflow } from '../syn-queue-overflow.ts'

machineTable(synQueueOverflow, [
  {
    name: 'SYNs dropped',
    counters: { TcpExtTCPReqQFullDrop: [0, 12] },
    listeners: [{ synReceived: 512, pid: 77 }],
    is: 'confirmed',
    severity: 'problem',
    count: 12,
    because: ['queue-dropped', 'unfinished'],
  },
  {
    name: 'answered by cookies: a notice',
    counters: { TcpExtTCPReqQFullDoCookies: [0, 12] },
    is: 'confirmed',
    severity: 'notice',
  },
  {
    name: 'an accept queue is full: its consequence, and no flood',
    counters: { TcpExtTCPReqQFullDoCookies: [0, 12] },
    listeners: [{ synReceived: 6, depth: 6, limit: 5, pid: 77 }],
    is: 'confirmed',
    consequenceOf: 'accept-queue-overflow',
    against: ['queue-behind-it'],
  },
  {
    name: 'near miss: counted before we looked',
    counters: { TcpExtTCPReqQFullDrop: [12, 12] },
    is: 'nothing',
  },
])
