import { causeTable } from '../../test/helpers/cause-table.ts'
import { ACK, connection, fate, PSH, reset, segment, unanswered } from '../../test/helpers/facts.ts'
import { peerRestarted } from './peer-restarted.ts'

const denied = (
  id: number,
  tMs: number,
  silenceBeforeMs: number,
  over: Parameters<typeof reset>[0] = {},
) =>
  connection({
    id,
    ending: 'reset',
    requestPending: true,
    resets: [
      reset({
        tMs,
        frame: 100 + id,
        trigger: segment({ frame: 50 + id, tMs: tMs - 1, flags: PSH | ACK, seq: 101, ack: 501 }),
        silenceBeforeMs,
        ...over,
      }),
    ],
  })
/** The server's last octet in the capture is before `seen`; the reset is at 501. */
const gap = (id: number, tMs: number, seen: number) => ({
  ...denied(id, tMs, 30_000),
  tail: [segment({ frame: 40 + id, from: 'server', seq: seen - 100, len: 100 })],
  sides: {
    client: connection().sides.client,
    server: { ...connection().sides.server, missingOctets: 1448 },
  },
})
const down = (id: number, startMs: number) =>
  unanswered({ id, startMs, handshake: { synTimesMs: [startMs] } })

causeTable(peerRestarted, [
  {
    name: 'unknown after a time in which the host took no connects',
    connections: [denied(0, 40_000, 30_000), denied(1, 42_000, 35_000), down(2, 20_000)],
    is: 'likely',
    culprit: 'server',
    because: ['unknown-to-it', 'was-down', 'one-moment'],
    explains: 2,
  },
  {
    name: 'the TTL of the reset is that of the SYN-ACK, and all else of the server has another',
    connections: [denied(0, 40_000, 30_000), denied(1, 42_000, 35_000), down(2, 20_000)].map(
      (c) => ({
        ...c,
        sides: { ...c.sides, server: { ...c.sides.server, ttls: [62, 63] } },
      }),
    ),
    is: 'possible',
    against: ['ttl-rare'],
  },
  {
    name: 'the capture lost octets of the server: its FIN may be among them',
    connections: [gap(0, 40_000, 501), gap(1, 42_000, 501), down(2, 20_000)],
    is: 'possible',
    against: ['not-captured'],
  },
  {
    name: 'near miss: lost right before the reset',
    connections: [gap(0, 40_000, 401), gap(1, 42_000, 401)],
    is: 'nothing',
  },
  {
    name: 'several, some silent for a few seconds only: no idle time-out',
    connections: [denied(0, 40_000, 4000), denied(1, 41_000, 6000), denied(2, 41_500, 40_000)],
    endpoints: [{ survivedSilenceMs: 20_000, lastAnswerMs: 50_000 }],
    is: 'likely',
    because: ['not-idle', 'back'],
  },
  {
    name: 'several after two seconds of silence: no box forgets so soon',
    connections: [denied(0, 40_000, 2000), denied(1, 40_200, 2200)],
    endpoints: [{ lastAnswerMs: 50_000 }],
    is: 'likely',
  },
  {
    name: 'the same: a NAT that forgot them looks alike, so nobody is to blame yet',
    connections: [denied(0, 40_000, 2000), denied(1, 40_200, 2200)],
    endpoints: [{ lastAnswerMs: 50_000 }],
    is: 'likely',
    culprit: 'unknown',
    against: ['perhaps-moved'],
  },
  {
    name: 'the same, and nobody is answered afterwards: a reject rule on the server looks the same',
    connections: [denied(0, 40_000, 2000), denied(1, 40_200, 2200)],
    is: 'possible',
    against: ['own-rule'],
  },
  {
    name: 'near miss: the server sends new data after its alleged reset: it knows the connection',
    connections: [0, 1].map((id) => ({
      ...denied(id, 40_000, 2000),
      tail: [segment({ frame: 200 + id, tMs: 40_300, from: 'server', seq: 501, len: 140 })],
    })),
    endpoints: [{ lastAnswerMs: 50_000 }],
    is: 'nothing',
  },
  {
    name: 'several, none silent for less than what survives: an idle limit looks the same',
    connections: [denied(0, 40_000, 4600), denied(1, 41_000, 6000)],
    endpoints: [{ survivedSilenceMs: 3400 }],
    is: 'possible',
    against: ['idle-alike'],
  },
  {
    name: 'the denied segments are the first of the capture: nothing is known of the silence',
    connections: [0, 1].map((id) => ({
      ...denied(id, 40_000, 0),
      sawStart: false,
      firstFrame: 50 + id,
    })),
    is: 'possible',
    against: ['idle-alike'],
  },
  {
    name: 'one after an hour: a middlebox looks the same',
    connections: [denied(0, 4e6, 3.6e6)],
    is: 'possible',
    against: ['idle-alike', 'ttl-only'],
  },
  {
    name: 'an older connection to the port lived on: not everything was lost',
    connections: [
      denied(0, 40_000, 4000),
      denied(1, 41_000, 6000),
      connection({ id: 2, sides: { server: { lastDataMs: 50_000 } } }),
    ],
    is: 'possible',
    against: ['others-lived'],
  },
  {
    name: 'near miss: the server had sent FIN',
    connections: [
      connection({
        ending: 'reset',
        resets: denied(0, 40_000, 4000).resets,
        sides: {
          server: {
            fins: 1,
            fin: { frame: 9, tMs: 9, seq: 501, ackedMs: 10, ackedFrame: 11, times: 1 },
          },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: "near miss: a stranger's TTL",
    connections: [denied(0, 40_000, 4000, { ttl: 250, ttlUnusual: true })],
    is: 'nothing',
  },
  {
    name: 'near miss: proven not to be sent by the server',
    connections: [denied(0, 40_000, 4000), denied(1, 41_000, 6000)],
    fates: [
      [0, [fate()]],
      [1, [fate()]],
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: an application closed it (RST,ACK)',
    connections: [denied(0, 40_000, 4000, { shape: 'active' })],
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
