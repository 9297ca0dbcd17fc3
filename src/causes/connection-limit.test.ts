import type { ApplicationFacts } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection } from '../../test/helpers/facts.ts'
import { connectionLimit } from './connection-limit.ts'

const says = (code: string, text: string): readonly (readonly [number, ApplicationFacts])[] => [
  [
    0,
    application({
      protocol: 'mysql',
      database: {
        inTransaction: false,
        openedBy: null,
        lastStatement: null,
        error: { code, text, frame: 6 },
        quit: false,
      },
    }),
  ],
]
const closed = [connection({ ending: 'clean', endedBy: 'server' })]

causeTable(connectionLimit, [
  {
    name: 'MySQL 1040 in place of the greeting',
    connections: closed,
    application: says('1040', 'Too many connections'),
    is: 'confirmed',
    culprit: 'server',
    because: ['said-so'],
  },
  {
    name: 'PostgreSQL 53300',
    connections: closed,
    application: says('53300', 'sorry, too many clients already'),
    is: 'confirmed',
  },
  {
    name: 'PgBouncer says it in words',
    connections: closed,
    application: says('08P01', 'no more connections allowed (max_client_conn)'),
    is: 'confirmed',
  },
  {
    name: 'Redis says it in words, the client wrote after the FIN: not its fault',
    connections: [connection({ ending: 'reset-after-fin', endedBy: 'server' })],
    application: [
      [
        0,
        application({
          refusal: { text: '-ERR max number of clients reached', setting: 'maxclients', frame: 6 },
        }),
      ],
    ],
    is: 'confirmed',
    variant: 'in-words',
    culprit: 'server',
    because: ['in-words'],
  },
  {
    name: 'near miss: a protocol violation with the same code',
    connections: closed,
    application: says('08P01', 'unsupported startup parameter'),
    is: 'nothing',
  },
  {
    name: 'near miss: access denied',
    connections: closed,
    application: says('1045', 'Access denied for user'),
    is: 'nothing',
  },
  {
    name: 'near miss: another limit of the user',
    connections: closed,
    application: says('1226', "User has exceeded the 'max_questions' resource"),
    is: 'nothing',
  },
  { name: 'near miss: closed without a word', connections: closed, is: 'nothing' },
])
