import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  address,
  connection,
  fate,
  icmp,
  PSH,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { firewallReject } from './firewall-reject.ts'

const neighbour = connection({ id: 9, server: address('10.77.2.2', 8080) })
const synRst = reset({ shape: 'syn-reply', seq: 0, tMs: 1, frame: 2, ttl: 64, ttlUnusual: true })
const refused = (over = {}) =>
  unanswered({ ending: 'refused', endedBy: 'server', resets: [{ ...synRst, ...over }] })
const trigger = segment({ frame: 19, tMs: 19, flags: PSH | ACK, seq: 101, ack: 501, len: 100 })
const rst = reset({ ttl: 64, ttlUnusual: true, ttlUsual: 63, trigger })
const cut = (id: number, over = {}) =>
  connection({ id, ending: 'reset', resets: [{ ...rst, ...over }] })

const refusedByTurns = [
  refused({ ttl: 63, ttlUnusual: false }),
  unanswered({
    id: 2,
    ending: 'refused',
    endedBy: 'server',
    startMs: 700,
    resets: [{ ...synRst, ttl: 63, ttlUnusual: false }],
  }),
  neighbour,
]

causeTable(firewallReject, [
  {
    name: 'near miss: only silent connections are cut while others go on: an idle limit',
    connections: [cut(0, { silenceBeforeMs: 4600 }), cut(1, { silenceBeforeMs: 5000 })],
    endpoints: [{ survivedSilenceMs: 3400, lastAnswerMs: 9000 }],
    is: 'possible',
    against: ['after-silence'],
  },
  {
    name: 'ICMP administratively prohibited',
    connections: [
      unanswered({
        ending: 'unreachable',
        icmp: [icmp({ code: 13, meaning: 'admin-prohibited' })],
      }),
    ],
    is: 'likely',
    culprit: 'middlebox',
    because: ['icmp-prohibited'],
  },
  {
    name: 'ICMPv6 administratively prohibited',
    connections: [
      unanswered({
        ending: 'unreachable',
        icmp: [icmp({ from: 'fd00::1', type: 1, code: 1, meaning: 'admin-prohibited' })],
      }),
    ],
    is: 'likely',
  },
  {
    name: "port unreachable from the server's own address: its own rule",
    connections: [
      unanswered({
        ending: 'unreachable',
        icmp: [icmp({ from: '10.77.2.2', code: 3, meaning: 'port-unreachable' })],
      }),
    ],
    is: 'likely',
    culprit: 'server',
    because: ['icmp-port', 'own-address'],
  },
  {
    name: "near miss: the server's own address is one that a box translates and answers for",
    connections: [
      unanswered({
        ending: 'unreachable',
        icmp: [icmp({ from: '10.77.2.2', code: 13, meaning: 'admin-prohibited' })],
      }),
    ],
    fates: [],
    services: ['10.77.2.2'],
    is: 'likely',
    culprit: 'middlebox',
    because: ['icmp-prohibited', 'translated-address'],
  },
  {
    name: 'near miss: host unreachable is no filter',
    connections: [unanswered({ ending: 'unreachable', icmp: [icmp()] })],
    is: 'nothing',
  },
  {
    name: "refused with the router's TTL",
    connections: [refused(), neighbour],
    is: 'likely',
    culprit: 'middlebox',
    because: ['foreign-ttl'],
  },
  {
    name: 'refused, and the capture at the server, of one other port, has nothing of it',
    connections: [refused({ ttl: 0, ttlUnusual: false })],
    hosts: [],
    fates: [],
    absent: [0],
    is: 'likely',
    culprit: 'middlebox',
    because: ['never-sent'],
    against: ['one-port'],
  },
  {
    name: "near miss: absent there, but the reset has the server's own TTL",
    connections: [refused({ ttl: 63, ttlUnusual: false }), neighbour],
    fates: [],
    absent: [0],
    is: 'nothing',
  },
  {
    name: 'refused, and the SYN never reached the server',
    connections: [refused({ ttl: 63, ttlUnusual: false }), neighbour],
    fates: [[0, [fate({ kind: 'syn', from: 'client', fate: 'lost' })]]],
    is: 'confirmed',
    because: ['never-sent'],
  },
  {
    name: "near miss: refused with the server's TTL",
    connections: [refused({ ttl: 63, ttlUnusual: false }), neighbour],
    is: 'nothing',
  },
  {
    name: 'near miss: another TTL, but the server did send it',
    connections: [refused(), neighbour],
    fates: [[0, [fate({ fate: 'delivered' })]]],
    is: 'nothing',
  },
  {
    name: 'established connections of one port cut in answer to their next request',
    connections: [cut(0), cut(1), cut(2)],
    is: 'likely',
    because: ['foreign-ttl', 'all-cut'],
    against: ['may-be-forged'],
    explains: 3,
  },
  {
    name: 'one of them alone is only possible',
    connections: [cut(0)],
    is: 'possible',
  },
  {
    name: 'proven: the request was stopped and the reset never sent',
    connections: [cut(0)],
    fates: [[0, [fate(), fate({ frame: 19, kind: 'data', from: 'client', fate: 'lost' })]]],
    is: 'confirmed',
    because: ['segment-stopped'],
  },
  {
    name: 'near miss: the request passed and was reset all the same: injected',
    connections: [cut(0)],
    fates: [[0, [fate(), fate({ frame: 19, kind: 'data', from: 'client', fate: 'delivered' })]]],
    is: 'nothing',
  },
  {
    name: 'after a long silence a forgetful middlebox explains it better',
    connections: [cut(0, { silenceBeforeMs: 350_000 })],
    is: 'possible',
    against: ['after-silence'],
  },
  {
    name: "near miss: the reset has the server's TTL, and the server goes on with others",
    connections: [cut(0, { ttl: 63, ttlUnusual: false }), cut(1, { ttl: 63, ttlUnusual: false })],
    endpoints: [{ lastAnswerMs: 900 }],
    is: 'nothing',
  },
  {
    name: "the server's own TTL, nobody answered since: a rule on the server itself is possible",
    connections: [cut(0, { ttl: 63, ttlUnusual: false }), cut(1, { ttl: 63, ttlUnusual: false })],
    is: 'possible',
    variant: 'own-rule',
    culprit: 'server',
    against: ['server-alike'],
  },
  {
    name: 'another TTL after two seconds of silence: a box that forgot would look the same',
    connections: [cut(0, { silenceBeforeMs: 2000 }), cut(1, { silenceBeforeMs: 2001 })],
    is: 'possible',
    against: ['after-silence'],
  },
  {
    name: 'accepted and refused by turns: a rule that limits new connections',
    connections: refusedByTurns,
    endpoints: [{ established: 9, lastAcceptMs: 500, byEnding: { refused: 31 } }],
    is: 'possible',
    variant: 'own-rule',
    culprit: 'server',
    explains: 2,
    because: ['accepts-between'],
  },
  {
    name: 'near miss: the same at an address that stands for several servers: one of them is down',
    connections: refusedByTurns,
    endpoints: [{ established: 9, lastAcceptMs: 500, byEnding: { refused: 31 } }],
    fates: [],
    services: ['10.77.2.2'],
    is: 'nothing',
  },
  {
    name: 'data of a connection in use answered by ICMP port unreachable of a router',
    connections: [
      connection({
        ending: 'timed-out',
        icmp: [icmp({ from: '10.77.1.1', code: 3, meaning: 'port-unreachable' })],
      }),
    ],
    is: 'likely',
    culprit: 'middlebox',
    because: ['icmp-in-use'],
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
