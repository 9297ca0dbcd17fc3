import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  address,
  connection,
  fate,
  handshakeOnly,
  reset,
  unanswered,
} from '../../test/helpers/facts.ts'
import { portClosed } from './port-closed.ts'

const rst = reset({ shape: 'syn-reply', seq: 0, ack: 1, tMs: 1, frame: 2, afterTriggerMs: 1 })
const refused = (over: Parameters<typeof unanswered>[0] = {}) =>
  unanswered({ ending: 'refused', endedBy: 'server', resets: [rst], ...over })
const neighbour = connection({ id: 1, server: address('10.77.2.2', 8080) })

const queued = (id: number) =>
  handshakeOnly({
    id,
    ending: 'handshake-reset',
    resets: [reset({ shape: 'active', frame: 100 + id, tMs: 900 + id / 10, seq: 1 })],
  })

causeTable(portClosed, [
  {
    name: 'refused after the listener was closed with connections in its queue',
    connections: [queued(0), queued(1), queued(2), queued(3), refused({ id: 4, startMs: 1000 })],
    is: 'likely',
    consequenceOf: 'listener-closed',
  },
  {
    name: "the SYN answered by RST,ACK with the server's TTL",
    connections: [refused(), neighbour],
    is: 'likely',
    culprit: 'server',
    because: ['same-ttl', 'never-served'],
  },
  {
    name: 'the capture at the server shows the reset leaving',
    connections: [refused(), neighbour],
    fates: [[0, [fate({ fate: 'delivered' })]]],
    is: 'confirmed',
    because: ['sent-by-server'],
    against: ['own-rule'],
  },
  {
    name: 'accepted and refused by turns: a rule that limits new connections, not a closed port',
    connections: [refused(), refused({ id: 2, startMs: 700 }), { ...neighbour, id: 3 }],
    endpoints: [{ established: 9, firstAnswerMs: -50, lastAnswerMs: 500, lastAcceptMs: 500 }],
    is: 'possible',
    explains: 2,
    against: ['accepts-between'],
  },
  {
    name: 'the port had served others earlier',
    connections: [refused(), neighbour],
    endpoints: [{ established: 5, firstAnswerMs: -900, lastAnswerMs: -100 }],
    is: 'likely',
    because: ['served-before'],
  },
  {
    name: 'a RST,ACK of that shape whose SYN nobody saw',
    connections: [refused({ sawStart: false, seen: 'server-only' }), neighbour],
    is: 'possible',
    because: ['reset-alone'],
    against: ['syn-not-seen'],
  },
  {
    name: 'the port serves others meanwhile: said against it',
    connections: [refused(), neighbour],
    endpoints: [{ established: 5, firstAnswerMs: 0, lastAnswerMs: 900 }],
    is: 'likely',
    against: ['served-otherwise'],
  },
  {
    name: 'TTL not told: no firewall can be told apart',
    connections: [refused({ resets: [{ ...rst, ttl: 0 }] })],
    hosts: [],
    is: 'likely',
    against: ['ttl-unknown'],
  },
  {
    name: "near miss: the reset has another TTL than the server's packets",
    connections: [refused({ resets: [{ ...rst, ttl: 64, ttlUnusual: true }] }), neighbour],
    is: 'excluded',
  },
  {
    name: 'near miss: same TTL, but the server never sent it',
    connections: [refused(), neighbour],
    fates: [[0, [fate({ fate: 'injected' })]]],
    is: 'excluded',
  },
  {
    name: 'the capture at the server runs and has no such SYN: no longer the server, and only possible',
    connections: [refused({ resets: [{ ...rst, ttl: 0 }] })],
    hosts: [],
    fates: [],
    absent: [0],
    is: 'possible',
    culprit: 'unknown',
    against: ['ttl-unknown', 'syn-absent'],
  },
  {
    name: "no such SYN in a capture of one other port at the server, but the server's TTL",
    connections: [refused(), neighbour],
    fates: [],
    absent: [0],
    is: 'likely',
    culprit: 'server',
    against: ['syn-absent'],
  },
  {
    name: 'near miss: reset after the SYN-ACK',
    connections: [connection({ ending: 'handshake-reset', resets: [reset()] })],
    is: 'nothing',
  },
  {
    name: 'a scan of many ports is a notice about the client',
    connections: Array.from({ length: 20 }, (_, i) =>
      refused({ id: i, server: address('10.77.2.2', 1000 + i) }),
    ),
    is: 'likely',
    variant: 'port-scan',
    severity: 'notice',
    culprit: 'client',
    explains: 20,
  },
  {
    name: 'others were accepted before the first refusal and after the last: it was restarted',
    connections: [
      connection({ id: 1, startMs: 0 }),
      refused({ id: 2, startMs: 500 }),
      refused({ id: 3, startMs: 800 }),
      connection({ id: 4, startMs: 1200 }),
    ],
    endpoints: [{ established: 2, firstAnswerMs: 1, lastAnswerMs: 1300 }],
    is: 'likely',
    because: ['came-back'],
    explains: 2,
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
