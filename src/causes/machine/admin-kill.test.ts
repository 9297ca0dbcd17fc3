import { machineTable } from '../../../test/helpers/machine-table.ts'
import { adminKill } from '../admin-kill.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}

machineTable(adminKill, [
  {
    name: 'reset in a live state by a process',
    events: [
      {
        ...ends,
        reason: 'TCP_STATE',
        state: 'ESTABLISHED',
        pid: 99,
        command: 'ss',
        answers: false,
      },
    ],
    is: 'confirmed',
    pid: 99,
  },
  {
    name: 'near miss: lingering 0 s closes first',
    events: [
      { ...ends, reason: 'TCP_STATE', state: 'CLOSED', pid: 77, command: 'app', answers: false },
    ],
    is: 'nothing',
  },
])
