import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, fate, requestOnly, unanswered } from '../../test/helpers/facts.ts'
import { asymmetricPath } from './asymmetric-path.ts'

const lostAnswer = (frame: number) =>
  fate({ frame, kind: 'syn-ack', fate: 'lost', seenAt: 'server' })
const incomplete = unanswered({
  ending: 'handshake-incomplete',
  handshake: { synAcks: 3, synAckMs: 0.1, synAckFrame: 2 },
})
const unheard = requestOnly(false, {
  ending: 'timed-out',
  handshake: { synAcks: 3, synAckAfterAck: 2 },
  sides: { client: { retransmissions: { rto: 4 } } },
})

const half = (id: number) =>
  unanswered({
    id,
    ending: 'handshake-incomplete',
    handshake: { syns: 1, synAcks: 5, synAckMs: 0.1, synAckFrame: 2 },
  })

const vain = {
  what: 'data',
  seq: 115,
  len: 114,
  firstFrame: 40,
  lastFrame: 159,
  firstMs: 20,
  lastMs: 3350,
  times: 6,
} as const

const heard = [
  fate({ frame: 4, tMs: 2, kind: 'data', from: 'client', fate: 'delivered' }),
  fate({ frame: 6, tMs: 5, kind: 'data', from: 'server', fate: 'delivered' }),
]
const unheardAt = (frame: number, tMs: number) =>
  fate({ frame, tMs, kind: 'data', from: 'server', fate: 'lost' })

