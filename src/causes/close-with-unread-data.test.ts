import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, requestOnly, reset, segment } from '../../test/helpers/facts.ts'
import type { HttpFacts } from '../evidence/application.ts'
import { closeWithUnreadData } from './close-with-unread-data.ts'

const http = (over: Partial<HttpFacts>) =>
  application({
    protocol: 'http',
    http: {
      request: 'GET /files/a.jar',
      requestFrame: 4,
      requestBodyOctets: 0,
      requestContentLength: null,
      requestBodyComplete: true,
      status: 200,
      responseFrame: 6,
      contentLength: 10_000_000,
      chunked: false,
      connectionHeader: null,
      keepAliveTimeoutS: null,
      bodyOctetsSeen: 250_000,
      bodyComplete: false,
      ...over,
    },
  })

const byClient = reset({ from: 'client', shape: 'active', tMs: 3000, frame: 90, seq: 101 })
const byServer = reset({ shape: 'active', tMs: 3000, frame: 90 })

/** A response of 250 kB, the client's window as told, then the client's RST,ACK. */
const download = (window: number, unread: number | null) =>
  connection({
    ending: 'reset',
    resets: [byClient],
    sides: {
      client: { unreadOctets: unread, lastWindow: window, maxWindow: 64_256 },
      server: { payloadOctets: 250_000, ackedOctets: 250_000, inFlightOctets: 0 },
    },
  })

/** As `download`, with the client's FIN (seq 101) at that time; the RST at 3,000 ms. */
const afterOwnFin = (finMs: number, resetSeq: number) => {
  const made = download(0, 64_256)
  return connection({
    ...made,
    ending: 'reset-after-fin',
    resets: [{ ...byClient, seq: resetSeq }],
    sides: {
      ...made.sides,
      client: {
        ...made.sides.client,
        fins: 1,
        fin: { frame: 89, tMs: finMs, seq: 101, ackedMs: null, ackedFrame: null, times: 1 },
      },
    },
  })
}

/** The last octets of the client have the size of a close_notify; the server resets. */
const farewell = connection({
  ending: 'reset-after-fin',
  resets: [byServer],
  requestPending: true,
  exchanges: 2,
  request: { startFrame: 80, startMs: 2000, lastFrame: 80, lastMs: 2000, octets: 31, seq: 101 },
})

