import { expect, test } from 'vitest'
import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  address,
  connection,
  evidence,
  fate,
  handshakeOnly,
  PSH,
  requestOnly,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'

const atServer = [{ at: 'server' as const }]
const alive = [{ firstAnswerMs: 1, lastAnswerMs: 9000, served: 20, established: 20 }]
const queued = requestOnly(true, { id: 1, ending: 'reset-after-fin', lastMs: 5000 })
const retried = alive.map((one) => ({ ...one, synRetried: 3 }))
const repeats = [1, 200, 600, 1400].map((tMs, i) =>
  segment({ frame: 4 + i, tMs, flags: PSH | ACK, len: 100 }),
)
const ignored = {
  ending: 'timed-out' as const,
  handshake: { synAcks: 3, synAckAfterAck: 2 },
  sides: {
    client: {
      retransmissions: { rto: 3 },
      unanswered: {
        what: 'data' as const,
        seq: 1,
        len: 100,
        firstFrame: 4,
        lastFrame: 7,
        firstMs: 2,
        lastMs: 1400,
        times: 4,
      },
    },
  },
}
const reply = reset({
  tMs: 1.9,
  seq: 1,
  trigger: segment({ frame: 3, tMs: 1.1 }),
})
const resetAtAck = handshakeOnly({ ending: 'handshake-reset', resets: [reply] })

