import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset, segment } from '../../test/helpers/facts.ts'
import { keepAliveRace } from './keep-alive-race.ts'

interface Times {
  idle?: number
  finAt?: number
  ack?: number
  seq?: number
  shift?: number
}

/** Request at 5 s + shift, FIN `finAt` after it, RST answering the request. */
function crossing(id: number, { idle = 5000, finAt = 1, ack = 501, seq = 501, shift = 0 }: Times) {
  const at = 5 + idle + shift
  const request = segment({ frame: 30, tMs: at, seq: 101, ack, len: 80 })
  const fin = { frame: 31, tMs: at + finAt, seq: 501, ackedMs: null, ackedFrame: null, times: 1 }
  const rst = reset({ frame: 32, tMs: at + 2, seq, trigger: request, silenceBeforeMs: idle })
  return connection({
    id,
    ending: 'reset-after-fin',
    resets: [rst],
    tail: [request, rst],
    sides: {
      client: { lastDataMs: at },
      server: { fins: 1, fin, lastDataMs: 5 + shift },
    },
    request: { startFrame: 30, startMs: at, lastFrame: 30, lastMs: at, octets: 80, seq: 101 },
    requestPending: true,
  })
}

/** FIN at 100 ms + shift, acknowledged by a request `after` ms later, RST at FIN + 1: a server that was reloaded. */
function late(id: number, after: number, shift = 0) {
  const finMs = 100 + shift
  const request = segment({ frame: 30, tMs: finMs + after, seq: 101, ack: 502, len: 110 })
  const fin = { frame: 29, tMs: finMs, seq: 501, ackedMs: finMs + after, ackedFrame: 30, times: 1 }
  return connection({
    id,
    ending: 'reset-after-fin',
    resets: [reset({ frame: 32, tMs: finMs + after, seq: 502, trigger: request })],
    tail: [request],
    sides: { server: { fins: 1, fin } },
  })
}

causeTable(keepAliveRace, [
  {
    name: 'a bunch closed at once, requests 3.5 ms after the FIN: a reload',
    connections: [late(0, 3.5), late(1, 2), late(2, 3)],
    is: 'likely',
    variant: 'closed-at-once',
    culprit: 'server',
    explains: 3,
    because: ['closed-in-bunch', 'moments-later', 'answered-after-fin'],
    against: ['acknowledged'],
  },
  {
    name: 'over TLS: the request crossed close_notify and FIN, the client had seen neither',
    connections: [
      (() => {
        const one = crossing(0, { ack: 470, seq: 470 })
        const answer = segment({ from: 'server', frame: 6, tMs: 5, len: 469, seq: 1 })
        const notify = segment({
          from: 'server',
          frame: 30.5,
          tMs: 5005.9,
          len: 31,
          seq: 470,
          ack: 101,
        })
        return { ...one, tail: [answer, notify, ...one.tail] }
      })(),
    ],
    is: 'likely',
    because: ['crossed', 'not-seen', 'answered-by-reset'],
  },
  {
    name: 'near miss: one connection closed for itself, the client had acknowledged it',
    connections: [late(0, 3.5), late(1, 3.5, 2000), late(2, 3.5, 4000)],
    is: 'nothing',
  },
  {
    name: 'near miss: a bunch, but the client had a second to see it',
    connections: [late(0, 1000), late(1, 1000), late(2, 1000)],
    is: 'nothing',
  },
  {
    name: 'request and FIN crossed after 5 s',
    connections: [crossing(0, {})],
    is: 'likely',
    culprit: 'server',
    because: ['crossed', 'not-seen', 'answered-by-reset', 'default'],
  },
  {
    name: 'seen at the server: its FIN first',
    connections: [crossing(0, { finAt: -1 })],
    is: 'likely',
  },
  {
    name: 'three of them at one constant',
    connections: [crossing(0, {}), crossing(1, { shift: 900 }), crossing(2, { shift: 2000 })],
    is: 'likely',
    explains: 3,
    because: ['constant'],
  },
  {
    name: 'several FINs in one instant: said against it',
    connections: [
      crossing(0, { idle: 3000 }),
      crossing(1, { idle: 3001 }),
      crossing(2, { idle: 3002 }),
    ],
    is: 'likely',
    against: ['together'],
  },
  {
    name: 'near miss: the client had processed the FIN (data after close)',
    connections: [crossing(0, { finAt: -40, ack: 502, seq: 502 })],
    is: 'nothing',
  },
  {
    name: 'near miss: FIN long before the request',
    connections: [crossing(0, { finAt: -2000 })],
    is: 'nothing',
  },
  {
    name: 'near miss: no idle time',
    connections: [crossing(0, { idle: 20 })],
    is: 'nothing',
  },
  {
    name: 'near miss: no FIN in the capture',
    connections: [
      connection({
        ending: 'reset',
        resets: [reset({ trigger: segment({ tMs: 5005, len: 10, ack: 501 }), tMs: 5006 })],
      }),
    ],
    is: 'nothing',
  },
])
