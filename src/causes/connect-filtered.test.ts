import { expect, test } from 'vitest'
import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  address,
  connection,
  evidence,
  fate,
  handshakeOnly,
  unanswered,
} from '../../test/helpers/facts.ts'
import { connectFiltered } from './connect-filtered.ts'

const other = { server: address('10.77.2.2', 8080) }
const lostSyns = [0, 1].map((i) =>
  fate({ frame: i + 1, kind: 'syn', from: 'client', fate: 'lost' }),
)

causeTable(connectFiltered, [
  {
    name: 'cannot tell: the SYN is among the last frames of the capture',
    connections: [
      unanswered({ lastMs: 0, captureEndMs: 30, handshake: { syns: 1, synTimesMs: [0] } }),
    ],
    is: 'nothing',
  },
  {
    name: 'SYNs unanswered, the host answers on another port: only possible from one side',
    connections: [unanswered(), connection({ ...other })],
    is: 'possible',
    culprit: 'network',
    because: ['never-answered', 'host-alive'],
    explains: 1,
  },
  {
    name: 'the SYNs never reached the capture at the server',
    connections: [unanswered(), connection({ ...other, id: 1 })],
    fates: [[0, lostSyns]],
    is: 'confirmed',
    because: ['syn-lost'],
  },
  {
    name: 'nothing of that port in the capture at the server, which is of one other port',
    connections: [unanswered(), connection({ ...other, id: 1 })],
    fates: [],
    absent: [0],
    is: 'likely',
    because: ['syn-absent'],
    against: ['one-port'],
  },
  {
    name: 'SYNs lost while the same port answered others: lost, but perhaps not filtered',
    connections: [unanswered(), connection({ id: 1 })],
    endpoints: [{ firstAnswerMs: 0, lastAnswerMs: 5000 }],
    fates: [[0, lostSyns]],
    is: 'likely',
    against: ['answers-others'],
  },
  {
    name: 'near miss: one SYN lost while the same port answered others: any lossy network',
    connections: [unanswered({ handshake: { syns: 1 } }), connection({ id: 1 })],
    endpoints: [{ firstAnswerMs: 0, lastAnswerMs: 5000 }],
    fates: [[0, lostSyns.slice(0, 1)]],
    is: 'nothing',
  },
  {
    name: 'nothing at all from that host: it may be down',
    connections: [unanswered()],
    is: 'possible',
    against: ['host-silent'],
  },
  {
    name: 'very many, each sent once only: said against it',
    connections: Array.from({ length: 100 }, (_, id) =>
      unanswered({ id, handshake: { syns: 1, synTimesMs: [id] } }),
    ),
    is: 'possible',
    against: ['sent-once'],
    explains: 100,
  },
  {
    name: 'near miss: the SYN arrived and the SYN-ACK was lost',
    connections: [unanswered(), connection({ id: 1, ...other })],
    fates: [[0, [fate({ kind: 'syn-ack', fate: 'lost' })]]],
    is: 'excluded',
  },
  {
    name: 'near miss: taken at the server, whose port answers others',
    connections: [unanswered({ sides: { client: { ttls: [63] } } }), connection({ id: 1 })],
    hosts: [{ address: '10.77.2.2', ttls: [{ ttl: 64, packets: 9 }], packets: 9 }],
    is: 'excluded',
  },
  {
    name: 'near miss: the handshake was completed',
    connections: [handshakeOnly()],
    is: 'nothing',
  },
])

test('connect-filtered: of a host that connects to itself, its own SYNs show that they arrived, not that it is up', () => {
  const self = unanswered({ server: address('10.77.1.2', 80) })
  const hosts = [{ address: '10.77.1.2', ttls: [], packets: self.sides.client.packets }]
  const [verdict] = connectFiltered.judge(evidence({ connections: [self], hosts })).verdicts
  expect(verdict?.because.map(({ key }) => key)).toEqual(['syn-unanswered', 'never-answered'])
  expect(verdict?.against.map(({ key }) => key)).toEqual(['syn-arrived'])
  expect(verdict?.culprit.side).toBe('server')
})
