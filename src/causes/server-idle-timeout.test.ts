import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  application,
  connection,
  type DeepPartial,
  requestOnly,
  reset,
  saidLast,
  segment,
} from '../../test/helpers/facts.ts'
import type { Segment, SideFacts } from '../evidence/connection.ts'
import { serverIdleTimeout } from './server-idle-timeout.ts'

/** Idle since 5 ms, closed by the server's FIN at `tMs`. */
const closed = (id: number, tMs: number, client: DeepPartial<SideFacts> = {}) =>
  connection({
    id,
    ending: 'half-closed',
    endedBy: 'server',
    sides: {
      client,
      server: {
        fins: 1,
        fin: { frame: 20 + id, tMs, seq: 501, ackedMs: tMs + 1, ackedFrame: 40 + id, times: 1 },
      },
    },
  })

/** The same with its data `shift` later, so that closes lie apart. */
const shifted = (id: number, age: number, shift: number) => {
  const made = closed(id, 5 + shift + age, { lastDataMs: shift })
  made.sides.server.lastDataMs = 5 + shift
  return made
}

const aborted = (id: number, tMs: number) =>
  connection({ id, ending: 'reset', resets: [reset({ shape: 'active', tMs, frame: 50 + id })] })

/** Asked at 2 ms and later by `shift`, the server's FIN at `tMs` with no octet before it. */
const waiting = (id: number, tMs: number, shift = 300 * id) => {
  const askedMs = 2 + shift
  return requestOnly(true, {
    id,
    ending: 'clean',
    endedBy: 'server',
    request: {
      startFrame: 4,
      startMs: askedMs,
      lastFrame: 4,
      lastMs: askedMs,
      octets: 100,
      seq: 1,
    },
    sides: {
      server: {
        fins: 1,
        fin: { frame: 20 + id, tMs, seq: 1, ackedMs: tMs + 1, ackedFrame: 40 + id, times: 1 },
      },
    },
  })
}

/** The same with a last word of the server, 0.1 ms before its FIN. */
const farewelled = (id: number, age: number, shift: number, word: Partial<Segment> = {}) => {
  const made = shifted(id, age, shift)
  const tMs = 4.9 + shift + age
  const answer = segment({ from: 'server', frame: 6, tMs: 5 + shift, len: 500 })
  made.tail = [
    answer,
    segment({ from: 'server', frame: 19, tMs, len: 31, seq: 501, ack: 181, ...word }),
  ]
  made.sides.server.lastDataMs = tMs
  return made
}

