import type { HttpFacts, TlsRecord } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { ACK, application, connection, PSH, reset, segment, tls } from '../../test/helpers/facts.ts'
import { resetAfterExchange } from './reset-after-exchange.ts'

const http = (over: Partial<HttpFacts>) =>
  [
    [
      0,
      application({
        protocol: 'http',
        http: {
          request: 'GET /',
          requestFrame: 4,
          requestBodyOctets: 0,
          status: 200,
          responseFrame: 6,
          contentLength: 400,
          chunked: false,
          connectionHeader: null,
          keepAliveTimeoutS: null,
          bodyOctetsSeen: 400,
          bodyComplete: true,
          ...over,
        },
      }),
    ],
  ] as const
const fin = (tMs: number, seq = 101) => ({
  fins: 1,
  fin: { frame: 10, tMs, seq, ackedMs: tMs + 1, ackedFrame: 11, times: 1 },
})
const byClient = (len: number) =>
  reset({
    from: 'client',
    seq: 102,
    trigger: segment({ frame: 19, tMs: 19, from: 'server', flags: PSH | ACK, seq: 501, len }),
  })
const tail = (len: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    ending: 'reset-after-fin',
    resets: [byClient(len)],
    sides: { client: fin(10), server: { payloadOctets: 500 + len } },
    ...over,
  })

const lastRecord = (server: TlsRecord) =>
  [[0, application({ protocol: 'tls', tls: tls({ client: 'data', server }) })]] as const

