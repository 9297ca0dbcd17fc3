import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, requestOnly, reset, segment } from '../../test/helpers/facts.ts'
import { serverStalled } from './server-stalled.ts'

const waiting = (id: number, over: Parameters<typeof connection>[0] = {}) =>
  requestOnly(true, { id, ...over })
const clientFin = (tMs: number) => ({
  frame: 30,
  tMs,
  seq: 101,
  ackedMs: null,
  ackedFrame: null,
  times: 1,
})

causeTable(serverStalled, [
  {
    name: 'the client left after 1.7 s without an answer',
    application: [[0, application({ protocol: 'http' })]],
    connections: [
      waiting(0, { ending: 'half-closed', sides: { client: { fin: clientFin(1702) } } }),
    ],
    is: 'likely',
    culprit: 'server',
    because: ['acknowledged', 'until-client-left'],
  },
  {
    name: "near miss: the server's last ACK is further on than what came: its answer was lost",
    application: [[0, application({ protocol: 'http' })]],
    connections: [
      waiting(0, {
        ending: 'half-closed',
        sides: { client: { fin: clientFin(1702) } },
        tail: [segment({ frame: 31, tMs: 1703, from: 'server', seq: 15_929, ack: 102 })],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the request got through at its third attempt only, and the server closed 12 ms later',
    application: [[0, application({ protocol: 'http' })]],
    connections: [
      waiting(0, {
        ending: 'clean',
        sides: {
          client: { retransmissions: { rto: 2 } },
          server: {
            fin: { frame: 31, tMs: 9030, seq: 1, ackedMs: 9031, ackedFrame: 32, times: 1 },
          },
        },
        head: connection().head.slice(0, 4),
        tail: [segment({ frame: 30, tMs: 9018, from: 'server', ack: 101 })],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'nobody was ever answered; of so many the payload of a few was read, and that is HTTP',
    application: [[2, application({ protocol: 'http' })]],
    connections: [0, 1, 2].map((id) =>
      waiting(id, {
        ending: 'half-closed',
        startMs: 300 * id,
        sides: { client: { fin: clientFin(1702 + 300 * id) } },
      }),
    ),
    is: 'likely',
    explains: 3,
  },
  {
    name: 'near miss: a stack that does not know the connection answers by a reset at once',
    application: [[0, application({ protocol: 'http' })]],
    connections: [0, 1, 2].map((id) =>
      waiting(id, {
        ending: 'reset',
        endedBy: 'server',
        captureEndMs: 30_000,
        resets: [reset({ from: 'server', shape: 'stateless', frame: 5, tMs: 2.1 })],
      }),
    ),
    is: 'nothing',
  },
  {
    name: 'three of them still wait at the end, others were served',
    connections: [waiting(0), waiting(1), waiting(2), connection({ id: 3 })],
    is: 'likely',
    explains: 3,
    because: ['until-capture-end', 'several'],
    against: ['may-answer'],
  },
  {
    name: 'earlier requests on the connection were answered',
    connections: [waiting(0, { exchanges: 4 }), connection({ id: 1 })],
    is: 'likely',
    because: ['answered-before'],
  },
  {
    name: 'the capture ends before the age at which an earlier request was answered: cannot tell',
    connections: [
      waiting(0, {
        exchanges: 2,
        head: [
          segment({ frame: 4, tMs: 2, len: 100 }),
          segment({ frame: 6, tMs: 8002, len: 100, from: 'server' }),
        ],
        request: { startFrame: 9, startMs: 9000, lastFrame: 9, lastMs: 9000, octets: 55, seq: 101 },
        captureEndMs: 16_990,
      }),
    ],
    is: 'unknown',
  },
  {
    name: 'earlier ones were answered after half as long: perhaps a slow answer',
    application: [[0, application({ protocol: 'http' })]],
    connections: [
      waiting(0, {
        exchanges: 2,
        head: [
          segment({ frame: 4, tMs: 2, len: 100 }),
          segment({ frame: 6, tMs: 8002, len: 100, from: 'server' }),
        ],
        request: { startFrame: 9, startMs: 9000, lastFrame: 9, lastMs: 9000, octets: 55, seq: 101 },
        captureEndMs: 22_000,
      }),
      connection({ id: 1 }),
    ],
    is: 'possible',
    against: ['slow-answers', 'may-answer'],
  },
  {
    name: 'a client that left everything in one instant may have been stopped itself',
    application: [[0, application({ protocol: 'http' })]],
    connections: [0, 1, 2].map((id) =>
      waiting(id, {
        ending: 'half-closed',
        request: {
          startFrame: 4,
          startMs: id * 900,
          lastFrame: 4,
          lastMs: id * 900,
          octets: 9,
          seq: 1,
        },
        sides: { client: { fin: clientFin(3000 + id) } },
      }),
    ),
    is: 'possible',
    explains: 3,
    against: ['left-together'],
  },
  {
    name: 'the server spoke after a silence and the client replied: an answer, in a tunnel say',
    connections: [
      waiting(0, {
        exchanges: 4,
        request: { startFrame: 9, startMs: 5002, lastFrame: 9, lastMs: 5002, octets: 55, seq: 1 },
        head: [
          segment({ frame: 4, tMs: 2, len: 100 }),
          segment({ frame: 8, tMs: 5000, len: 55, from: 'server' }),
          segment({ frame: 9, tMs: 5002, len: 55 }),
        ],
        tail: [],
        captureEndMs: 60_000,
      }),
      connection({ id: 1 }),
    ],
    is: 'possible',
    against: ['an-answer'],
  },
  {
    name: 'one that waits, nobody is ever answered: perhaps one-way',
    connections: [waiting(0)],
    is: 'possible',
    against: ['one-way'],
  },
  {
    name: 'an upload that needs no answer: the server never says anything and closes',
    connections: [waiting(0, { ending: 'clean', sides: { client: { fin: clientFin(9000) } } })],
    is: 'possible',
    against: ['one-way'],
  },
  {
    name: 'under TLS: the last record may need no answer',
    connections: [waiting(0, { exchanges: 3 }), connection({ id: 1 })],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'possible',
  },
  {
    name: 'near miss: the capture ends too soon',
    connections: [waiting(0, { captureEndMs: 3000 })],
    is: 'nothing',
  },
  {
    name: 'near miss: the request was not acknowledged',
    connections: [requestOnly(false)],
    is: 'nothing',
  },
  {
    name: "near miss: the server's window is closed",
    connections: [
      waiting(0, {
        sides: { server: { zeroWindow: { times: 1, ms: 50_000, openAtEnd: true, firstFrame: 5 } } },
      }),
    ],
    is: 'nothing',
  },
  { name: 'near miss: answered', connections: [connection()], is: 'nothing' },
])