causeTable(acceptQueueOverflow, [
  {
    name: 'SYNs arrive at the server and get nothing, requests before them wait',
    connections: [
      unanswered({ handshake: { synTimesMs: [100, 1100, 3100] } }),
      requestOnly(true, { id: 1, ending: 'reset-after-fin', lastMs: 5000 }),
    ],
    sources: atServer,
    endpoints: alive,
    is: 'likely',
    variant: 'syn-dropped',
    culprit: 'server',
    because: ['syn-arrived', 'answers-others', 'queue-waiting'],
    explains: 1,
  },
  {
    name: 'a host that connects to itself: the SYNs cannot have been lost on the way',
    connections: [
      unanswered({
        server: address('10.77.1.2', 80),
        handshake: { synTimesMs: [100, 1100, 3100] },
      }),
      requestOnly(true, {
        id: 1,
        server: address('10.77.1.2', 80),
        ending: 'reset-after-fin',
        lastMs: 5000,
      }),
    ],
    endpoints: alive.map((one) => ({ ...one, endpoint: '10.77.1.2:80' })),
    is: 'likely',
    variant: 'syn-dropped',
    because: ['syn-arrived'],
  },
  {
    name: 'served connections are clean and mostly not told: the one that is stands for many that waited',
    connections: [
      ...[100, 6000, 7000].map((at, id) => unanswered({ id, handshake: { synTimesMs: [at] } })),
      requestOnly(true, { id: 3, ending: 'reset-after-fin', lastMs: 5000 }),
    ],
    sources: atServer,
    endpoints: [{ ...alive[0], established: 500 }],
    is: 'likely',
    variant: 'syn-dropped',
  },
  {
    name: 'of very many connections those that waited are not told, but when they did',
    connections: [100, 6000, 7000].map((at, id) =>
      unanswered({ id, handshake: { synTimesMs: [at] } }),
    ),
    sources: atServer,
    endpoints: [
      {
        ...alive[0],
        established: 9000,
        waits: [50, 5900].map((at) => ({ fromMs: at, toMs: at + 900 })),
      },
    ],
    is: 'likely',
    variant: 'syn-dropped',
    because: ['syn-arrived', 'answers-others', 'queue-waiting'],
  },
  {
    name: 'near miss: the longest waits for the application were over, or not begun, when SYNs were dropped',
    connections: [100, 6000, 7000].map((at, id) =>
      unanswered({ id, handshake: { synTimesMs: [at] } }),
    ),
    sources: atServer,
    endpoints: [{ ...alive[0], established: 9000, waits: [{ fromMs: 8000, toMs: 9900 }] }],
    is: 'possible',
    variant: 'syn-dropped',
    against: ['nobody-waiting'],
  },
  {
    name: 'near miss: all that were established are told, and few of the dropped SYNs found one waiting',
    connections: [
      ...[100, 6000, 7000].map((at, id) => unanswered({ id, handshake: { synTimesMs: [at] } })),
      requestOnly(true, { id: 3, ending: 'reset-after-fin', lastMs: 5000 }),
    ],
    sources: atServer,
    endpoints: [{ ...alive[0], established: 1 }],
    is: 'possible',
    variant: 'syn-dropped',
    against: ['nobody-waiting'],
  },
  {
    name: 'a limit on new connections at the server: SYNs arrive, nobody waits in the queue',
    connections: [unanswered()],
    sources: atServer,
    endpoints: alive,
    is: 'possible',
    variant: 'syn-dropped',
    against: ['nobody-waiting'],
  },
  {
    name: 'cannot tell: the SYN is among the last frames of the capture',
    connections: [
      unanswered({ lastMs: 0, captureEndMs: 30, handshake: { syns: 1, synTimesMs: [0] } }),
    ],
    sources: atServer,
    endpoints: alive,
    is: 'nothing',
  },
  {
    name: 'proven by two captures: the SYN was delivered and nothing sent',
    connections: [unanswered({ handshake: { synTimesMs: [100, 1100] } }), queued],
    endpoints: alive,
    fates: [[0, [fate({ kind: 'syn', from: 'client', fate: 'delivered' })]]],
    is: 'likely',
    variant: 'syn-dropped',
  },
  {
    name: 'near miss: of two SYNs the first never arrived, the second was answered at once: the path lost it',
    connections: [
      requestOnly(true, { handshake: { syns: 2, synTimesMs: [100, 1100], synAckMs: 1101 } }),
      requestOnly(true, { id: 1, ending: 'reset-after-fin', lastMs: 5000 }),
    ],
    endpoints: retried,
    fates: [
      [
        0,
        [
          fate({ kind: 'syn', from: 'client', fate: 'lost', tMs: 100 }),
          fate({ kind: 'syn', from: 'client', fate: 'delivered', tMs: 1100 }),
        ],
      ],
    ],
    is: 'nothing',
  },
  {
    name: 'of two SYNs the first arrived and got nothing, the second was answered',
    connections: [
      requestOnly(true, { handshake: { syns: 2, synTimesMs: [100, 1100], synAckMs: 1101 } }),
      requestOnly(true, { id: 1, ending: 'reset-after-fin', lastMs: 5000 }),
    ],
    endpoints: retried,
    fates: [
      [
        0,
        [
          fate({ kind: 'syn', from: 'client', fate: 'delivered', tMs: 100 }),
          fate({ kind: 'syn', from: 'client', fate: 'delivered', tMs: 1100 }),
        ],
      ],
    ],
    is: 'likely',
    variant: 'syn-dropped',
  },
  {
    name: 'near miss: the same, but the capture at the server has a SYN-ACK of it',
    connections: [unanswered()],
    endpoints: alive,
    fates: [[0, [fate({ kind: 'syn', from: 'client', fate: 'delivered' })]]],
    answered: [0],
    is: 'nothing',
  },
  {
    name: "from the client's side only possible, though the port answers others",
    connections: [unanswered()],
    endpoints: alive,
    is: 'possible',
    variant: 'syn-dropped',
    against: ['arrival-unknown'],
  },
  {
    name: 'near miss: the SYNs that were not answered never arrived, the one that did was answered',
    connections: [0, 1, 2].map((id) =>
      connection({
        id,
        handshake: { syns: 2, synTimesMs: [100, 1100], synAckMs: 1101, ackMs: 1102 },
        sides: { server: { firstDataMs: 1110 } },
      }),
    ),
    endpoints: [{ ...alive[0], synRetried: 3 }],
    fates: [0, 1, 2].map(
      (id) =>
        [
          id,
          [
            fate({ kind: 'syn', from: 'client', fate: 'lost', tMs: 100 }),
            fate({ kind: 'syn', from: 'client', fate: 'delivered', tMs: 1100 }),
          ],
        ] as const,
    ),
    is: 'nothing',
  },
  {
    name: 'connects that needed a second SYN, beside others that never got in',
    connections: [
      connection({
        handshake: { syns: 2, synTimesMs: [100, 1100], synAckMs: 1101, ackMs: 1102 },
        sides: { server: { firstDataMs: 1110 } },
      }),
      unanswered({ id: 2, handshake: { synTimesMs: [100, 1100] } }),
      queued,
    ],
    sources: atServer,
    endpoints: [{ ...alive[0], synRetried: 2 }],
    is: 'likely',
    explains: 2,
  },
  {
    name: 'near miss: the SYN-ACK left before the SYN was sent again: a long way, no drop',
    connections: [
      connection({ handshake: { syns: 2, synTimesMs: [0, 1000], synAckMs: 0.1, synAcks: 2 } }),
    ],
    sources: atServer,
    endpoints: [{ ...alive[0], synRetried: 40 }],
    is: 'nothing',
  },
  {
    name: 'abort_on_overflow: a reset at the ACK is told even where the SYN had to be sent twice',
    connections: [0, 1].map((id) =>
      handshakeOnly({
        id,
        ending: 'handshake-reset',
        handshake: { syns: 2, synTimesMs: [-1000, 0] },
        resets: [reply],
      }),
    ),
    endpoints: [{ ...alive[0], byEnding: { 'handshake-reset': 2 } }],
    is: 'likely',
    variant: 'reset',
  },
  {
    name: 'near miss: one repeated SYN alone is a lost packet',
    connections: [connection({ handshake: { syns: 2, synTimesMs: [0, 1000], synAckMs: 1001 } })],
    sources: atServer,
    is: 'nothing',
  },
  {
    name: 'near miss: the port never answered anybody',
    connections: [unanswered()],
    is: 'nothing',
  },
  {
    name: 'near miss: the SYN was lost on the way',
    connections: [unanswered()],
    endpoints: alive,
    fates: [[0, [fate({ kind: 'syn', from: 'client', fate: 'lost' })]]],
    is: 'nothing',
  },
  {
    name: 'many half-open handshakes and nobody waiting: cannot tell which queue',
    connections: [unanswered()],
    sources: atServer,
    endpoints: [{ ...alive[0], byEnding: { 'handshake-incomplete': 11 } }],
    is: 'possible',
    against: ['half-open'],
  },
  {
    name: 'data unacknowledged while the SYN-ACK is repeated, on several connections',
    connections: [requestOnly(false, ignored)],
    endpoints: [{ ...alive[0], synAckRetried: 5 }],
    is: 'likely',
    variant: 'ack-dropped',
    because: ['syn-ack-repeated', 'data-unacked', 'others-alike', 'served'],
    against: ['ack-perhaps-lost'],
  },
  {
    name: 'the ACKs are in a capture at the server',
    connections: [requestOnly(false, ignored)],
    sources: atServer,
    is: 'likely',
    variant: 'ack-dropped',
    because: ['ack-arrived'],
  },
  {
    name: 'near miss: the ACK and the data were lost on the way',
    connections: [requestOnly(false, ignored)],
    fates: [[0, [fate({ kind: 'data', from: 'client', fate: 'lost' })]]],
    endpoints: [{ ...alive[0], synAckRetried: 5 }],
    is: 'nothing',
  },
  {
    name: 'a lone one on a port that never served: a filter would look the same',
    connections: [requestOnly(false, ignored)],
    is: 'possible',
    against: ['never-served'],
  },
  {
    name: 'near miss: deferred accept: SYN-ACK repeated to a silent client, its data taken at once',
    connections: [connection({ handshake: { synAcks: 2, synAckAfterAck: 1 } })],
    endpoints: alive,
    is: 'nothing',
  },
  {
    name: 'reset at once after the handshake, several of them, others served',
    connections: [resetAtAck],
    endpoints: [{ ...alive[0], byEnding: { 'handshake-reset': 6 } }],
    is: 'likely',
    variant: 'reset',
  },
  {
    name: 'the same alone on a port that never served',
    connections: [resetAtAck],
    is: 'possible',
    against: ['only-one', 'never-served'],
  },
  {
    name: "near miss: that reset has a stranger's TTL",
    connections: [
      handshakeOnly({
        ending: 'handshake-reset',
        resets: [{ ...reply, ttl: 64, ttlUnusual: true }],
      }),
    ],
    endpoints: [{ ...alive[0], byEnding: { 'handshake-reset': 6 } }],
    is: 'nothing',
  },
  {
    name: 'near miss: the application closed it (RST,ACK with options)',
    connections: [
      handshakeOnly({
        ending: 'handshake-reset',
        resets: [reset({ shape: 'active', tMs: 1.9, seq: 1 })],
      }),
    ],
    endpoints: alive,
    is: 'nothing',
  },
  {
    name: 'cookies: data repeated, no SYN-ACK repeated, arrivals proven',
    connections: [
      requestOnly(false, {
        ...ignored,
        handshake: { synAcks: 1, synAckAfterAck: 0 },
        tail: repeats,
      }),
    ],
    endpoints: alive,
    fates: [[0, [fate({ kind: 'data', from: 'client', fate: 'delivered' })]]],
    is: 'likely',
    variant: 'cookie-ack-dropped',
  },
  {
    name: 'cookies, from one side: loss looks the same',
    connections: [
      requestOnly(false, {
        ...ignored,
        handshake: { synAcks: 1, synAckAfterAck: 0 },
        tail: repeats,
      }),
    ],
    endpoints: alive,
    is: 'possible',
    variant: 'cookie-ack-dropped',
    against: ['ack-perhaps-lost'],
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
  {
    name: 'requests had been left unanswered before the first SYN was dropped: what follows from a server that stands still',
    connections: [
      unanswered({ startMs: 9000, handshake: { synTimesMs: [9000, 10_000, 12_000] } }),
      ...[1, 2, 3].map((id) => leftAfter(id, 1000)),
      requestOnly(true, { id: 4, ending: 'reset-after-fin', lastMs: 15_000 }),
    ],
    sources: atServer,
    endpoints: alive.map((one) => ({ ...one, lastAnswerMs: 12_000 })),
    is: 'likely',
    consequenceOf: 'server-stalled',
    because: ['stalled-before'],
  },
])

test('requests that are left unanswered after the first SYN was dropped waited in the full queue: nothing else was wrong', () => {
  const connections = [
    unanswered({ handshake: { synTimesMs: [100, 1100, 3100] } }),
    ...[1, 2, 3].map((id) => leftAfter(id, 1000)),
  ]
  const { verdicts } = acceptQueueOverflow.judge(
    evidence({ connections, sources: atServer, endpoints: alive }),
  )
  expect(verdicts[0]).toMatchObject({ variant: 'syn-dropped', certainty: 'likely' })
  expect(verdicts[0]).not.toHaveProperty('consequenceOf')
})

/** A request of 100 octets, acknowledged and not answered; its client leaves so many milliseconds later. */
function leftAfter(id: number, afterMs: number) {
  const frame = 9
  const tMs = 2 + afterMs
  return requestOnly(true, {
    id,
    ending: 'reset-after-fin',
    lastMs: tMs,
    sides: {
      client: { fins: 1, fin: { frame, tMs, seq: 101, ackedMs: tMs, ackedFrame: 10, times: 1 } },
    },
  })
}