causeTable(closeWithUnreadData, [
  {
    name: 'three in one instant: the process of the client may have died with them unread',
    connections: [0, 1, 2].map((id) => ({ ...download(0, 64_256), id })),
    is: 'likely',
    variant: 'unread-response',
    explains: 3,
    against: ['one-instant'],
  },
  {
    name: 'window closed, body incomplete: how many octets of which response',
    connections: [download(0, 64_256)],
    application: [[0, http({})]],
    is: 'likely',
    variant: 'unread-response',
    culprit: 'client',
    because: ['reset', 'unread', 'body-incomplete'],
  },
  {
    name: 'Java: shutdown() and close(), so a FIN and right behind it the RST',
    connections: [afterOwnFin(3000, 102)],
    application: [[0, http({})]],
    is: 'likely',
    variant: 'unread-response',
    because: ['reset-after-own-fin', 'unread'],
  },
  {
    name: 'near miss: the FIN was half a second before the RST',
    connections: [afterOwnFin(2500, 102)],
    application: [[0, http({})]],
    is: 'nothing',
  },
  {
    name: 'near miss: the RST is not of the socket that sent the FIN',
    connections: [afterOwnFin(3000, 101)],
    application: [[0, http({})]],
    is: 'nothing',
  },
  {
    name: 'headers only: the window alone tells',
    connections: [download(1000, 60_000)],
    is: 'likely',
    variant: 'unread-response',
    because: ['unread'],
  },
  {
    name: 'window open and the server still sending: perhaps cancelled',
    connections: [
      connection({
        ending: 'reset',
        resets: [byClient],
        sides: { server: { payloadOctets: 90_000, inFlightOctets: 3000 } },
      }),
    ],
    is: 'possible',
    against: ['window-open'],
  },
  {
    name: 'near miss: everything was read',
    connections: [connection({ ending: 'reset', resets: [byClient] })],
    is: 'nothing',
  },
  {
    name: 'near miss: only a TLS farewell was unread',
    connections: [download(64_000, 31)],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'nothing',
  },
  {
    name: 'near miss: no answer yet (client timeout)',
    connections: [requestOnly(true, { ending: 'reset', resets: [byClient] })],
    is: 'nothing',
  },
  {
    name: 'near miss: a stateless reset',
    connections: [
      connection({
        ending: 'reset',
        resets: [reset({ from: 'client', trigger: segment({ from: 'server', len: 900 }) })],
        sides: { client: { unreadOctets: 5000 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'an upload answered early, closed with the rest unread',
    connections: [
      connection({
        ending: 'reset',
        resets: [byServer],
        sides: { client: { payloadOctets: 200_000 }, server: { unreadOctets: 40_000 } },
      }),
    ],
    application: [
      [
        0,
        http({
          request: 'POST /up',
          requestContentLength: 5_000_000,
          requestBodyOctets: 200_000,
          requestBodyComplete: false,
          status: 413,
        }),
      ],
    ],
    is: 'likely',
    variant: 'early-response-upload',
    culprit: 'server',
    because: ['answered-early', 'unread'],
  },
  {
    name: 'the same, FIN first and RST for what still came',
    connections: [
      connection({
        ending: 'reset-after-fin',
        resets: [reset({ tMs: 3000, trigger: segment({ tMs: 2999, len: 1448 }) })],
        sides: {
          server: {
            fins: 1,
            fin: { frame: 8, tMs: 2990, seq: 501, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      }),
    ],
    application: [[0, http({ requestBodyComplete: false, status: 401 })]],
    is: 'likely',
    variant: 'early-response-upload',
    because: ['answered-early-chunked'],
  },
  {
    name: 'a later request acknowledged, unanswered, and the server resets',
    connections: [
      connection({
        ending: 'reset',
        resets: [byServer],
        requestPending: true,
        exchanges: 2,
        request: {
          startFrame: 80,
          startMs: 2000,
          lastFrame: 80,
          lastMs: 2000,
          octets: 90,
          seq: 101,
        },
        sides: { client: { lastDataMs: 2000 } },
      }),
    ],
    is: 'likely',
    variant: 'unread-request',
    because: ['request-unanswered'],
  },
  {
    name: 'near miss: a TLS farewell, unread, is no request',
    connections: [farewell],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'nothing',
  },
  {
    name: 'the size of a TLS farewell, payload not read: said against it',
    connections: [farewell],
    is: 'possible',
    variant: 'unread-request',
    against: ['like-farewell'],
  },
  {
    name: 'the first request already: accept-and-close is as possible',
    connections: [requestOnly(true, { ending: 'reset', resets: [byServer] })],
    is: 'possible',
    variant: 'unread-request',
    against: ['never-served'],
  },
  {
    name: 'several in one instant: said against it',
    connections: [0, 1, 2].map((id) =>
      connection({ id, ending: 'reset', resets: [byServer], requestPending: true }),
    ),
    is: 'possible',
    against: ['together'],
  },
  {
    name: 'near miss: the server had answered everything (linger zero)',
    connections: [connection({ ending: 'reset', resets: [byServer] })],
    is: 'nothing',
  },
  {
    name: 'two octets behind the request (a stray CRLF) that the server never read',
    connections: [connection({ ending: 'reset', resets: [byServer] })],
    application: [[0, http({ bodyComplete: true, requestSurplusOctets: 2 })]],
    is: 'likely',
    variant: 'unread-request',
    culprit: 'server',
    because: ['surplus'],
  },
  {
    name: 'an answer of refusal to a short request: read or not, the window does not show it',
    connections: [connection({ ending: 'reset', resets: [byServer] })],
    application: [[0, http({ bodyComplete: true, status: 503 })]],
    is: 'possible',
    variant: 'unread-request',
    because: ['refused-perhaps-unread'],
    against: ['perhaps-linger'],
  },
  {
    name: 'near miss: answered with 200, nothing behind the request',
    connections: [connection({ ending: 'reset', resets: [byServer] })],
    application: [[0, http({ bodyComplete: true })]],
    is: 'nothing',
  },
])