causeTable(serverIdleTimeout, [
  {
    name: 'over TLS: close_notify before the FIN belongs to the close',
    connections: [farewelled(0, 3000, 0), farewelled(1, 3010, 700), farewelled(2, 2995, 1500)],
    application: [0, 1, 2].map((id) => [id, application({ protocol: 'tls' })] as const),
    is: 'likely',
    because: ['closed-after', 'constant'],
    explains: 3,
  },
  {
    name: 'near miss: an answer and then the FIN: it was asked for',
    connections: [0, 1, 2].map((id) => {
      const made = farewelled(id, 3000, 700 * id)
      const asked = segment({ frame: 18, tMs: 3000 + 700 * id, len: 80 })
      made.tail = [made.tail[0]!, asked, made.tail[1]!]
      made.sides.client.lastDataMs = asked.tMs
      return made
    }),
    is: 'nothing',
  },
  {
    name: 'PostgreSQL says so (57P05)',
    connections: [farewelled(0, 2000, 0, { len: 120 })],
    application: [[0, saidLast('57P05', 19)]],
    is: 'confirmed',
    variant: 'said-so',
    culprit: 'server',
    because: ['told'],
  },
  {
    name: 'near miss: a database that names another reason (57P01)',
    connections: [
      farewelled(0, 2000, 0, { len: 120 }),
      farewelled(1, 2000, 700, { len: 120 }),
      farewelled(2, 2000, 1400, { len: 120 }),
    ],
    application: [0, 1, 2].map((id) => [id, saidLast('57P01', 19)] as const),
    is: 'nothing',
  },
  {
    name: 'three connections closed after 3 s',
    connections: [shifted(0, 3000, 0), shifted(1, 3010, 700), shifted(2, 2995, 1500)],
    is: 'likely',
    severity: 'notice',
    explains: 3,
    because: ['closed-after', 'constant'],
  },
  {
    name: 'by RST (MariaDB): harmful to the pool',
    connections: [aborted(0, 8005), aborted(1, 8205), aborted(2, 8300)],
    is: 'likely',
    severity: 'problem',
    because: ['reset-after'],
  },
  {
    name: 'one connection, and the server had announced it',
    connections: [closed(0, 5010)],
    application: [[0, application({ protocol: 'http', http: { keepAliveTimeoutS: 5 } as never })]],
    is: 'likely',
    because: ['announced'],
  },
  {
    name: 'near miss: the age is a default of gunicorn, and the response says nginx',
    connections: [closed(0, 2005)],
    application: [[0, application({ protocol: 'http', http: { software: 'nginx' } as never })]],
    is: 'nothing',
  },
  {
    name: 'the same, and the response says gunicorn',
    connections: [closed(0, 2005)],
    application: [[0, application({ protocol: 'http', http: { software: 'gunicorn' } as never })]],
    is: 'possible',
    because: ['default'],
  },
  {
    name: 'near miss: the age is a default of gunicorn, and it is a database',
    connections: [closed(0, 2005)],
    application: [[0, application({ protocol: 'mysql' })]],
    is: 'nothing',
  },
  {
    name: 'ended in one moment, a known default says no more than that they began together',
    connections: [closed(0, 5005), closed(1, 5006), closed(2, 5007)],
    is: 'possible',
    because: ['default'],
    against: ['same-moment'],
  },
  {
    name: 'near miss: a request at work ended with the idle ones, and nothing was answered any more',
    connections: [closed(0, 2255), closed(1, 2256), waiting(2, 2257, 250)],
    is: 'nothing',
  },
  {
    name: 'one connection at a known default',
    connections: [closed(0, 75_010)],
    is: 'possible',
    against: ['single'],
  },
  {
    name: 'payload missing: the idle time may be shorter',
    connections: [closed(0, 30_010, { missingOctets: 143 })],
    is: 'possible',
    against: ['excerpt'],
  },
  {
    name: 'a proxy towards its database: FIN and RST at once, from the client side',
    connections: [0, 1, 2].map((id) => {
      const tMs = 2005 + id * 200
      const fin = { frame: 40 + id, tMs, seq: 101, ackedMs: null, ackedFrame: null, times: 1 }
      return connection({
        id,
        ending: 'reset-after-fin',
        resets: [reset({ from: 'client', shape: 'active', tMs: tMs + 0.1, frame: 50 + id })],
        sides: { client: { fins: 1, fin } },
      })
    }),
    is: 'likely',
    severity: 'problem',
    culprit: 'client',
    because: ['reset-after', 'constant'],
  },
  {
    name: 'near miss: a proxy that obeys the Keep-Alive: timeout of its server',
    connections: [0, 1, 2].map((id) =>
      connection({
        id,
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active', tMs: 5005 + id * 300, frame: 50 + id })],
      }),
    ),
    application: [0, 1, 2].map((id) => [
      id,
      application({ protocol: 'http', http: { keepAliveTimeoutS: 5 } as never }),
    ]),
    is: 'nothing',
  },
  {
    name: 'near miss: clients that retire idle connections by FIN',
    connections: [0, 1, 2].map((id) => {
      const tMs = 2005 + id * 200
      const fin = { frame: 40 + id, tMs, seq: 101, ackedMs: null, ackedFrame: null, times: 1 }
      return connection({ id, ending: 'half-closed', sides: { client: { fins: 1, fin } } })
    }),
    is: 'nothing',
  },
  {
    name: 'near miss: closed by both at once, no harm done',
    connections: [closed(0, 75_010)].map((c) => ({ ...c, ending: 'clean' as const })),
    is: 'nothing',
  },
  {
    name: 'idle sessions that began together, all reset after a round time: a limit perhaps (MariaDB)',
    connections: [aborted(0, 3005), aborted(1, 3009), aborted(2, 3012)],
    is: 'possible',
    against: ['same-moment'],
  },
  {
    name: 'near miss: reset together after no round time (ss -K)',
    connections: [aborted(0, 1355), aborted(1, 1356), aborted(2, 1357)],
    is: 'nothing',
  },
  {
    name: 'a proxy cuts requests that wait for 3 s',
    connections: [waiting(0, 3002), waiting(1, 3302), waiting(2, 3602)],
    application: [0, 1, 2].map((id) => [id, application({ protocol: 'http' })] as const),
    is: 'likely',
    variant: 'while-waiting',
    severity: 'problem',
    because: ['cut-waiting', 'constant-wait', 'round'],
    explains: 3,
  },
  {
    name: 'the head of the request never ended: not the answer was awaited, but the request',
    connections: [waiting(0, 2002)],
    application: [
      [0, application({ protocol: 'http', http: { requestHeadUnfinished: true } as never })],
    ],
    is: 'likely',
    variant: 'request-unfinished',
    severity: 'problem',
    because: ['unfinished-head', 'waited-for-rest'],
    against: ['perhaps-stalled'],
  },
  {
    name: 'the body never came whole',
    connections: [waiting(0, 60_002)],
    application: [
      [0, application({ protocol: 'http', http: { requestBodyComplete: false } as never })],
    ],
    is: 'likely',
    variant: 'request-unfinished',
    because: ['unfinished-body', 'waited-for-rest'],
  },
  {
    name: 'the same of a protocol that nobody answers: perhaps one-way',
    connections: [waiting(0, 3002), waiting(1, 3302), waiting(2, 3602)],
    is: 'possible',
    variant: 'while-waiting',
    against: ['one-way'],
  },
  {
    name: 'near miss: the waits are no constant (handlers that died)',
    connections: [waiting(0, 1502, 0), waiting(1, 2602, 0), waiting(2, 3802, 0)],
    application: [0, 1, 2].map((id) => [id, application({ protocol: 'http' })] as const),
    is: 'nothing',
  },
  {
    name: 'near miss: asked together and closed together',
    connections: [waiting(0, 3002, 0), waiting(1, 3003, 0), waiting(2, 3004, 0)],
    application: [0, 1, 2].map((id) => [id, application({ protocol: 'http' })] as const),
    is: 'nothing',
  },
  {
    name: 'near miss: one connection at no known age',
    connections: [closed(0, 3005)],
    is: 'nothing',
  },
  {
    name: 'near miss: ages spread widely',
    connections: [closed(0, 3005), closed(1, 9005), closed(2, 17_005)],
    is: 'nothing',
  },
  {
    name: 'all closed in the same instant, equally long idle: a restart looks the same',
    connections: [closed(0, 3005), closed(1, 3006), closed(2, 3007)],
    is: 'possible',
    against: ['same-moment'],
  },
  {
    name: 'near miss: a request was pending',
    connections: [
      requestOnly(true, {
        ending: 'half-closed',
        endedBy: 'server',
        sides: {
          server: {
            fin: { frame: 9, tMs: 60_002, seq: 1, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the client had closed first',
    connections: [
      closed(0, 75_005, {
        fin: { frame: 8, tMs: 6, seq: 101, ackedMs: 7, ackedFrame: 9, times: 1 },
      }),
    ],
    is: 'nothing',
  },
])
