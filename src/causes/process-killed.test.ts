import type { HttpFacts } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  application,
  connection,
  requestOnly,
  reset,
  saidLast,
  segment,
  type side,
  unanswered,
} from '../../test/helpers/facts.ts'
import { processKilled } from './process-killed.ts'

type Who = Parameters<typeof side>[0]
const fin = (n: number) => ({
  fins: 1,
  fin: { frame: 100 + n, tMs: 900 + n / 10, seq: 501, ackedMs: 902, ackedFrame: 150, times: 1 },
})
const finned = (id: number, requestPending: boolean, who: Who = 'server') =>
  connection({ id, ending: 'half-closed', endedBy: who, requestPending, sides: { [who]: fin(id) } })
/** Idle for the longer the smaller its id. */
const quiet = (id: number) =>
  connection({
    id,
    ending: 'half-closed',
    endedBy: 'server',
    sides: { client: { lastDataMs: 100 * id }, server: { ...fin(id), lastDataMs: 5 + 100 * id } },
  })
const leftAfter = (id: number, age: number, over: Parameters<typeof connection>[0] = {}) => {
  const asked = 900 + id / 10 - age
  return requestOnly(true, {
    id,
    ending: 'half-closed',
    endedBy: 'client',
    startMs: asked - 1,
    request: { startFrame: 4, startMs: asked, lastFrame: 4, lastMs: asked, octets: 28, seq: 1 },
    sides: { client: fin(id) },
    ...over,
  })
}
const finnedBusy = (id: number, resets: ReturnType<typeof reset>[]) =>
  connection({
    id,
    ending: 'reset-after-fin',
    endedBy: 'client',
    sides: { client: fin(id) },
    resets,
  })
const cut = (id: number, who: Who = 'server') =>
  connection({
    id,
    ending: 'reset',
    requestPending: true,
    resets: [reset({ from: who, shape: 'active', frame: 100 + id, tMs: 900 + id / 10 })],
  })
/** Asked for at 100 ms times the id, unless told. */
const streamed = (id: number, lastMs = 100 * id) =>
  connection({
    id,
    ending: 'clean',
    endedBy: 'server',
    sides: { server: fin(id) },
    request: { startFrame: 4, startMs: lastMs, lastFrame: 4, lastMs, octets: 28, seq: 1 },
  })
/** 1000 octets of a body of a million, unless told. */
const body = (id: number, over: Partial<HttpFacts> = {}) => {
  const http = {
    request: 'GET /',
    requestFrame: 4,
    requestBodyOctets: 0,
    requestContentLength: null,
    requestBodyComplete: true,
    status: 200,
    responseFrame: 6,
    contentLength: 1_000_000,
    chunked: false,
    connectionHeader: null,
    keepAliveTimeoutS: null,
    bodyOctetsSeen: 1000,
    bodyComplete: false,
    ...over,
  } as const
  return [id, application({ protocol: 'http', http })] as const
}
const refused = (id: number) =>
  unanswered({
    id,
    ending: 'refused',
    startMs: 1000,
    resets: [reset({ shape: 'syn-reply', frame: 200 + id, tMs: 1001 })],
  })
const young = (id: number) =>
  requestOnly(true, {
    id,
    ending: 'handshake-reset',
    handshake: { ackMs: 890 },
    resets: [reset({ shape: 'active', frame: 100 + id, tMs: 900 + id / 10, seq: 1 })],
  })

