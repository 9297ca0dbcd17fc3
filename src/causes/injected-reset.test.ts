import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  address,
  behindProxy,
  connection,
  fate,
  PSH,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { injectedReset } from './injected-reset.ts'

const trigger = segment({ frame: 19, tMs: 19, flags: PSH | ACK, seq: 101, ack: 501, len: 100 })
const later = segment({ frame: 25, tMs: 25, from: 'server', flags: PSH | ACK, seq: 501, len: 900 })
const forged = { ttl: 250, ttlUnusual: true, ttlUsual: 63 }
const died = (over: Parameters<typeof reset>[0], more = {}) =>
  connection({ ending: 'reset', resets: [reset(over)], ...more })

causeTable(injectedReset, [
  {
    name: 'proven: the reset arrived and was never sent, its trigger got through',
    connections: [died({ trigger })],
    fates: [[0, [fate(), fate({ frame: 19, kind: 'data', from: 'client', fate: 'delivered' })]]],
    is: 'confirmed',
    culprit: 'middlebox',
    because: ['never-sent', 'segment-passed'],
  },
  {
    name: 'another TTL, and no timestamps where the sender always has them',
    connections: [died({ ...forged, shape: 'active', timestampsKept: false })],
    is: 'likely',
    severity: 'problem',
    because: ['foreign-ttl', 'no-timestamps'],
  },
  {
    name: 'a forged reset that the receiver ignored is a notice',
    connections: [
      connection({
        ending: 'clean',
        resets: [reset({ ...forged, shape: 'active', accepted: false, timestampsKept: true })],
        tail: [later],
      }),
    ],
    is: 'likely',
    severity: 'notice',
    because: ['kept-talking', 'ignored'],
  },
  {
    name: 'near miss: ignored, and only its TTL is odd',
    connections: [
      connection({
        ending: 'clean',
        resets: [reset({ ...forged, shape: 'active', accepted: false })],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'another TTL, and its alleged sender goes on sending',
    connections: [died({ ...forged, trigger, frame: 20 }, { tail: [later] })],
    is: 'likely',
    because: ['foreign-ttl', 'kept-talking'],
  },
  {
    name: 'a volley at guessed sequence numbers',
    connections: [
      connection({
        ending: 'reset',
        resets: [
          reset({ ...forged, shape: 'active' }),
          reset({ ...forged, shape: 'active', frame: 21, seq: 1961, accepted: false }),
        ],
      }),
    ],
    is: 'likely',
    because: ['volley'],
  },
  {
    name: 'faster than the server could answer',
    connections: [
      died(
        { ...forged, shape: 'other', trigger, tMs: 19.4, afterTriggerMs: 0.4 },
        { handshake: { rttMs: 30 } },
      ),
    ],
    sources: [{ at: 'client' }],
    is: 'likely',
    because: ['too-fast'],
  },
  {
    name: 'only the TTL differs and it is the exact reply to a segment: a rule may have sent it',
    connections: [died({ ...forged, trigger })],
    is: 'possible',
    against: ['like-a-rule'],
  },
  {
    name: 'after a long silence: a forgetful middlebox',
    connections: [
      died({ ...forged, shape: 'active', timestampsKept: false, silenceBeforeMs: 4e5 }),
    ],
    is: 'possible',
    against: ['after-silence'],
  },
  {
    name: 'the TTL belongs to other packets of that address: perhaps a second machine',
    connections: [
      died({ ...forged, shape: 'active' }),
      connection({ id: 1, sides: { server: { ttls: [250] } } }),
    ],
    is: 'possible',
    against: ['ttl-of-host'],
  },
  {
    name: 'near miss: the server sent it',
    connections: [died({ ...forged, shape: 'active', timestampsKept: false })],
    fates: [[0, [fate({ fate: 'delivered' })]]],
    is: 'excluded',
  },
  {
    name: 'near miss: an ordinary reset with an IP ID of its own',
    connections: [died({ shape: 'active', ipIdFits: false })],
    is: 'nothing',
  },
  {
    name: 'near miss: one reset for each of two late segments',
    connections: [
      connection({
        ending: 'reset-after-fin',
        resets: [
          reset({ trigger }),
          reset({ frame: 22, tMs: 22, seq: 601, trigger: segment({ frame: 21, ack: 601 }) }),
        ],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: no timestamps, but the usual TTL and the window announced last: so macOS and BSD reset',
    connections: [
      died({ shape: 'active', from: 'client', wnd: 64_256, timestampsKept: false }),
      died({ shape: 'active', from: 'client', wnd: 64_256, timestampsKept: false }, { id: 1 }),
    ],
    is: 'nothing',
  },
  {
    name: 'no timestamps, and a window that was never announced',
    connections: [died({ shape: 'active', from: 'client', wnd: 9000, timestampsKept: false })],
    is: 'possible',
    because: ['no-timestamps'],
  },
  {
    name: 'near miss: a NAT resets in the name of a server whose client had reset the connection long before',
    connections: [
      connection({
        ending: 'reset',
        resets: [
          reset({ from: 'client', shape: 'active' }),
          reset({ ...forged, frame: 30, tMs: 17_000, shape: 'other' }),
        ],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a NAT resets what both sides had closed: nothing was left to cut',
    connections: [
      connection({
        ending: 'reset-after-close',
        resets: [reset({ ...forged, frame: 30, tMs: 17_000, shape: 'other' })],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'the TTL of the handshake, and all data another: a proxy in between reset it, here after a silence',
    connections: [behindProxy(251, 52)],
    is: 'possible',
    culprit: 'middlebox',
    because: ['ttl-of-handshake'],
    against: ['after-silence'],
  },
  {
    name: 'near miss: data two hops farther than the handshake: another way through the network',
    connections: [behindProxy(60, 58)],
    is: 'nothing',
  },
  {
    name: 'near miss: a refused SYN',
    connections: [
      unanswered({
        ending: 'refused',
        server: address('10.77.2.2', 81),
        resets: [reset({ ...forged, shape: 'syn-reply' })],
      }),
    ],
    is: 'nothing',
  },
])
