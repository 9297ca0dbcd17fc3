import { machineTable } from '../../../test/helpers/machine-table.ts'
import { listenerClosed } from '../listener-closed.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const byProcess = { ...ends, pid: 77, command: 'app', state: 'CLOSED', answers: false } as const
const closing = {
  kind: 'state',
  event: 'sock/inet_sock_set_state',
  from: 'LISTEN',
  state: 'CLOSED',
  pid: 77,
  local: { address: '0.0.0.0', port: 80 },
} as const

machineTable(listenerClosed, [
  {
    name: 'its queue is reset just after it closes',
    events: [closing, { ...byProcess, reason: 'TCP_STATE', timeNs: 1_000_500n }],
    is: 'confirmed',
    pid: 77,
  },
  {
    name: 'near miss: no listener closed',
    events: [{ ...byProcess, reason: 'TCP_STATE' }],
    is: 'nothing',
  },
])
