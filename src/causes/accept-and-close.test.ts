import type { HttpFacts } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  application,
  connection,
  handshakeOnly,
  requestOnly,
  reset,
} from '../../test/helpers/facts.ts'
import { acceptAndClose } from './accept-and-close.ts'

const serverFin = (tMs: number) => ({
  server: { fins: 1, fin: { frame: 10, tMs, seq: 1, ackedMs: tMs, ackedFrame: 11, times: 1 } },
})
const closed = (id: number, tMs = 1.5) =>
  handshakeOnly({ id, ending: 'clean', endedBy: 'server', sides: serverFin(tMs) })
const reseted = (id: number, over: Parameters<typeof reset>[0] = {}) =>
  requestOnly(true, {
    id,
    ending: 'handshake-reset',
    resets: [reset({ shape: 'active', frame: 10, tMs: 2.5, seq: 1, ...over })],
  })

const readThenClosed = (id: number) =>
  requestOnly(true, { id, ending: 'clean', endedBy: 'server', sides: serverFin(2.5) })

/** The server says 38 octets and closes at 1.5 ms, the client asks at `askedMs`. */
const spokeAndClosed = (id: number, askedMs = 1.6) =>
  connection({
    id,
    ending: 'reset-after-fin',
    endedBy: 'server',
    sides: {
      client: { firstDataMs: askedMs, lastDataMs: askedMs },
      server: {
        ...serverFin(1.5).server,
        payloadOctets: 38,
        fin: { ...serverFin(1.5).server.fin, seq: 39 },
      },
    },
  })

/** Closed by the server's FIN right behind 500 octets of an answer. */
const cutAfter = (id: number) => {
  const { fin } = serverFin(5.5).server
  const server = { fins: 1, fin: { ...fin, seq: 501 } }
  return connection({ id, ending: 'clean', endedBy: 'server', sides: { server } })
}
const halfAnswer = (over: Partial<HttpFacts>) =>
  application({
    protocol: 'http',
    http: { responseFrame: 6, contentLength: 9000, bodyOctetsSeen: 400, ...over } as HttpFacts,
  })