causeTable(resetAfterExchange, [
  {
    name: 'the client closed after the answer; close_notify meets a reset',
    connections: [tail(24)],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'likely',
    severity: 'benign',
    because: ['but-farewell', 'after-own-close'],
  },
  {
    name: 'the response was whole by its length, the client closed; the server had one word more',
    connections: [tail(31)],
    application: http({}),
    is: 'likely',
    severity: 'benign',
    because: ['but-last-words', 'complete'],
  },
  {
    name: 'a database client says goodbye and closes, the server resets',
    connections: [
      tail(0, {
        resets: [reset({ from: 'server', shape: 'active', seq: 501 })],
        requestPending: true,
        request: { ...connection().request, octets: 5 },
        sides: { client: fin(10) },
      }),
    ],
    application: [[0, application({ protocol: 'postgresql' })]],
    is: 'likely',
    severity: 'benign',
  },
  {
    name: 'Windows, the client had closed: the window had not moved by a whole step, nothing is unread',
    connections: [
      tail(0, {
        resets: [reset({ from: 'server', shape: 'active', seq: 501 })],
        sides: { client: fin(10), server: { windowScale: 8, unreadOctets: 512 } },
      }),
    ],
    is: 'possible',
    severity: 'benign',
  },
  {
    name: 'the same where the postgresql request is longer than a goodbye: unread',
    connections: [
      tail(0, {
        resets: [reset({ from: 'server', shape: 'active', seq: 501 })],
        requestPending: true,
        request: { ...connection().request, octets: 50 },
        sides: { client: fin(10) },
      }),
    ],
    application: [[0, application({ protocol: 'postgresql' })]],
    is: 'nothing',
  },
  {
    name: 'the same where the payload was not read: by its size',
    connections: [tail(24)],
    is: 'possible',
    severity: 'benign',
    against: ['farewell-by-size'],
  },
  {
    name: 'the payload of another connection to that endpoint was read: it speaks TLS',
    connections: [
      connection({
        id: 1,
        ending: 'reset',
        requestPending: true,
        request: { ...connection().request, octets: 31 },
        resets: [reset({ shape: 'active' })],
      }),
      connection({ id: 0 }),
    ],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'likely',
    severity: 'benign',
    because: ['but-farewell'],
  },
  {
    name: 'near miss: after a whole response both closed, but the server resets a request of 36 octets that came between',
    connections: [
      tail(0, {
        ending: 'reset-after-close',
        resets: [
          reset({
            from: 'server',
            trigger: segment({ frame: 19, tMs: 19, from: 'client', flags: PSH | ACK, len: 36 }),
          }),
        ],
        sides: { client: fin(10), server: { payloadOctets: 500 } },
      }),
    ],
    application: http({}),
    is: 'nothing',
  },
  {
    name: 'near miss: an event of nine octets, answered by the reset, was no farewell',
    connections: [tail(9)],
    application: http({ bodyComplete: 'unknown' }),
    is: 'nothing',
  },
  {
    name: 'near miss: a short request, never answered, in plain HTTP',
    connections: [
      connection({
        ending: 'reset-after-fin',
        requestPending: true,
        request: { ...connection().request, octets: 31 },
        resets: [reset({ trigger: segment({ frame: 19, len: 31 }) })],
        sides: { server: fin(10, 501) },
      }),
    ],
    application: http({}),
    is: 'nothing',
  },
  {
    name: 'after both FINs',
    connections: [
      connection({
        ending: 'reset-after-close',
        resets: [reset({ from: 'server' })],
        sides: { client: fin(10), server: fin(11, 501) },
      }),
    ],
    is: 'likely',
    because: ['both-closed'],
  },
  {
    name: 'a linger-zero client after a response complete by its length',
    connections: [
      connection({ ending: 'reset', resets: [reset({ from: 'client', shape: 'active' })] }),
    ],
    application: http({}),
    is: 'possible',
    against: ['perhaps-unread'],
    because: ['complete'],
  },
  {
    name: 'the same without readable length: only possible',
    connections: [
      connection({ ending: 'reset', resets: [reset({ from: 'client', shape: 'active' })] }),
    ],
    is: 'possible',
    against: ['length-unknown'],
  },
  {
    name: 'near miss: the response was cut short',
    connections: [
      connection({ ending: 'reset', resets: [reset({ from: 'client', shape: 'active' })] }),
    ],
    application: http({ bodyComplete: false, bodyOctetsSeen: 100 }),
    is: 'nothing',
  },
  {
    name: 'near miss: the server still sent payload: the client had left',
    connections: [tail(1448)],
    is: 'nothing',
  },
  {
    name: 'near miss: the answer came after the client had closed: a time-out',
    connections: [tail(24, { response: { ...connection().response, startMs: 15 } })],
    is: 'nothing',
  },
  {
    name: 'near miss: received and not read when it closed',
    connections: [
      connection({
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active' })],
        sides: { client: { unreadOctets: 500 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the next request met the close',
    connections: [
      connection({
        ending: 'reset-after-fin',
        requestPending: true,
        resets: [reset({ trigger: segment({ frame: 19, len: 100 }) })],
        sides: { server: fin(10, 501) },
      }),
    ],
    is: 'nothing',
  },
  {
    name: "near miss: the server's reset took the answer's end with it",
    connections: [
      connection({
        ending: 'reset-after-fin',
        resets: [reset({ shape: 'active' })],
        sides: { client: fin(10), server: { ackedOctets: 300 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the client gave up over a hole; of what came above it nothing was acknowledged',
    connections: [
      connection({
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active' })],
        sides: { server: { missingOctets: 9000, ackedOctets: 7000, inFlightOctets: 2500 } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: "near miss: what the client's reset answers is the end of the TLS handshake, as short as close_notify",
    connections: [tail(51)],
    application: lastRecord('handshake'),
    is: 'nothing',
  },
  {
    name: 'an alert is a farewell however much it is padded',
    connections: [tail(229)],
    application: lastRecord('alert'),
    is: 'likely',
    because: ['but-farewell'],
  },
  {
    name: "near miss: a reset with a stranger's TTL",
    connections: [
      connection({
        ending: 'reset-after-close',
        resets: [reset({ ttl: 250, ttlUnusual: true })],
        sides: { client: fin(10), server: fin(11, 501) },
      }),
    ],
    is: 'nothing',
  },
])
