import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  connection,
  FIN,
  fate,
  handshakeOnly,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'

const atServer = [{ at: 'server' as const }]
const waits = handshakeOnly({
  ending: 'clean',
  sides: {
    client: {
      fins: 1,
      fin: { frame: 9, tMs: 4001, seq: 1, ackedMs: 4002, ackedFrame: 10, times: 1 },
    },
  },
  tail: [segment({ frame: 9, tMs: 4001, flags: FIN | ACK })],
})
const ackLost = fate({ kind: 'ack', from: 'client', fate: 'lost', frame: 3 })

causeTable(synQueueOverflow, [
  {
    name: 'SYNs arrive unanswered while eleven handshakes are half-open: the kernel must say which queue',
    connections: [unanswered()],
    sources: atServer,
    endpoints: [{ byEnding: { 'handshake-incomplete': 11 }, synAckRetried: 11 }],
    is: 'possible',
    culprit: 'server',
    because: ['half-open'],
  },
  {
    name: 'near miss: no half-open handshakes',
    connections: [unanswered()],
    sources: atServer,
    is: 'nothing',
  },
  {
    name: "near miss: from the client's side nothing can be said",
    connections: [unanswered()],
    endpoints: [{ byEnding: { 'handshake-incomplete': 11 } }],
    is: 'nothing',
  },
  {
    name: 'the ACK was lost, the SYN-ACK never repeated, the client waits for a greeting',
    connections: [waits],
    fates: [[0, [ackLost]]],
    is: 'likely',
    variant: 'cookie-ack-lost',
    because: ['ack-lost', 'no-syn-ack-repeated'],
  },
  {
    name: "from the client's side: others are greeted, this one hears nothing",
    connections: [waits],
    endpoints: [{ serverFirst: 6, served: 6 }],
    is: 'possible',
    variant: 'cookie-ack-lost',
    against: ['ack-perhaps-arrived'],
  },
  {
    name: 'the greeting comes only when the FIN has proven the cookie',
    connections: [
      handshakeOnly({
        ...waits,
        ending: 'reset-after-fin',
        sides: { ...waits.sides, server: { firstDataMs: 4002, payloadOctets: 20 } },
      }),
    ],
    endpoints: [{ serverFirst: 6, served: 6 }],
    is: 'possible',
    because: ['woken-by-fin'],
  },
  {
    name: 'near miss: an idle connection where the client would speak first',
    connections: [waits],
    endpoints: [{ serverFirst: 0, served: 6 }],
    is: 'nothing',
  },
  {
    name: 'near miss: the SYN-ACK was repeated, so the server kept the handshake',
    connections: [handshakeOnly({ ...waits, handshake: { ...waits.handshake, synAcks: 3 } })],
    fates: [[0, [ackLost]]],
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