causeTable(processKilled, [
  {
    name: 'a worker: requests at work and idle connections get their FINs in one moment, the port stays open',
    connections: [finned(0, true), finned(1, true), finned(2, false), finned(3, false)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'likely',
    because: ['together', 'cut-short', 'idle-too'],
    against: ['on-purpose'],
    explains: 4,
  },
  {
    name: 'only requests at work: perhaps a proxy that lost its backend, or KILL',
    connections: [finned(0, true), finned(1, true), finned(2, true)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'possible',
    because: ['cut-short'],
    against: ['on-purpose'],
  },
  {
    name: 'near miss: idle connections, all answered, reset in one moment: dying would have been a FIN',
    connections: [0, 1, 2].map((id) => ({ ...cut(id), requestPending: false })),
    is: 'nothing',
  },
  {
    name: 'a client left requests of very different ages in one instant: it was stopped',
    connections: [0, 1, 2].map((id) => leftAfter(id, 200 + 250 * id)),
    is: 'likely',
    variant: 'client',
    severity: 'notice',
    culprit: 'client',
    because: ['together', 'ages'],
  },
  {
    name: 'the same, the answers coming after it had gone',
    connections: [0, 1, 2].map((id) =>
      leftAfter(id, 200 + 250 * id, {
        requestPending: false,
        response: {
          startFrame: 140,
          startMs: 4000,
          lastFrame: 140,
          lastMs: 4000,
          octets: 9,
          seq: 1,
        },
      }),
    ),
    is: 'likely',
    variant: 'client',
  },
  {
    name: 'a busy client ends all its connections in one instant, the last answers under way',
    connections: [0, 1, 2].map((id) =>
      finnedBusy(id, [
        reset({
          from: 'client',
          frame: 140 + id,
          tMs: 902,
          trigger: segment({ frame: 130 + id, tMs: 901.9, from: 'server', len: 140 }),
        }),
      ]),
    ),
    is: 'likely',
    variant: 'client',
    severity: 'notice',
    because: ['late-answers'],
  },
  {
    name: 'a client left requests of one age in one instant: stopped, or a timeout of it',
    connections: [0, 1, 2].map((id) => leftAfter(id, 800)),
    is: 'possible',
    variant: 'client',
    against: ['one-age'],
  },
  {
    name: 'the same, and one that had its answer: that one waited for nothing',
    connections: [
      leftAfter(0, 800),
      leftAfter(1, 800),
      leftAfter(2, 800),
      finned(3, false, 'client'),
    ],
    is: 'possible',
    variant: 'client',
    explains: 3,
  },
  {
    name: 'a client left requests of different ages, but connections of one age: stopped, or a timeout on the whole',
    connections: [0, 1, 2].map((id) => leftAfter(id, 300 + 250 * id, { startMs: -100 })),
    is: 'possible',
    variant: 'client',
    against: ['one-life'],
  },
  {
    name: 'requests that lay unread, reset in one moment: died, or a queue that was closed',
    connections: [0, 1, 2].map((id) =>
      requestOnly(true, {
        id,
        ending: 'handshake-reset',
        endedBy: 'server',
        resets: [reset({ shape: 'active', frame: 100 + id, tMs: 900 + id / 10 })],
      }),
    ),
    endpoints: [{ lastAnswerMs: 2 }],
    is: 'possible',
    culprit: 'server',
    because: ['never-read'],
    against: ['perhaps-queued'],
  },
  {
    name: 'near miss: a client that had all its answers closed three connections at once',
    connections: [0, 1, 2].map((id) => finned(id, false, 'client')),
    is: 'nothing',
  },
  {
    name: 'PostgreSQL tells its sessions that another one crashed (57P02)',
    connections: [finned(0, false)],
    application: [[0, saidLast('57P02', 99)]],
    is: 'confirmed',
    culprit: 'server',
    because: ['told'],
  },
  {
    name: 'FINs and resets in one moment, requests pending, then refusals',
    connections: [finned(0, true), cut(1), finned(2, false), refused(3)],
    is: 'likely',
    culprit: 'server',
    because: ['together', 'cut-short', 'mixed', 'refused-after'],
    explains: 3,
  },
  {
    name: 'restarted at once: the mixture alone',
    connections: [finned(0, true), cut(1), finned(2, false)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'likely',
  },
  {
    name: 'only FINs, one request pending, nothing answered afterwards',
    connections: [finned(0, true), finned(1, false), finned(2, false)],
    is: 'possible',
  },
  {
    name: 'an older connection lived on: one worker of several',
    connections: [
      finned(0, true),
      cut(1),
      finned(2, false),
      connection({ id: 3, sides: { server: { lastDataMs: 4000 } } }),
    ],
    is: 'likely',
    against: ['others-live'],
  },
  {
    name: 'restarted at once, all by FIN: the responses were not complete',
    connections: [streamed(0), streamed(1), streamed(2)],
    application: [body(0), body(1), body(2)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'likely',
    because: ['together', 'responses-cut'],
    against: ['proxy'],
    explains: 3,
  },
  {
    name: 'responses that were asked for in one moment: what meets each of them after so long looks the same',
    connections: [streamed(0, 5), streamed(1, 6), streamed(2, 7)],
    application: [body(0), body(1), body(2)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'possible',
    because: ['together', 'responses-cut'],
    against: ['one-age-cut', 'proxy'],
  },
  {
    name: 'the same, and an idle connection ended with them',
    connections: [streamed(0, 5), streamed(1, 6), finned(2, false)],
    application: [body(0), body(1)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'likely',
    explains: 3,
  },
  {
    name: 'a request at work and idle connections end in one moment, then the port is closed',
    connections: [finned(0, true), finned(1, false), finned(2, false), refused(3)],
    is: 'likely',
    because: ['cut-short', 'idle-too', 'refused-after'],
    explains: 3,
  },
  {
    name: 'idle connections of different silences end in one moment, and the port is closed: stopped or killed',
    connections: [quiet(0), quiet(1), quiet(2), refused(3)],
    is: 'likely',
    variant: 'stopped',
    culprit: 'server',
    because: ['together', 'refused-after'],
    explains: 3,
  },
  {
    name: 'near miss: of one silence, which an idle limit ends as well',
    connections: [finned(0, false), finned(1, false), finned(2, false), refused(3)],
    is: 'nothing',
  },
  {
    name: 'near miss: the port answered for a while after that',
    connections: [quiet(0), quiet(1), quiet(2), refused(3)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'nothing',
  },
  {
    name: 'the same, chunked',
    connections: [streamed(0), streamed(1), streamed(2)],
    application: [0, 1, 2].map((id) => body(id, { contentLength: null, chunked: true })),
    is: 'likely',
    because: ['responses-cut-chunked'],
  },
  {
    name: 'near miss: the responses that ended together were complete',
    connections: [streamed(0), streamed(1), streamed(2)],
    application: [0, 1, 2].map((id) => body(id, { bodyComplete: true })),
    is: 'nothing',
  },
  {
    name: 'near miss: octets of the responses are not in the capture',
    connections: [0, 1, 2].map((id) => {
      const one = streamed(id)
      return { ...one, sides: { ...one.sides, server: { ...one.sides.server, missingOctets: 9 } } }
    }),
    application: [body(0), body(1), body(2)],
    is: 'nothing',
  },
  {
    name: 'near miss: idle connections closed together: an orderly stop or a time-out',
    connections: [finned(0, false), finned(1, false), finned(2, false)],
    is: 'nothing',
  },
  {
    name: 'near miss: only freshly accepted ones: accept and close',
    connections: [young(0), young(1), young(2), refused(3)],
    is: 'nothing',
  },
  {
    name: 'near miss: two may be chance',
    connections: [finned(0, true), cut(1), refused(2)],
    is: 'nothing',
  },
  {
    name: 'a client that stops all at once is a notice',
    connections: [finned(0, true, 'client'), cut(1, 'client'), cut(2, 'client')],
    is: 'possible',
    variant: 'client',
    severity: 'notice',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
