import { expect, test } from 'vitest'
import {
  ACK,
  address,
  application,
  connection,
  evidence,
  FIN,
  PSH,
  requestOnly,
  segment,
} from '../../test/helpers/facts.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { closedUnanswered } from './closed-unanswered.ts'

/** A request of 100 octets at 2 ms, acknowledged, and the server's FIN at 500 ms with no octet before it. */
function closed(over: Parameters<typeof requestOnly>[1] = {}, ack = 101): ConnectionFacts {
  return requestOnly(true, {
    ending: 'clean',
    endedBy: 'server',
    sides: {
      server: {
        fins: 1,
        fin: { frame: 9, tMs: 500, seq: 1, ackedMs: 501, ackedFrame: 10, times: 1 },
      },
    },
    tail: [segment({ frame: 9, tMs: 500, from: 'server', flags: FIN | ACK, ack })],
    ...over,
  })
}

const http = (over: object = {}) =>
  application({
    protocol: 'http',
    http: { request: 'GET /', requestFrame: 4, status: null, streaming: false, ...over } as never,
  })
const tls = (over: object = {}) =>
  application({
    protocol: 'tls',
    tls: {
      alert: null,
      handshakeFinished: true,
      plainTextFrom: null,
      clientHello: true,
      serverName: null,
      ...over,
    } as never,
  })
const database = () =>
  application({ protocol: 'mysql', database: { quit: false, error: null } as never })
const served = (more: ConnectionFacts) => [more, connection({ id: 1 })]
const octets = (n: number) => ({
  request: { startFrame: 4, startMs: 2, lastFrame: 4, lastMs: 2, octets: n, seq: 1 },
})

interface Row {
  name: string
  connections: readonly ConnectionFacts[]
  told?: ApplicationFacts
  due: 'yes' | 'perhaps' | 'one-way' | null
}

const rows: readonly Row[] = [
  { name: 'HTTP: every request has a response', connections: [closed()], told: http(), due: 'yes' },
  { name: 'a database statement', connections: [closed()], told: database(), due: 'yes' },
  { name: 'others were answered on this port', connections: served(closed()), due: 'yes' },
  { name: 'nobody was ever answered', connections: [closed()], due: 'one-way' },
  {
    name: 'TLS, no record but tickets after the request',
    connections: [closed()],
    told: tls({ unanswered: true }),
    due: 'perhaps',
  },
  {
    name: 'near miss: over TLS, the request came after the FIN of an idle connection',
    connections: [
      closed({
        request: { startFrame: 40, startMs: 900, lastFrame: 40, lastMs: 900, octets: 124, seq: 1 },
      }),
    ],
    told: tls({ unanswered: true, askedFrame: 40 }),
    due: null,
  },
  {
    name: 'a later message of a protocol that is not known',
    connections: served(closed({ exchanges: 3 })),
    due: 'perhaps',
  },
  {
    name: 'and more after the FIN: close_notify, the next request',
    connections: [
      closed({
        request: { startFrame: 4, startMs: 2, lastFrame: 11, lastMs: 502, octets: 124, seq: 1 },
      }),
    ],
    told: http(),
    due: 'yes',
  },
  {
    name: 'near miss: the request crossed the FIN, which does not acknowledge it',
    connections: [closed({ head: connection().head.slice(0, 4) }, 1)],
    told: http(),
    due: null,
  },
  {
    name: "near miss: PostgreSQL's CancelRequest, which is never answered",
    connections: [
      closed({
        ...octets(16),
        server: address('10.77.2.2', 5432),
        sides: {
          client: { payloadOctets: 16, ackedOctets: 16 },
          server: {
            fins: 1,
            fin: { frame: 9, tMs: 500, seq: 1, ackedMs: 501, ackedFrame: 10, times: 1 },
          },
        },
        tail: [segment({ frame: 9, tMs: 500, from: 'server', flags: FIN | ACK, ack: 17 })],
      }),
      connection({ id: 1, server: address('10.77.2.2', 5432) }),
    ],
    due: null,
  },
  {
    name: 'near miss: answered',
    connections: [connection({ ending: 'clean', endedBy: 'server' })],
    told: http(),
    due: null,
  },
  {
    name: 'near miss: the next request came after the FIN (data-after-close)',
    connections: served(
      closed({
        request: { startFrame: 12, startMs: 600, lastFrame: 12, lastMs: 600, octets: 90, seq: 101 },
      }),
    ),
    told: http({ status: 200, bodyComplete: true, requestFrame: 12 }),
    due: null,
  },
  {
    name: 'near miss: the client half-closed first',
    connections: [
      closed({
        sides: {
          client: {
            fins: 1,
            fin: { frame: 7, tMs: 3, seq: 101, ackedMs: 4, ackedFrame: 8, times: 1 },
          },
          server: {
            fins: 1,
            fin: { frame: 9, tMs: 500, seq: 1, ackedMs: 501, ackedFrame: 10, times: 1 },
          },
        },
      }),
    ],
    told: http(),
    due: null,
  },
  {
    name: 'near miss: frames of a WebSocket need no answer',
    connections: served(closed({ exchanges: 3 })),
    told: http({ status: 101, streaming: true }),
    due: null,
  },
  {
    name: 'near miss: surplus octets after a complete answer are no request',
    connections: served(
      closed({
        request: { startFrame: 8, startMs: 20, lastFrame: 8, lastMs: 20, octets: 2, seq: 99 },
      }),
    ),
    told: http({ status: 200, bodyComplete: true }),
    due: null,
  },
  {
    name: 'near miss: COM_QUIT, COM_STMT_CLOSE',
    connections: [closed(octets(9))],
    told: database(),
    due: null,
  },
  {
    name: 'near miss: a short last word and an immediate close (QUIT, DISCONNECT)',
    connections: served(
      closed({
        exchanges: 4,
        request: { startFrame: 4, startMs: 498, lastFrame: 4, lastMs: 498, octets: 6, seq: 95 },
      }),
    ),
    due: null,
  },
  {
    name: 'near miss: message after message, nothing awaited (syslog)',
    connections: [
      closed({
        request: { startFrame: 4, startMs: 2, lastFrame: 8, lastMs: 400, octets: 100, seq: 1 },
      }),
    ],
    due: null,
  },
  {
    name: 'near miss: TLS of which nothing can be told',
    connections: [closed()],
    told: tls({ unanswered: 'unknown' }),
    due: null,
  },
  {
    name: 'near miss: the answer is not in the capture',
    connections: [closed({ sides: { server: { fin: { seq: 501 } } } } as never)],
    told: http(),
    due: null,
  },
  {
    name: 'near miss: one direction only',
    connections: [closed({ seen: 'client-only' })],
    due: null,
  },
  { name: 'a healthy exchange', connections: [connection()], told: http(), due: null },
]

for (const { name, connections, told, due } of rows) {
  test(`closed unanswered: ${name}`, () => {
    const parts = { connections, application: told === undefined ? [] : [[0, told] as const] }
    expect(closedUnanswered(connections[0]!, evidence(parts))?.due ?? null).toBe(due)
  })
}

test('closed unanswered: the wait counts from the last octet before the FIN', () => {
  const late = segment({ frame: 11, tMs: 502, flags: PSH | ACK, seq: 101, len: 24 })
  const one = closed({
    request: { startFrame: 4, startMs: 2, lastFrame: 11, lastMs: 502, octets: 124, seq: 1 },
  })
  one.tail.push(late)
  const found = closedUnanswered(one, evidence({ connections: [one], application: [[0, http()]] }))
  expect(found).toMatchObject({ waitedMs: 498, octets: 100, atMs: 500, frame: 9 })
})
