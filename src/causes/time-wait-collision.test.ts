import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset, unanswered } from '../../test/helpers/facts.ts'
import { timeWaitCollision } from './time-wait-collision.ts'

const met = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    endedBy: null,
    handshake: { answeredByAckFrame: 2, syns: 2, synTimesMs: [0, 1000], synAckMs: 1001 },
    resets: [reset({ from: 'client', frame: 3, tMs: 0.3, seq: 700_000 })],
    sides: { client: { timestamps: false } },
    ...over,
  })
const closed = { ending: 'clean' as const, lastMs: -10_000 }

causeTable(timeWaitCollision, [
  {
    name: 'closed ten seconds before, the SYN answered by ACK, then let in',
    connections: [met({ previous: closed })],
    is: 'likely',
    severity: 'problem',
    because: ['ack-not-syn-ack', 'closed-before', 'reset-of-old', 'delayed'],
  },
  {
    name: 'with timestamps: an older one, as behind a NAT',
    connections: [met({ previous: closed, sides: { client: { timestamps: true } } })],
    is: 'likely',
    variant: 'timestamps',
  },
  {
    name: 'never let in',
    connections: [
      unanswered({ handshake: { answeredByAckFrame: 2 }, previous: closed, resets: [] }),
    ],
    is: 'likely',
    severity: 'problem',
    because: ['never-connected'],
  },
  {
    name: 'the old connection is not in the capture',
    connections: [met()],
    is: 'possible',
    against: ['old-unseen'],
  },
  {
    name: 'near miss: two minutes later no TIME-WAIT is left',
    connections: [met({ previous: { ending: 'clean', lastMs: -120_000 } })],
    is: 'nothing',
  },
  {
    name: 'near miss: the old one had not been closed',
    connections: [met({ previous: { ending: 'open', lastMs: -10_000 } })],
    is: 'nothing',
  },
  {
    name: 'near miss: a reused port that was accepted at once',
    connections: [connection({ previous: closed })],
    is: 'nothing',
  },
])