causeTable(asymmetricPath, [
  {
    name: 'proven: at first the answers arrived, then none of them',
    connections: [connection({ ending: 'timed-out' })],
    fates: [[0, [...heard, unheardAt(31, 2000), unheardAt(33, 2400)]]],
    is: 'likely',
    because: ['answers-lost'],
  },
  {
    name: "near miss: a box answers them by reset in the client's name: it stops them",
    connections: [connection({ ending: 'timed-out' })],
    fates: [
      [
        0,
        [
          ...heard,
          unheardAt(31, 2000),
          unheardAt(33, 2400),
          fate({ kind: 'reset', from: 'client', fate: 'injected', frame: 32 }),
        ],
      ],
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a later answer arrived: loss, no one-way path',
    connections: [connection({ ending: 'timed-out' })],
    fates: [
      [
        0,
        [
          ...heard,
          unheardAt(31, 2000),
          unheardAt(33, 2400),
          fate({ frame: 40, tMs: 2800, kind: 'data', from: 'server', fate: 'delivered' }),
        ],
      ],
    ],
    is: 'nothing',
  },
  {
    name: 'the SYN arrives, the SYN-ACKs are lost on the way back',
    connections: [unanswered()],
    fates: [
      [0, [fate({ kind: 'syn', from: 'client', fate: 'delivered' }), lostAnswer(2), lostAnswer(4)]],
    ],
    is: 'likely',
    culprit: 'network',
    because: ['syn-arrives', 'syn-ack-lost'],
  },
  {
    name: 'one SYN-ACK lost on a port that served others: loss does that as well',
    connections: [unanswered({ handshake: { syns: 1 } })],
    endpoints: [{ served: 12 }],
    fates: [[0, [fate({ kind: 'syn', from: 'client', fate: 'delivered' }), lostAnswer(2)]]],
    is: 'possible',
    because: ['syn-ack-lost'],
    against: ['others-served'],
  },
  {
    name: 'at the server: only the SYN-ACK is repeated, and nobody was served: the ACK is lost, or never sent',
    connections: [half(0), half(1)],
    sources: [{ at: 'server' }],
    endpoints: [{ served: 0, established: 0 }],
    is: 'possible',
    culprit: 'network',
    because: ['syn-ack-repeated', 'nobody-served'],
    against: ['scan-alike'],
    explains: 2,
  },
  {
    name: 'near miss: others were served: a scan, or a lost ACK',
    connections: [half(0), half(1)],
    sources: [{ at: 'server' }],
    endpoints: [{ served: 5, established: 5 }],
    is: 'nothing',
  },
  {
    name: 'at the server: SYN and SYN-ACK both repeated',
    connections: [incomplete],
    sources: [{ at: 'server' }],
    is: 'possible',
    because: ['syn-repeated', 'syn-ack-repeated'],
  },
  {
    name: 'near miss: at the client both were received',
    connections: [incomplete],
    sources: [{ at: 'client' }],
    is: 'nothing',
  },
  {
    name: 'near miss: half-open because the client vanished: one SYN only',
    connections: [
      unanswered({ ending: 'handshake-incomplete', handshake: { syns: 1, synAcks: 6 } }),
    ],
    sources: [{ at: 'server' }],
    is: 'nothing',
  },
  {
    name: 'at the client: SYN-ACK repeated, no data ever taken, nobody served',
    connections: [unheard],
    is: 'possible',
    against: ['queue-alike'],
  },
  {
    name: 'near miss: the port serves others: more likely a full queue',
    connections: [unheard],
    endpoints: [{ served: 12 }],
    is: 'nothing',
  },
  {
    name: 'proven: everything of the client after the SYN is lost',
    connections: [unheard],
    endpoints: [{ served: 12 }],
    fates: [
      [
        0,
        [
          fate({ kind: 'ack', from: 'client', fate: 'lost' }),
          fate({ kind: 'data', from: 'client', fate: 'lost' }),
        ],
      ],
    ],
    is: 'likely',
    because: ['client-lost'],
  },
  {
    name: 'after the handshake nothing comes back on this port, others are fine',
    connections: [requestOnly(false, { ...unheard, handshake: { synAcks: 1, synAckAfterAck: 0 } })],
    endpoints: [{ established: 5, connections: 5 }],
    hosts: [{ address: '10.77.2.2', ttls: [], packets: 400 }],
    is: 'possible',
    because: ['data-unheard', 'nobody-served'],
  },
  {
    name: "proven: requests arrive, the server's answers are lost",
    connections: [unheard],
    fates: [
      [
        0,
        [
          fate({ kind: 'data', from: 'client', fate: 'delivered' }),
          fate({ kind: 'ack', fate: 'lost' }),
          fate({ kind: 'data', fate: 'lost' }),
        ],
      ],
    ],
    is: 'likely',
    because: ['answers-lost'],
  },
  {
    name: 'at the server: heard at first, then asked again and again whatever it answers',
    connections: [
      connection({
        sides: {
          client: { lastMs: 3300, retransmissions: { spurious: 5 } },
          server: { ackedOctets: 114, retransmissions: { rto: 5 }, unanswered: vain },
        },
      }),
    ],
    sources: [{ at: 'server' }],
    is: 'possible',
    because: ['no-longer-heard'],
  },
  {
    name: 'near miss: the client fell silent as well',
    connections: [
      connection({
        sides: {
          client: { lastMs: 80, retransmissions: { spurious: 5 } },
          server: { ackedOctets: 114, retransmissions: { rto: 5 }, unanswered: vain },
        },
      }),
    ],
    sources: [{ at: 'server' }],
    is: 'nothing',
  },
  {
    name: 'at the server: it answers and is asked again',
    connections: [
      connection({
        sides: {
          client: { retransmissions: { rto: 4 } },
          server: { ackedOctets: 0, retransmissions: { rto: 3 } },
        },
      }),
    ],
    sources: [{ at: 'server' }],
    is: 'possible',
    because: ['answers-unheard'],
  },
  {
    name: 'near miss: the data arrived at the server',
    connections: [unheard],
    fates: [[0, [fate({ kind: 'data', from: 'client', fate: 'delivered' })]]],
    is: 'nothing',
  },
  { name: 'near miss: SYN unanswered', connections: [unanswered()], is: 'nothing' },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
