import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, requestOnly, reset, saidLast } from '../../test/helpers/facts.ts'
import { adminKill } from './admin-kill.ts'

const says = (code: string, frame = 6) => [[0, saidLast(code, frame)]] as const
const fin = { frame: 7, tMs: 900, seq: 500, ackedMs: 901, ackedFrame: 8, times: 1 }
const ended = [
  connection({ ending: 'clean', endedBy: 'server', sides: { server: { fins: 1, fin } } }),
]

/** Answered at 5 ms, reset by the server's own accord at `tMs`. */
const idleReset = (id: number, tMs = 900, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id,
    ending: 'reset',
    resets: [reset({ shape: 'active', frame: 50 + id, tMs: tMs + id / 10 })],
    ...over,
  })
const statement = requestOnly(true, {
  ending: 'clean',
  endedBy: 'server',
  sides: { server: { fins: 1, fin: { ...fin, seq: 1 } } },
})
const database = (protocol: 'mysql' | 'unknown') => [[0, application({ protocol })] as const]

causeTable(adminKill, [
  {
    name: 'MariaDB: FIN instead of a result (KILL, or a crash)',
    connections: [statement],
    application: database('mysql'),
    is: 'possible',
    variant: 'statement-cut',
    severity: 'problem',
    because: ['statement-cut'],
    against: ['perhaps-crash'],
  },
  {
    name: 'near miss: the same of a protocol that is not known',
    connections: [statement],
    application: database('unknown'),
    is: 'nothing',
  },
  {
    name: 'idle connections, all reset in one moment: ss -K, or linger 0',
    connections: [0, 1, 2, 3].map((id) => idleReset(id)),
    is: 'possible',
    variant: 'reset-together',
    because: ['idle-reset'],
    against: ['perhaps-linger'],
    explains: 4,
  },
  {
    name: 'near miss: two may be chance',
    connections: [0, 1].map((id) => idleReset(id)),
    is: 'nothing',
  },
  {
    name: 'near miss: one by one',
    connections: [0, 1, 2].map((id) => idleReset(id, 900 + id * 300)),
    is: 'nothing',
  },
  {
    name: 'near miss: requests were pending',
    connections: [0, 1, 2].map((id) => idleReset(id, 900, { requestPending: true })),
    is: 'nothing',
  },
  {
    name: 'PostgreSQL 57P01, then FIN',
    connections: ended,
    application: says('57P01'),
    is: 'confirmed',
    variant: 'said-so',
    culprit: 'server',
    because: ['told'],
  },
  {
    name: 'MariaDB 1927, then RST',
    connections: [connection({ ending: 'reset', resets: [reset({ frame: 9 })] })],
    application: says('1927'),
    is: 'confirmed',
  },
  {
    name: 'near miss: another error before the end',
    connections: ended,
    application: says('42P01'),
    is: 'nothing',
  },
  {
    name: 'near miss: the session went on',
    connections: [connection()],
    application: says('57P01'),
    is: 'nothing',
  },
  {
    name: 'near miss: the server had closed before',
    connections: ended,
    application: says('57P01', 20),
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
