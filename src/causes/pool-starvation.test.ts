import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, requestOnly } from '../../test/helpers/facts.ts'
import { poolStarvation } from './pool-starvation.ts'

const waiting = [0, 1, 2].map((id) => requestOnly(true, { id }))

causeTable(poolStarvation, [
  {
    name: 'requests that nobody answers: a suspect, never a verdict',
    connections: waiting,
    is: 'unknown',
  },
  { name: 'near miss: two of them', connections: waiting.slice(0, 2), is: 'nothing' },
  {
    name: 'near miss: spread over servers',
    connections: waiting.map((c, id) => ({
      ...c,
      id,
      server: { ...c.server, endpoint: `10.77.2.${id}:80` },
    })),
    is: 'nothing',
  },
  { name: 'near miss: all answered', connections: [connection(), connection()], is: 'nothing' },
  {
    name: 'near miss: the requests never arrived',
    connections: [0, 1, 2].map((id) => requestOnly(false, { id })),
    is: 'nothing',
  },
])
