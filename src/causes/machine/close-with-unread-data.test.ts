import { machineTable } from '../../../test/helpers/machine-table.ts'
import { closeWithUnreadData } from '../close-with-unread-data.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const byProcess = { ...ends, pid: 77, command: 'app', state: 'CLOSED', answers: false } as const

machineTable(closeWithUnreadData, [
  {
    name: 'the kernel names it, and the process',
    events: [
      { ...byProcess, reason: 'TCP_ABORT_ON_CLOSE' },
      { ...byProcess, reason: 'TCP_ABORT_ON_CLOSE' },
    ],
    is: 'confirmed',
    pid: 77,
    count: 2,
    because: ['kernel-said'],
  },
  {
    name: 'near miss: a process that was ending (process-killed)',
    events: [{ ...byProcess, reason: 'TCP_ABORT_ON_CLOSE', dying: true }],
    is: 'nothing',
  },
  {
    name: 'near miss: lingering 0 s',
    events: [{ ...byProcess, reason: 'TCP_STATE' }],
    is: 'nothing',
  },
  { name: 'near miss: no reset at all', is: 'nothing' },
])
