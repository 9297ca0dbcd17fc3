import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, fate, handshakeOnly, requestOnly } from '../../test/helpers/facts.ts'
import { deferredAccept } from './deferred-accept.ts'

const repeated = { synAcks: 2, synAckAfterAck: 1 }
const late = connection({ handshake: repeated, sides: { client: { firstDataMs: 1500 } } })

causeTable(deferredAccept, [
  {
    name: 'SYN-ACK repeated to a silent client, whose first octet is taken at once',
    connections: [late],
    is: 'likely',
    severity: 'benign',
    because: ['syn-ack-repeated', 'data-taken'],
  },
  {
    name: 'the client never spoke: cannot tell',
    connections: [handshakeOnly({ handshake: repeated })],
    is: 'possible',
    against: ['never-spoke'],
  },
  {
    name: 'other SYNs to the port are dropped: perhaps its queue is full',
    connections: [late],
    endpoints: [{ byEnding: { unanswered: 4 } }],
    is: 'possible',
    against: ['syns-dropped'],
  },
  {
    name: 'near miss: data was sent and not acknowledged: a full queue',
    connections: [
      requestOnly(false, {
        handshake: repeated,
        sides: { client: { retransmissions: { rto: 3 }, firstDataMs: 700 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the client spoke at once: a lost ACK',
    connections: [connection({ handshake: repeated })],
    is: 'nothing',
  },
  {
    name: 'near miss: two captures show that the ACK never arrived',
    connections: [late],
    fates: [[0, [fate({ kind: 'ack', from: 'client', fate: 'lost' })]]],
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
