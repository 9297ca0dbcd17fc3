import { machineTable } from '../../../test/helpers/machine-table.ts'
import { processKilled } from '../process-killed.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const byProcess = { ...ends, pid: 77, command: 'app', state: 'CLOSED', answers: false } as const

machineTable(processKilled, [
  {
    name: 'it was ending when its connections were reset',
    events: [{ ...byProcess, reason: 'TCP_ABORT_ON_CLOSE', dying: true }],
    is: 'confirmed',
    pid: 77,
  },
  {
    name: 'near miss: it lives',
    events: [{ ...byProcess, reason: 'TCP_ABORT_ON_CLOSE' }],
    is: 'nothing',
  },
])
