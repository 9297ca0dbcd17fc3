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

causeTable(keepAliveRace, [
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
