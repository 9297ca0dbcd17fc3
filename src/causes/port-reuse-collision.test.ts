import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset, unanswered } from '../../test/helpers/facts.ts'
import { portReuseCollision } from './port-reuse-collision.ts'

const rst = reset({ from: 'client', frame: 3, tMs: 0.3, seq: 700_000 })
const met = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    endedBy: null,
    handshake: { answeredByAckFrame: 2, syns: 2, synTimesMs: [0, 1000], synAckMs: 1001 },
    resets: [rst],
    ...over,
  })

causeTable(portReuseCollision, [
  {
    name: 'ACK, RST, SYN again, SYN-ACK; the old connection was never closed',
    connections: [met({ previous: { ending: 'open', lastMs: -90_000 } })],
    is: 'likely',
    severity: 'problem',
    culprit: 'client',
    because: ['ack-not-syn-ack', 'reset-of-old', 'old-not-closed', 'delayed'],
  },
  {
    name: 'older than any TIME-WAIT that the capture could have missed',
    connections: [
      met({
        handshake: { answeredByAckFrame: 2, synTimesMs: [300_000, 301_000], synAckMs: 301_001 },
      }),
    ],
    is: 'likely',
    because: ['older-than-capture'],
  },
  {
    name: 'early in the capture nothing is known of the old one',
    connections: [met()],
    is: 'possible',
    against: ['old-unseen'],
  },
  {
    name: 'overcome within milliseconds: a notice',
    connections: [
      met({
        previous: { ending: 'half-closed', lastMs: -9000 },
        handshake: { answeredByAckFrame: 2, synTimesMs: [0, 10], synAckMs: 11 },
      }),
    ],
    is: 'likely',
    severity: 'notice',
  },
  {
    name: 'near miss: the old one had been closed ten seconds before: TIME-WAIT',
    connections: [met({ previous: { ending: 'clean', lastMs: -10_000 } })],
    is: 'nothing',
  },
  { name: 'near miss: no answer at all', connections: [unanswered()], is: 'nothing' },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
