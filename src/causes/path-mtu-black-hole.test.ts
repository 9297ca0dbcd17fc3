import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  connection,
  type DeepPartial,
  fate,
  icmp,
  PSH,
  segment,
} from '../../test/helpers/facts.ts'
import type { ConnectionFacts, SideFacts } from '../evidence/connection.ts'
import { pathMtuBlackHole } from './path-mtu-black-hole.ts'

/** The server's 1,448 octets never arrive; its 200 octets did. */
const hole = (
  id: number,
  over: DeepPartial<ConnectionFacts> = {},
  server: DeepPartial<SideFacts> = {},
) =>
  connection({
    id,
    ending: 'timed-out',
    sides: {
      client: { lastMs: 300 },
      server: {
        largestAckedSegment: 200,
        smallestLostSegment: 1448,
        unanswered: {
          what: 'data',
          seq: 201,
          len: 1448,
          firstFrame: 8,
          lastFrame: 14,
          firstMs: 100,
          lastMs: 6500,
          times: 6,
        },
        ...server,
      },
    },
    ...over,
  })

/** Seen at the client: 41 octets of the server, then 208 that lie `missing` octets further on, then the client's FIN. */
const unfilled = (
  missing: number,
  server: DeepPartial<SideFacts> = {},
  { sides, ...over }: DeepPartial<ConnectionFacts> = {},
) =>
  connection({
    ending: 'half-closed',
    endedBy: 'client',
    captureEndMs: 6000,
    lastMs: 5060,
    tail: [
      segment({ frame: 16, tMs: 2, from: 'server', flags: PSH | ACK, seq: 1, len: 41 }),
      segment({
        frame: 46,
        tMs: 52,
        from: 'server',
        flags: PSH | ACK,
        seq: 42 + missing,
        len: 208,
        note: 'after-gap',
      }),
      segment({ frame: 112, tMs: 5050, from: 'server', seq: 250 + missing }),
    ],
    sides: {
      client: { mss: 1460, ...sides?.client },
      server: {
        payloadOctets: 249,
        ackedOctets: 0,
        largestAckedSegment: 41,
        timestamps: true,
        lastMs: 5050,
        ...server,
      },
    },
    ...over,
  })

const bare = { largestAckedSegment: 0 }
const lostData = [0, 1, 2].map((i) =>
  fate({ frame: 20 + i, kind: 'data', from: 'server', fate: 'lost', tMs: 100 + i * 400 }),
)

causeTable(pathMtuBlackHole, [
  {
    name: 'two captures: the long segments left and did not arrive, the bare acknowledgments did',
    connections: [hole(0, {}, bare)],
    fates: [[0, lostData]],
    is: 'likely',
    because: ['lost-between'],
  },
  {
    name: 'two captures: one of the long segments arrived',
    connections: [hole(0, {}, bare)],
    fates: [
      [0, [...lostData, fate({ kind: 'data', from: 'server', fate: 'delivered', tMs: 1500 })]],
    ],
    is: 'possible',
  },
  {
    name: 'short answers passed on other connections of the two hosts',
    connections: [hole(0, {}, bare), hole(1, {}, bare)],
    paths: [{ largestDelivered: { client: 300, server: 120 } }],
    is: 'likely',
    because: ['short-passed-elsewhere'],
  },
  {
    name: 'nothing heard on them since, while they still wait: short answers pass on the path meanwhile',
    connections: [0, 1].map((id) =>
      hole(id, { sides: { ...hole(id, {}, bare).sides, client: { lastMs: 50 } } }),
    ),
    paths: [{ largestDelivered: { client: 300, server: 120 } }],
    endpoints: [{ lastAnswerMs: 9000 }],
    is: 'likely',
    because: ['short-passed-elsewhere', 'several'],
  },
  {
    name: 'near miss: nothing heard on them since, and no short answer came later',
    connections: [0, 1].map((id) =>
      hole(id, { sides: { ...hole(id, {}, bare).sides, client: { lastMs: 50 } } }),
    ),
    paths: [{ largestDelivered: { client: 300, server: 120 } }],
    endpoints: [{ lastAnswerMs: 90 }],
    is: 'nothing',
  },
  {
    name: 'two connections with the same limit',
    connections: [hole(0), hole(1)],
    is: 'likely',
    culprit: 'network',
    explains: 2,
    because: ['long-lost', 'short-passed', 'several', 'mss-allows', 'no-icmp'],
  },
  {
    name: 'one connection, its peer heard meanwhile',
    connections: [hole(0)],
    is: 'likely',
    because: ['peer-heard'],
  },
  {
    name: 'a router said so, the sender went on',
    connections: [hole(0, { icmp: [icmp({ meaning: 'fragmentation-needed', mtu: 1280 })] })],
    is: 'likely',
    because: ['icmp'],
  },
  {
    name: 'nothing heard on it since, but the server answers others: short data passed before',
    connections: [
      hole(0, { sides: { ...hole(0).sides, client: { ...hole(0).sides.client, lastMs: 50 } } }),
    ],
    endpoints: [{ lastAnswerMs: 9000 }],
    is: 'possible',
  },
  {
    name: 'near miss: nothing heard from the server at all since (path lost)',
    connections: [
      hole(0, { sides: { ...hole(0).sides, client: { ...hole(0).sides.client, lastMs: 50 } } }),
    ],
    endpoints: [{ lastAnswerMs: 50 }],
    is: 'nothing',
  },
  {
    name: 'near miss: such segments pass elsewhere on the path',
    connections: [hole(0), connection({ id: 1, sides: { server: { largestAckedSegment: 1448 } } })],
    is: 'nothing',
  },
  {
    name: 'near miss: short segments are lost as well',
    connections: [hole(0, {}, { smallestLostSegment: 100 })],
    is: 'nothing',
  },
  {
    name: 'near miss: lost and later acknowledged',
    connections: [hole(0, {}, { unanswered: null })],
    is: 'nothing',
  },
  {
    name: 'from the receiver: four full segments of the server never came, shorter ones before and after did',
    connections: [unfilled(5792)],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'likely',
    culprit: 'network',
    because: ['hole', 'full-segments', 'short-came', 'heard-after'],
    against: ['sender-unseen'],
  },
  {
    name: 'from the receiver: what is missing is no whole number of full segments',
    connections: [unfilled(5000)],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'possible',
    because: ['hole'],
  },
  {
    name: 'from the receiver: nothing was heard since',
    connections: [unfilled(1448, { lastMs: 60 })],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'possible',
  },
  {
    name: 'near miss: such segments came on another connection of the two',
    connections: [unfilled(5792)],
    paths: [{ largestDelivered: { client: 300, server: 1448 } }],
    is: 'nothing',
  },
  {
    name: 'near miss: the receiver acknowledged it: it came and was not captured',
    connections: [unfilled(5792, { missingOctets: 5792 })],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'nothing',
  },
  {
    name: 'near miss: missing for half a second only',
    connections: [unfilled(5792, {}, { captureEndMs: 550 })],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'nothing',
  },
  {
    name: 'near miss: taken at the sender: its long segments would be there',
    connections: [unfilled(5792, { ttls: [64] }, { sides: { client: { ttls: [63] } } })],
    paths: [{ largestDelivered: { client: 300, server: 41 } }],
    is: 'nothing',
  },
  { name: 'near miss: healthy', connections: [connection()], is: 'nothing' },
])
