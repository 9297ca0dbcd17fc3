import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, connection, fate, segment } from '../../test/helpers/facts.ts'
import { packetLoss } from './packet-loss.ts'

const lossy = (id: number, fast: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id,
    lastMs: 20_000,
    sides: { server: { retransmissions: { fast } }, client: { duplicateAcks: fast * 3 } },
    ...over,
  })
const lostData = (id: number, lost: number) =>
  [id, { compared: 60, lost, firstFrame: lost > 0 ? 20 : null }] as const
const synsOf = (lost: number) => [
  ...Array.from({ length: lost }, () =>
    fate({ kind: 'syn', from: 'client', fate: 'lost', frame: 1 }),
  ),
  fate({ kind: 'syn', from: 'client', fate: 'delivered', frame: 2 }),
]
const other = connection({ id: 9, server: address('10.77.9.9', 80) })
const otherPath = { server: '10.77.9.9', dataPackets: 5000, retransmissions: 2 }

causeTable(packetLoss, [
  {
    name: 'far above the other path: both rates stated',
    connections: [lossy(0, 8), lossy(1, 6), lossy(2, 9), other],
    paths: [{ dataPackets: 1000 }, otherPath],
    is: 'likely',
    severity: 'notice',
    culprit: 'network',
    explains: 3,
    because: ['rate', 'others', 'duplicate-acks'],
  },
  {
    name: 'harmful, nothing to compare with',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    is: 'likely',
    severity: 'problem',
    against: ['nothing-to-compare'],
  },
  {
    name: 'moderate, nothing to compare with',
    connections: [lossy(0, 8), lossy(1, 6), lossy(2, 9)],
    paths: [{ dataPackets: 1000 }],
    is: 'possible',
  },
  {
    name: 'the capture dropped packets itself: said against it',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    sources: [{ dropped: 40 }],
    is: 'likely',
    against: ['capture-dropped'],
  },
  {
    name: 'three captures: which leg loses them is said',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    fates: [[0, [fate({ kind: 'data', fate: 'lost', what: 'between router and server' })]]],
    is: 'likely',
    because: ['lost-far'],
  },
  {
    name: 'two captures: the ACKs that end handshakes never arrive, the data do',
    connections: [0, 1, 2].map((id) => connection({ id, handshake: { ackFrame: 3 } })),
    fates: [0, 1, 2].map((id) => [
      id,
      [
        fate({ frame: 3, kind: 'ack', from: 'client', fate: 'lost' }),
        fate({ frame: 9, kind: 'data', from: 'client', fate: 'delivered' }),
      ],
    ]),
    is: 'likely',
    variant: 'handshake-ack',
    severity: 'notice',
    explains: 3,
  },
  {
    name: 'two captures: that it left and did not arrive',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    fates: [[0, [fate({ kind: 'data', fate: 'lost' })]]],
    is: 'likely',
    because: ['lost-between'],
  },
  {
    name: 'two captures: enough of what left one end never came to the other',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    fates: [],
    data: [lostData(0, 3), lostData(1, 2), lostData(2, 0)],
    is: 'confirmed',
    because: ['proven', 'rate'],
  },
  {
    name: 'two captures, near miss: they do not prove as many',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    fates: [],
    data: [lostData(0, 2), lostData(1, 2), lostData(2, 0)],
    is: 'likely',
  },
  {
    name: 'two captures, near miss: all on one connection',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    fates: [],
    data: [lostData(0, 9), lostData(1, 0), lostData(2, 0)],
    is: 'likely',
  },
  {
    name: 'two captures, near miss: one of them dropped packets itself',
    connections: [lossy(0, 20), lossy(1, 20), lossy(2, 20)],
    paths: [{ dataPackets: 1000 }],
    sources: [{ dropped: 0 }, { dropped: 12 }],
    fates: [],
    data: [lostData(0, 5), lostData(1, 5), lostData(2, 5)],
    is: 'likely',
    against: ['capture-dropped'],
  },
  {
    name: 'an outage that ended',
    connections: [lossy(0, 2), lossy(1, 2)],
    paths: [{ dataPackets: 1000, outageMs: 4000, outageFromMs: 6000 }],
    is: 'likely',
    variant: 'outage',
    severity: 'problem',
    because: ['outage', 'went-on'],
  },
  {
    name: 'near miss: nothing went on after the outage (path lost)',
    connections: [lossy(0, 2, { lastMs: 7000 }), lossy(1, 2, { lastMs: 7000 })],
    paths: [{ dataPackets: 1000, outageMs: 54_000, outageFromMs: 6000 }],
    is: 'nothing',
  },
  {
    name: 'near miss: as much as everywhere',
    connections: [lossy(0, 8), lossy(1, 6), lossy(2, 9), other],
    paths: [{ dataPackets: 1000 }, { ...otherPath, retransmissions: 100 }],
    is: 'nothing',
  },
  {
    name: 'near miss: below one per cent',
    connections: [lossy(0, 2), lossy(1, 2), lossy(2, 2)],
    paths: [{ dataPackets: 5000 }],
    is: 'nothing',
  },
  {
    name: 'near miss: out of order, sent again for nothing',
    connections: [0, 1, 2].map((id) =>
      lossy(id, 20, {
        sides: { server: { retransmissions: { fast: 20, spurious: 8 }, outOfOrder: 9 } },
      }),
    ),
    paths: [{ dataPackets: 1000 }],
    is: 'nothing',
  },
  {
    name: 'near miss: only the first request, until the server took it',
    connections: [0, 1, 2].map((id) =>
      connection({
        id,
        lastMs: 20_000,
        sides: { client: { retransmissions: { rto: 3 } } },
        head: [segment({ frame: 8, tMs: 200, len: 100, note: 'retransmission-rto' })],
      }),
    ),
    paths: [{ dataPackets: 200 }],
    is: 'nothing',
  },
  {
    name: 'late segments of which nobody can tell whether they were overtaken: said',
    connections: [other],
    paths: [{ dataPackets: 1000, undecided: 5 }],
    is: 'unknown',
  },
  {
    name: 'near miss: four such segments',
    connections: [other],
    paths: [{ dataPackets: 100, undecided: 4 }],
    is: 'nothing',
  },
  {
    name: 'near miss: less than one in two hundred',
    connections: [other],
    paths: [{ dataPackets: 1001, undecided: 5 }],
    is: 'nothing',
  },
  {
    name: 'near miss: with two captures there is another way to tell',
    connections: [other],
    paths: [{ dataPackets: 1000, undecided: 50 }],
    fates: [],
    is: 'nothing',
  },
  {
    name: 'answered duplicate acknowledgements beside as many undecided: loss is possible only',
    connections: [0, 1, 2].map((id) =>
      lossy(id, 20, {
        sides: {
          server: { retransmissions: { fast: 20 }, outOfOrder: 9, undecided: 9 },
          client: { duplicateAcks: 60 },
        },
      }),
    ),
    paths: [{ dataPackets: 1000, undecided: 27 }],
    is: 'possible',
    against: ['undecided'],
  },
  {
    name: 'near miss: too few segments for a rate',
    connections: [lossy(0, 2), lossy(1, 2), lossy(2, 2)],
    paths: [{ dataPackets: 28 }],
    is: 'nothing',
  },
  {
    name: 'near miss: SYNs only',
    connections: [0, 1, 2].map((id) =>
      connection({ id, sides: { client: { retransmissions: { syn: 4 } } } }),
    ),
    paths: [{ dataPackets: 10 }],
    is: 'nothing',
  },
  {
    name: 'near miss: never recovered',
    connections: [0, 1, 2].map((id) => lossy(id, 20, { ending: 'timed-out' })),
    paths: [{ dataPackets: 100 }],
    is: 'nothing',
  },
  {
    name: 'SYNs that left the client and never came, each connection got in with a later one',
    connections: [0, 1, 2].map((id) => connection({ id, handshake: { syns: 3 } })),
    fates: [0, 1, 2].map((id) => [id, synsOf(2)] as const),
    is: 'likely',
    variant: 'syns',
    culprit: 'network',
    because: ['syns-lost'],
    against: ['perhaps-a-rule'],
    explains: 3,
  },
  {
    name: 'the same to an address that a box translates: it may have sent them elsewhere',
    connections: [0, 1, 2].map((id) => connection({ id, handshake: { syns: 3 } })),
    fates: [0, 1, 2].map((id) => [id, synsOf(2)] as const),
    services: ['10.77.2.2'],
    is: 'possible',
    variant: 'syns',
    against: ['perhaps-a-rule', 'perhaps-elsewhere'],
  },
  {
    name: 'near miss: SYNs lost on two connections only',
    connections: [0, 1].map((id) => connection({ id, handshake: { syns: 4 } })),
    fates: [0, 1].map((id) => [id, synsOf(3)] as const),
    is: 'nothing',
  },
])