causeTable(acceptAndClose, [
  {
    name: 'the server speaks first and closes, and the client asks only then: turned away in words',
    connections: [spokeAndClosed(0), spokeAndClosed(1), connection({ id: 2 })],
    is: 'likely',
    variant: 'turned-away',
    culprit: 'server',
    because: ['spoke-and-closed', 'others-served'],
    explains: 2,
  },
  {
    name: 'the same once: possible',
    connections: [spokeAndClosed(0)],
    is: 'possible',
    variant: 'turned-away',
    against: ['only-one'],
  },
  {
    name: 'closed in order before the end of its answer',
    connections: [cutAfter(0), cutAfter(1)],
    application: [0, 1].map((id) => [id, halfAnswer({ bodyComplete: false })] as const),
    is: 'likely',
    variant: 'answer-cut',
    culprit: 'server',
    because: ['cut-length'],
    explains: 2,
  },
  {
    name: 'near miss: the answer was whole',
    connections: [cutAfter(0), cutAfter(1)],
    application: [0, 1].map((id) => [id, halfAnswer({ bodyComplete: true })] as const),
    is: 'nothing',
  },
  {
    name: 'near miss: it closes after the client has asked',
    connections: [spokeAndClosed(0, 1.4), spokeAndClosed(1, 1.4)],
    is: 'nothing',
  },
  {
    name: 'FINs and resets right after the handshake',
    connections: [closed(0), reseted(1), reseted(2)],
    is: 'likely',
    culprit: 'server',
    because: ['closed-at-once', 'mixed'],
    explains: 3,
  },
  {
    name: 'only resets, while others are served',
    connections: [reseted(0), reseted(1), connection({ id: 2 })],
    is: 'likely',
    because: ['others-served'],
    explains: 2,
  },
  {
    name: 'all of them by FIN after the request: it had been read, nothing is short',
    connections: [readThenClosed(0), readThenClosed(1), connection({ id: 2 })],
    is: 'likely',
    variant: 'read-and-closed',
    because: ['had-read', 'others-served'],
    explains: 2,
  },
  {
    name: 'some by RST, the request unread: the usual case',
    connections: [readThenClosed(0), reseted(1), connection({ id: 2 })],
    is: 'likely',
    because: ['mixed'],
    explains: 2,
  },
  {
    name: 'one alone on a port that serves nobody',
    connections: [closed(0)],
    is: 'possible',
    against: ['nobody-served', 'only-one'],
  },
  {
    name: 'half a second later: perhaps a time-out',
    connections: [closed(0, 500), closed(1, 510), connection({ id: 2 })],
    is: 'possible',
    against: ['not-at-once'],
  },
  {
    name: 'the request was read and worked on before the FIN, on a port that never serves: perhaps one-way',
    connections: [requestOnly(true, { ending: 'clean', endedBy: 'server', sides: serverFin(400) })],
    is: 'possible',
    variant: 'read-and-closed',
    because: ['read-once'],
    against: ['one-way'],
  },
  {
    name: 'HTTP requests that were at work for a while, FIN instead of an answer: no answer came, that is sure',
    connections: [0, 1].map((id) =>
      requestOnly(true, {
        id,
        ending: 'clean',
        endedBy: 'server',
        sides: serverFin(400 + id * 90),
      }),
    ),
    application: [0, 1].map((id) => [id, application({ protocol: 'http' })] as const),
    is: 'likely',
    variant: 'read-and-closed',
    severity: 'problem',
    because: ['read-later'],
    explains: 2,
  },
  {
    name: 'a request on a kept connection, others served',
    connections: [
      requestOnly(true, {
        ending: 'clean',
        endedBy: 'server',
        exchanges: 1,
        sides: serverFin(400),
      }),
      connection({ id: 1 }),
    ],
    is: 'likely',
    because: ['read-once', 'others-served'],
    explains: 1,
  },
  {
    name: 'near miss: one last message of a protocol that is not known, after others that were answered',
    connections: [
      connection({ id: 1 }),
      requestOnly(true, {
        ending: 'clean',
        endedBy: 'server',
        exchanges: 3,
        sides: serverFin(4000),
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'two of them, so that it is no chance',
    connections: [0, 1].map((id) =>
      requestOnly(true, {
        id,
        ending: 'clean',
        endedBy: 'server',
        exchanges: 3,
        sides: serverFin(4000),
      }),
    ),
    endpoints: [{ served: 2 }],
    is: 'possible',
    variant: 'read-and-closed',
    against: ['perhaps-none-due'],
    explains: 2,
  },
  {
    name: 'near miss: the client closed first: a health check',
    connections: [
      handshakeOnly({
        ending: 'clean',
        endedBy: 'client',
        sides: {
          client: {
            fins: 1,
            fin: { frame: 9, tMs: 1.2, seq: 1, ackedMs: 1.3, ackedFrame: 10, times: 1 },
          },
          ...serverFin(1.5),
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a server that says something first',
    connections: [connection({ sides: serverFin(6) })],
    is: 'nothing',
  },
  {
    name: 'near miss: its answer is not in the capture (a filter left payload out)',
    connections: [0, 1].map((id) => {
      const one = closed(id)
      const fin = { ...one.sides.server.fin!, seq: 501 }
      return { ...one, sides: { ...one.sides, server: { ...one.sides.server, fin } } }
    }),
    is: 'nothing',
  },
  {
    name: 'near miss: closed after five idle seconds',
    connections: [closed(0, 5001)],
    is: 'nothing',
  },
  {
    name: 'near miss: a stateless reset is a full queue or a filter',
    connections: [reseted(0, { shape: 'stateless' }), reseted(1, { shape: 'stateless' })],
    is: 'nothing',
  },
  {
    name: "near miss: a stranger's reset",
    connections: [reseted(0, { ttl: 250, ttlUnusual: true }), connection({ id: 1 })],
    is: 'nothing',
  },
  {
    name: 'near miss: plain text on a TLS port is a TLS failure',
    connections: [reseted(0)],
    application: [
      [
        0,
        application({
          protocol: 'tls',
          tls: {
            alert: null,
            handshakeFinished: false,
            plainTextFrom: 'client',
            clientHello: false,
            serverName: null,
          },
        }),
      ],
    ],
    is: 'nothing',
  },
])
