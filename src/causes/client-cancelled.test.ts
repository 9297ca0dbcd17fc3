import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  application,
  connection,
  FIN,
  PSH,
  reset,
  segment,
  tls,
} from '../../test/helpers/facts.ts'
import { clientCancelled } from './client-cancelled.ts'

const chunk = (frame: number, tMs: number) =>
  segment({ frame, tMs, from: 'server', flags: PSH | ACK, seq: 60_000 + frame, len: 1448 })
const late = reset({ from: 'client', frame: 23, tMs: 902, trigger: chunk(22, 901) })
const fin = (tMs: number) => ({
  fins: 1,
  fin: { frame: 21, tMs, seq: 101, ackedMs: tMs + 1, ackedFrame: 24, times: 1 },
})
const left = (id: number, tMs: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id,
    ending: 'reset-after-fin',
    endedBy: 'client',
    resets: [late],
    tail: [chunk(20, tMs - 1), chunk(22, tMs + 1), late],
    sides: {
      client: fin(tMs),
      server: { payloadOctets: 90_000, lastDataMs: tMs + 1 },
    },
    ...over,
  })

const http = (contentLength: number, bodyOctetsSeen: number) =>
  [
    0,
    application({
      protocol: 'http',
      http: { contentLength, bodyOctetsSeen, bodyComplete: false } as never,
    }),
  ] as const

/** The server notices the FIN, sends nothing more and closes: no reset, two FINs. */
const inOrder = (ack: number) =>
  connection({
    id: 0,
    ending: 'clean',
    endedBy: 'client',
    tail: [
      chunk(20, 899),
      segment({ frame: 21, tMs: 900, flags: FIN | ACK, seq: 101, ack: 61_468 }),
      segment({ frame: 22, tMs: 901, from: 'server', flags: FIN | ACK, seq: 61_468, ack: 102 }),
      segment({ frame: 23, tMs: 902, flags: ACK, seq: 102, ack }),
    ],
    sides: {
      client: fin(900),
      server: { payloadOctets: 90_000, lastDataMs: 899, ...fin(901) },
    },
  })

