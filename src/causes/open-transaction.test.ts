import { expect, test } from 'vitest'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, application, connection, evidence, segment } from '../../test/helpers/facts.ts'
import type { DatabaseFacts } from '../evidence/application.ts'
import { openTransaction } from './open-transaction.ts'

const database = (over: Partial<DatabaseFacts> = {}) =>
  application({
    protocol: 'mysql',
    database: {
      inTransaction: true,
      openedBy: { text: 'BEGIN', frame: 4 },
      lastStatement: { text: 'UPDATE t SET a = ?', frame: 6 },
      error: null,
      quit: false,
      ...over,
    },
  })

const held = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    ending: 'half-closed',
    endedBy: 'server',
    server: address('10.77.2.2', 3306),
    captureEndMs: 20_000,
    sides: {
      server: {
        fin: { frame: 20, tMs: 3005, seq: 501, ackedMs: 3006, ackedFrame: 21, times: 1 },
      },
    },
    ...over,
  })

test('a statement that came after the server had closed is not the last one, and its farewell not the end of the idle time', () => {
  const error = { code: '25P03', text: 'terminating connection', frame: 19 }
  const last = { text: 'select ?', frame: 22 }
  const goodbye = segment({ frame: 19, tMs: 3004, from: 'server', len: 90 })
  const { verdicts } = openTransaction.judge(
    evidence({
      connections: [held({ tail: [goodbye] })],
      application: [[0, database({ error, lastStatement: last })]],
    }),
  )
  const because = verdicts[0]!.because
  expect(because.map((r) => r.key)).not.toContain('last-statement')
  expect(because.find((r) => r.key === 'idle-then-closed')?.values['idle']).toBeCloseTo(2999, 0)
})

causeTable(openTransaction, [
  {
    name: 'IN_TRANS, silence, closed by the database side',
    connections: [held()],
    application: [[0, database()]],
    is: 'likely',
    culprit: 'client',
    because: ['opened', 'last-statement', 'status', 'idle-then-closed'],
  },
  {
    name: 'the server says why: 25P03',
    connections: [held()],
    application: [
      [0, database({ error: { code: '25P03', text: 'terminating connection', frame: 19 } })],
    ],
    is: 'confirmed',
    because: ['told'],
  },
  {
    name: 'still open and idle for long when the capture ends',
    connections: [connection({ captureEndMs: 40_000 })],
    application: [[0, database()]],
    is: 'likely',
    because: ['idle'],
    against: ['may-end'],
  },
  {
    name: 'behind a proxy: its idle limit ends the connection from the client side',
    connections: [
      connection({
        ending: 'reset-after-fin',
        endedBy: 'client',
        server: address('10.77.2.2', 3306),
        captureEndMs: 20_000,
        sides: {
          client: {
            fin: { frame: 20, tMs: 3005, seq: 501, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      }),
    ],
    application: [[0, database()]],
    is: 'likely',
    culprit: 'client',
    because: ['status', 'idle-then-left'],
  },
  {
    name: 'near miss: a client that ends right after its last statement',
    connections: [
      connection({
        ending: 'clean',
        endedBy: 'client',
        captureEndMs: 20_000,
        sides: {
          client: {
            fin: { frame: 20, tMs: 500, seq: 501, ackedMs: 501, ackedFrame: 21, times: 1 },
          },
        },
      }),
    ],
    application: [[0, database()]],
    is: 'nothing',
  },
  {
    name: 'near miss: a pause inside a transaction',
    connections: [connection({ captureEndMs: 4000 })],
    application: [[0, database()]],
    is: 'nothing',
  },
  {
    name: 'committed: ruled out',
    connections: [held()],
    application: [[0, database({ inTransaction: false, openedBy: null })]],
    is: 'excluded',
  },
  {
    name: 'no payload, a database port, held after the server closed: cannot tell',
    connections: [held()],
    is: 'unknown',
  },
  {
    name: 'payload encrypted: cannot tell',
    connections: [held({ server: address('10.77.2.2', 9999) })],
    application: [[0, database({ inTransaction: 'unknown', openedBy: null, lastStatement: null })]],
    is: 'unknown',
  },
  {
    name: 'near miss: an HTTP server closed an idle connection',
    connections: [held({ server: address('10.77.2.2', 80) })],
    is: 'nothing',
  },
])
