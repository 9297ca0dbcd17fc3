import { machineTable } from '../../../test/helpers/machine-table.ts'
import { lingerZero } from '../linger-zero.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const byProcess = { ...ends, pid: 77, command: 'app', state: 'CLOSED', answers: false } as const
const own = { pid: 77, local: { address: '0.0.0.0', port: 80 } } as const

machineTable(lingerZero, [
  {
    name: 'TCP_STATE by a process whose listener lives on',
    events: [{ ...byProcess, reason: 'TCP_STATE' }],
    is: 'confirmed',
    severity: 'notice',
    pid: 77,
  },
  {
    name: 'with data unsent it is a problem',
    events: [{ ...byProcess, reason: 'TCP_DISCONNECT_WITH_DATA' }],
    is: 'confirmed',
    severity: 'problem',
  },
  {
    name: 'near miss: the listener was closed in the same moment (listener-closed)',
    events: [
      { kind: 'state', event: 'sock/inet_sock_set_state', from: 'LISTEN', state: 'CLOSED', ...own },
      { ...byProcess, reason: 'TCP_STATE', timeNs: 1_000_500n },
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a live state, ss -K (admin-kill)',
    events: [{ ...byProcess, reason: 'TCP_STATE', state: 'ESTABLISHED' }],
    is: 'nothing',
  },
])
