import { machineTable } from '../../../test/helpers/machine-table.ts'
import { dataAfterClose } from '../data-after-close.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}

machineTable(dataAfterClose, [
  {
    name: 'data for a closed connection',
    events: [{ ...ends, reason: 'TCP_ABORT_ON_DATA', state: 'CLOSED', answers: true }],
    is: 'confirmed',
    severity: 'problem',
    against: ['closed-early'],
  },
  {
    name: 'data a while after the close: a notice',
    events: [{ ...ends, reason: 'TCP_TIMEWAIT_SOCKET', state: 'TIME-WAIT', answers: true }],
    is: 'confirmed',
    severity: 'notice',
  },
  {
    name: 'near miss: data for a connection that nobody knows',
    events: [{ ...ends, reason: 'NO_SOCKET', answers: true }],
    is: 'nothing',
  },
])
