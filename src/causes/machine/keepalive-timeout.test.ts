import { machineTable } from '../../../test/helpers/machine-table.ts'
import { keepaliveTimeout } from '../keepalive-timeout.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}

machineTable(keepaliveTimeout, [
  {
    name: 'the kernel gave up probing',
    events: [{ ...ends, reason: 'TCP_KEEPALIVE_TIMEOUT', state: 'ESTABLISHED', answers: false }],
    is: 'confirmed',
    count: 1,
  },
  {
    name: 'near miss: another timer, an orphan in FIN-WAIT-2',
    events: [{ ...ends, reason: 'TCP_STATE', state: 'FIN-WAIT-2', answers: false }],
    is: 'nothing',
  },
])
