import { machineTable } from '../../../test/helpers/machine-table.ts'
import type { SocketFact } from '../../evidence/machine.ts'
import { openTransaction } from '../open-transaction.ts'

const client = { address: '10.77.1.2', port: 40_000 }
const listeners = [{ pid: 77 }]

function silentFor(tcpi_last_data_recv: number) {
  const tcpInfo = { tcpi_last_data_recv } as unknown as NonNullable<SocketFact['tcpInfo']>
  return [{ remote: client, tcpInfo }]
}

function server(activity: 'idle in transaction' | 'idle' | 'active') {
  return [{ ...{ pid: 77, command: 'postgres' }, sessions: [{ pid: 90, client, activity }] }]
}

machineTable(openTransaction, [
  {
    name: 'a session that waits inside a transaction for minutes',
    ...{ listeners, sockets: silentFor(300_000), programs: server('idle in transaction') },
    is: 'confirmed',
    severity: 'problem',
    because: ['title-says', 'idle-on-host'],
  },
  {
    name: 'for some seconds: worth a look',
    ...{ listeners, sockets: silentFor(12_000), programs: server('idle in transaction') },
    is: 'confirmed',
    severity: 'notice',
    against: ['may-go-on'],
  },
  {
    name: 'near miss: the application is between two statements',
    ...{ listeners, sockets: silentFor(300), programs: server('idle in transaction') },
    is: 'nothing',
  },
  {
    name: 'near miss: idle for hours, without a transaction',
    ...{ listeners, sockets: silentFor(9_000_000), programs: server('idle') },
    is: 'nothing',
  },
])