causeTable(clientCancelled, [
  {
    name: 'FINs of both, and the length says that half of the response had come',
    connections: [inOrder(61_469)],
    application: [http(200_000, 90_000)],
    is: 'possible',
    severity: 'benign',
    because: ['left', 'incomplete'],
  },
  {
    name: 'near miss: FINs of both, no length known: the response may be whole',
    connections: [inOrder(61_469)],
    is: 'nothing',
  },
  {
    name: 'near miss: what came when it had closed was the alert that ends the TLS session',
    connections: [
      left(0, 900, {
        ending: 'timed-out',
        resets: [],
        tail: [chunk(20, 899), { ...chunk(22, 901), len: 31 }],
      }),
    ],
    application: [[0, application({ protocol: 'tls', tls: tls({ server: 'alert' }) })]],
    is: 'nothing',
  },
  {
    name: 'near miss: it went on reading after its FIN',
    connections: [inOrder(70_000)],
    application: [http(200_000, 90_000)],
    is: 'nothing',
  },
  {
    name: 'FIN in the middle of a flowing response, resets for what was under way',
    connections: [left(0, 900)],
    is: 'possible',
    severity: 'benign',
    culprit: 'client',
    because: ['left', 'window-open', 'closed-first'],
  },
  {
    name: 'by RST: unread data looks the same',
    connections: [
      connection({
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active', frame: 21, tMs: 900 })],
        tail: [chunk(20, 899), chunk(22, 901)],
        sides: { server: { lastDataMs: 901 } },
      }),
    ],
    is: 'possible',
    against: ['unread-perhaps'],
  },
  {
    name: 'acknowledged octets are not in the capture: said against it',
    connections: [
      left(0, 900, {
        sides: {
          client: fin(900),
          server: { payloadOctets: 90_000, lastDataMs: 901, missingOctets: 1448 },
        },
      }),
    ],
    application: [http(200_000, 80_000)],
    is: 'possible',
    against: ['not-captured'],
  },
  {
    name: 'near miss: what the capture lost is the rest of the response',
    connections: [
      left(0, 900, {
        sides: {
          client: fin(900),
          server: { payloadOctets: 3202, lastDataMs: 899, missingOctets: 1553 },
        },
      }),
    ],
    application: [http(3000, 1448)],
    is: 'nothing',
  },
  {
    name: 'several, at times of their own',
    connections: [left(0, 900), left(1, 2000), left(2, 3500)],
    is: 'possible',
    explains: 3,
  },
  {
    name: 'near miss: always at the same age: a timer',
    connections: [left(0, 3000), left(1, 3001), left(2, 3010)],
    is: 'nothing',
  },
  {
    name: 'near miss: the server had been silent for ten seconds',
    connections: [
      left(0, 10_900, {
        tail: [chunk(20, 800), chunk(22, 10_901), late],
        sides: { client: fin(10_900), server: { lastDataMs: 10_901 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'an event stream is silent by nature: left ten seconds after its last event',
    connections: [
      left(0, 10_900, {
        tail: [chunk(20, 800), late],
        sides: { client: fin(10_900), server: { lastDataMs: 800 } },
      }),
    ],
    application: [[0, application({ protocol: 'http', http: { streaming: true } as never })]],
    is: 'possible',
    severity: 'benign',
  },
  {
    name: 'the same of a connection whose payload was not read, beside one to the same endpoint that was',
    connections: [0, 1].map((id) =>
      left(id, 10_900 + 3000 * id, {
        tail: [chunk(20, 800), late],
        sides: { client: fin(10_900 + 3000 * id), server: { lastDataMs: 800 } },
      }),
    ),
    application: [[0, application({ protocol: 'http', http: { streaming: true } as never })]],
    is: 'possible',
    explains: 2,
  },
  {
    name: 'a chunked answer that had paused as long before',
    connections: [
      left(0, 10_900, {
        tail: [chunk(20, 9000), chunk(22, 10_901), late],
        longestSilence: {
          ms: 3000,
          beforeFrame: 7,
          afterFrame: 9,
          brokenBy: 'server',
          survived: true,
        },
        survivedSilenceMs: 3000,
        sides: { client: fin(10_900), server: { lastDataMs: 10_901 } },
      }),
    ],
    application: [
      [0, application({ protocol: 'http', http: { chunked: true, bodyComplete: false } as never })],
    ],
    is: 'possible',
  },
  {
    name: 'TLS: close_notify and FIN while the server sends; what comes after the farewell is no answer to it',
    connections: [
      left(0, 900, {
        exchanges: 3,
        request: {
          startFrame: 21,
          startMs: 899.9,
          lastFrame: 21,
          lastMs: 899.9,
          octets: 31,
          seq: 700,
        },
        response: {
          startFrame: 22,
          startMs: 901,
          lastFrame: 22,
          lastMs: 901,
          octets: 1448,
          seq: 80_000,
        },
        sides: {
          client: { ...fin(900), payloadOctets: 731 },
          server: { payloadOctets: 90_000, firstDataMs: 4, lastDataMs: 901 },
        },
      }),
    ],
    is: 'possible',
    because: ['left-session'],
  },
  {
    name: 'near miss: what it sent before closing was a request',
    connections: [
      left(0, 900, {
        exchanges: 3,
        request: {
          startFrame: 21,
          startMs: 899.9,
          lastFrame: 21,
          lastMs: 899.9,
          octets: 300,
          seq: 700,
        },
        response: {
          startFrame: 22,
          startMs: 901,
          lastFrame: 22,
          lastMs: 901,
          octets: 1448,
          seq: 80_000,
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: it closed its own direction and went on taking the answer',
    connections: [
      left(0, 900, {
        ending: 'half-closed',
        resets: [],
        tail: [
          chunk(20, 899),
          segment({ frame: 21, tMs: 900, from: 'client', flags: 0x11, ack: 60_000 }),
          chunk(22, 901),
          segment({ frame: 23, tMs: 901, from: 'client', flags: ACK, ack: 62_000 }),
        ],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: its window was closed: nobody read',
    connections: [left(0, 900, { sides: { client: { ...fin(900), lastWindow: 0 } } })],
    is: 'nothing',
  },
  {
    name: 'near miss: no answer had begun',
    connections: [left(0, 900, { response: null, requestPending: true })],
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
