import { machineTable } from '../../../test/helpers/machine-table.ts'
import { portReuseCollision } from '../port-reuse-collision.ts'

const ends = {
  local: { address: '10.77.1.2', port: 40_000 },
  remote: { address: '10.77.2.2', port: 80 },
}

machineTable(portReuseCollision, [
  {
    name: 'the answer belongs to an older connection',
    events: [{ ...ends, reason: 'TCP_INVALID_ACK_SEQUENCE', state: 'SYN-SENT', answers: true }],
    is: 'confirmed',
    severity: 'notice',
  },
  {
    name: 'near miss: an acknowledgement that reaches a listener',
    events: [{ ...ends, reason: 'TCP_FLAGS', state: 'LISTEN', answers: true }],
    is: 'nothing',
  },
])
