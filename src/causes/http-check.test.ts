import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, reset } from '../../test/helpers/facts.ts'
import { healthCheck } from './health-check.ts'

const BARE = 'GET /health HTTP/1.0\r\n\r\n'.length

type Partial = Parameters<typeof connection>[0]

/** Asked at 2 ms, answered in 78 octets at 5, reset by the client at 5.1. */
function check(id: number, startMs: number, { octets = BARE, more = {} as Partial } = {}) {
  const at = (ms: number) => startMs + ms
  return connection({
    id,
    startMs,
    ending: 'reset',
    handshake: { synAckMs: at(1), ackMs: at(1.1) },
    request: { startFrame: 4, startMs: at(2), lastFrame: 4, lastMs: at(2), octets, seq: 1 },
    response: { startFrame: 6, startMs: at(5), lastFrame: 6, lastMs: at(5), octets: 78, seq: 1 },
    sides: {
      client: { payloadOctets: octets, ackedOctets: octets },
      server: { payloadOctets: 78, ackedOctets: 78 },
    },
    resets: [reset({ from: 'client', shape: 'active', tMs: at(5.1), seq: octets + 1, ack: 79 })],
    ...more,
  })
}

function by(startsMs: readonly number[], how: Parameters<typeof check>[2] = {}) {
  return startsMs.map((startMs, id) => check(id, startMs, how))
}

function asking(...requests: string[]) {
  return requests.map((request, id) => [id, application({ http: { request } })] as const)
}

const CLOCK = [0, 1000, 2003, 3001, 4004]
const HEALTH = CLOCK.map(() => 'GET /health')

causeTable(healthCheck, [
  {
    name: 'GET /health every second, reset once the answer begins',
    connections: by(CLOCK),
    application: asking(...HEALTH),
    is: 'likely',
    variant: 'http',
    severity: 'benign',
    culprit: 'client',
    because: ['answer-begun', 'periodic', 'as-checkers-ask'],
    explains: 5,
  },
  {
    name: 'OPTIONS / in a head without a field, as HAProxy asks by itself; the server had closed behind its answer',
    connections: by(CLOCK, {
      octets: 'OPTIONS / HTTP/1.0\r\n\r\n'.length,
      more: {
        ending: 'reset-after-fin',
        sides: {
          client: { payloadOctets: 22, ackedOctets: 22 },
          server: {
            payloadOctets: 78,
            fins: 1,
            fin: { frame: 7, tMs: 5.05, seq: 79, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      },
    }),
    application: asking(...CLOCK.map(() => 'OPTIONS /')),
    is: 'likely',
    variant: 'http',
  },
  {
    name: 'the payload of some only was read: the others are of the same length and come at the same distance',
    connections: by(CLOCK),
    application: asking('GET /health', 'GET /health'),
    is: 'likely',
    explains: 5,
  },
  {
    name: 'one check that was missed and the restart after it',
    connections: by([0, 1000, 2000, 3000, 8000, 9000, 10_000, 11_000, 12_000]),
    application: asking(...Array.from({ length: 9 }, () => 'GET /health')),
    is: 'likely',
  },
  {
    name: "no clock, on a busy machine, but both the path and the bare head are a checker's",
    connections: by([0, 1900, 2100, 4400, 9000]),
    application: asking(...HEALTH),
    is: 'likely',
    against: ['no-interval'],
  },
  {
    name: 'no clock, and the path alone: only possible',
    connections: by([0, 1900, 2100, 4400, 9000], { octets: 143 }),
    application: asking(...HEALTH),
    is: 'possible',
    against: ['no-interval'],
  },
  {
    name: 'seen once: only possible',
    connections: by([0]),
    application: asking('GET /health'),
    is: 'possible',
    against: ['no-interval'],
  },
  {
    name: 'by the clock, but without payload: only possible',
    connections: by(CLOCK),
    is: 'possible',
    because: ['periodic'],
    against: ['reader-perhaps'],
  },
  {
    name: 'by the clock, but a page like any other, with the fields of an HTTP library: only possible',
    connections: by(CLOCK, { octets: 143 }),
    application: asking(...CLOCK.map(() => 'GET /version.json')),
    is: 'possible',
    against: ['reader-perhaps'],
  },
  {
    name: 'near miss: no clock, and no check by its request',
    connections: by([0, 700, 3100, 3600, 9000], { octets: 143 }),
    application: asking(...CLOCK.map(() => 'GET /version.json')),
    is: 'nothing',
  },
  {
    name: 'near miss: by the clock, but each time another request',
    connections: by(CLOCK),
    application: asking('GET /health', 'GET /basket', 'GET /health', 'GET /basket', 'GET /health'),
    is: 'nothing',
  },
  {
    name: 'near miss: ten a second is a load, no clock',
    connections: by([0, 100, 200, 300, 400, 500], { octets: 143 }),
    application: asking(...CLOCK.map(() => 'GET /version.json')),
    is: 'nothing',
  },
  {
    name: 'near miss: a large answer, most of it not read',
    connections: by(CLOCK, { more: { sides: { server: { payloadOctets: 60_000 } } } }),
    application: asking(...HEALTH),
    is: 'nothing',
  },
  {
    name: 'near miss: the window shows that the answer waits unread',
    connections: by(CLOCK, {
      more: { sides: { client: { payloadOctets: BARE, unreadOctets: 2000 } } },
    }),
    application: asking(...HEALTH),
    is: 'nothing',
  },
  {
    name: 'near miss: reset before any answer came, which is a time-out',
    connections: by(CLOCK, { more: { response: null, requestPending: true } }),
    application: asking(...HEALTH),
    is: 'nothing',
  },
  {
    name: 'near miss: it stayed for five seconds after the answer',
    connections: CLOCK.map((startMs, id) =>
      check(id, startMs, {
        more: {
          resets: [
            reset({ from: 'client', shape: 'active', tMs: startMs + 5000, seq: BARE + 1, ack: 79 }),
          ],
        },
      }),
    ),
    application: asking(...HEALTH),
    is: 'nothing',
  },
  {
    name: 'near miss: the server resets',
    connections: by(CLOCK, { more: { resets: [reset({ from: 'server', shape: 'active' })] } }),
    application: asking(...HEALTH),
    is: 'nothing',
  },
  {
    name: 'near miss: a second request on the same connection',
    connections: by(CLOCK, { more: { exchanges: 2 } }),
    application: asking(...HEALTH),
    is: 'nothing',
  },
])
