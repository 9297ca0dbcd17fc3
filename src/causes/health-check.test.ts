import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, handshakeOnly, reset } from '../../test/helpers/facts.ts'
import { healthCheck } from './health-check.ts'

const probe = (id: number, startMs: number, after = 2) =>
  handshakeOnly({
    id,
    startMs,
    ending: 'handshake-reset',
    handshake: { synAckMs: startMs + 1, ackMs: startMs + 1.1 },
    resets: [reset({ from: 'client', shape: 'active', tMs: startMs + after, seq: 1 })],
  })
const fin = (tMs: number, frame = 9) => ({
  fins: 1,
  fin: { frame, tMs, seq: 1, ackedMs: tMs, ackedFrame: 10, times: 1 },
})

causeTable(healthCheck, [
  {
    name: 'one source, no octets, every five seconds',
    connections: [probe(0, 0), probe(1, 5000), probe(2, 10_010), probe(3, 15_001)],
    is: 'likely',
    severity: 'benign',
    culprit: 'client',
    because: ['no-octets', 'periodic'],
    explains: 4,
  },
  {
    name: 'by FIN as well',
    connections: [0, 1, 2].map((n) =>
      handshakeOnly({
        id: n,
        startMs: n * 2000,
        ending: 'clean',
        handshake: { synAckMs: n * 2000 + 1, ackMs: n * 2000 + 1.1 },
        sides: { client: fin(n * 2000 + 2), server: fin(n * 2000 + 3, 12) },
      }),
    ),
    is: 'likely',
  },
  {
    name: 'once: only possible',
    connections: [probe(0, 0)],
    is: 'possible',
    against: ['no-interval'],
  },
  {
    name: 'without any clock: only possible',
    connections: [probe(0, 0), probe(1, 5000), probe(2, 5300), probe(3, 19_000)],
    is: 'possible',
  },
  {
    name: 'near miss: the client waited four seconds for a greeting',
    connections: [probe(0, 0, 4000), probe(1, 5000, 4000), probe(2, 10_000, 4000)],
    is: 'nothing',
  },
  {
    name: 'near miss: the server closed first',
    connections: [
      handshakeOnly({ ending: 'clean', sides: { server: fin(1.5), client: fin(1.8, 12) } }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: both closed at once, the FINs crossed',
    connections: [0, 1, 2].map((n) =>
      handshakeOnly({
        id: n,
        startMs: n * 2000,
        ending: 'clean',
        handshake: { synAckMs: n * 2000 + 1, ackMs: n * 2000 + 1.1 },
        sides: {
          client: { fins: 1, fin: { ...fin(n * 2000 + 300).fin, ackedFrame: 20 } },
          server: fin(n * 2000 + 301, 12),
        },
      }),
    ),
    is: 'nothing',
  },
  {
    name: 'near miss: a request was sent',
    connections: [
      connection({ ending: 'reset', resets: [reset({ from: 'client', shape: 'active' })] }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the SYN-ACK was repeated to it: the server did not take its ACK',
    connections: [
      handshakeOnly({
        ending: 'handshake-reset',
        handshake: { synAcks: 2, synAckAfterAck: 1 },
        resets: [reset({ from: 'client', shape: 'active', tMs: 900 })],
      }),
    ],
    is: 'nothing',
  },
])
