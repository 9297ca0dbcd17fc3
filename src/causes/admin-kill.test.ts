import type { ApplicationFacts } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, reset } from '../../test/helpers/facts.ts'
import { adminKill } from './admin-kill.ts'

const says = (code: string, frame = 6): readonly (readonly [number, ApplicationFacts])[] => [
  [
    0,
    application({
      protocol: 'postgresql',
      database: {
        inTransaction: false,
        openedBy: null,
        lastStatement: null,
        error: { code, text: 'terminating connection due to administrator command', frame },
        quit: false,
      },
    }),
  ],
]
const fin = { frame: 7, tMs: 900, seq: 500, ackedMs: 901, ackedFrame: 8, times: 1 }
const ended = [
  connection({ ending: 'clean', endedBy: 'server', sides: { server: { fins: 1, fin } } }),
]

causeTable(adminKill, [
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
