import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Progress, ResponseReader } from './response-reader.ts'

const octets = (text: string) => new TextEncoder().encode(text)

const answers = [
  { name: 'with a length', text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', body: 5 },
  { name: 'empty', text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', body: 0 },
  { name: 'without a body', text: 'HTTP/1.1 204 No Content\r\n\r\n', body: 0 },
  {
    name: 'in chunks, with a trailer',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0a\r\n0123456789\r\n0\r\nA: b\r\n\r\n',
    body: 15,
  },
  {
    name: 'after 100 Continue',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    body: 1,
  },
  { name: 'with bare line feeds', text: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', body: 2 },
]

function feedAll(reader: ResponseReader, pieces: readonly Uint8Array[]): Progress {
  let progress: Progress = 'more'
  for (const [i, piece] of pieces.entries()) {
    progress = reader.feed(piece)
    if (progress !== 'more') return i === pieces.length - 1 ? progress : 'malformed'
  }
  return progress
}

describe.each(answers)('an answer $name', ({ text, body }) => {
  test('ends where it ends, however it is cut', () => {
    const whole = octets(text)
    const cut = fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 6 })
    fc.assert(
      fc.property(cut, (at) => {
        const places = [0, ...[...new Set(at)].sort((a, b) => a - b), whole.length]
        const pieces = places.slice(1).map((end, i) => whole.subarray(places[i], end))
        const reader = new ResponseReader()
        expect(feedAll(reader, pieces)).toBe('done')
        expect(reader).toMatchObject({ bodyOctets: body })
        expect([200, 204]).toContain(reader.status)
      }),
    )
  })

  test('and one octet more is malformed', () => {
    expect(new ResponseReader().feed(octets(`${text}x`))).toBe('malformed')
  })
})

test('without a length it lasts until the FIN, and the connection with it', () => {
  const reader = new ResponseReader()
  expect(reader.feed(octets('HTTP/1.1 200 OK\r\n\r\nsome'))).toBe('more')
  expect(reader.keepAlive).toBe(false)
  expect(reader.end()).toBe('done')
})

test('a FIN within the announced length is malformed', () => {
  const reader = new ResponseReader()
  reader.feed(octets('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'))
  expect(reader.end()).toBe('malformed')
})

test.each([
  ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', false],
  ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
  ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n', true],
  ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true],
])('%j: keeps the connection: %s', (text, keeps) => {
  const reader = new ResponseReader()
  expect(reader.feed(octets(text))).toBe('done')
  expect(reader.keepAlive).toBe(keeps)
})

test('reads what the server says of itself and of keep-alive', () => {
  const reader = new ResponseReader()
  reader.feed(
    octets(
      'HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nKeep-Alive: timeout=5, max=98\r\nContent-Length: 0\r\n\r\n',
    ),
  )
  expect(reader).toMatchObject({ server: 'nginx/1.22', timeoutS: 5, maxRequests: 98 })
})

test.each(['SSH-2.0-OpenSSH_9\r\n', '\0\0\0\n', 'HTTP/1.1 xx\r\n', `${'a'.repeat(70_000)}\n`])(
  'no HTTP is malformed: %j',
  (text) => {
    expect(new ResponseReader().feed(octets(text))).toBe('malformed')
  },
)

test('a head without an end is given up', () => {
  const reader = new ResponseReader()
  const piece = octets(`${'a'.repeat(1000)}`)
  let progress: Progress = 'more'
  for (let i = 0; i < 100 && progress === 'more'; i++) progress = reader.feed(piece)
  expect(progress).toBe('malformed')
})

test('any octets give an answer and never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (pieces) => {
      const reader = new ResponseReader()
      for (const piece of pieces) reader.feed(piece)
      expect(['done', 'malformed']).toContain(reader.end())
    }),
  )
})

test('the same answer again says the same, another one does not, and more than was asked for is malformed', () => {
  const first = octets(
    'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=9\r\nContent-Length: 2\r\n\r\nok',
  )
  const other = octets('HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno')
  const said = (reader: ResponseReader) => {
    const { status, keepAlive, bodyOctets, timeoutS, maxRequests } = reader
    return { status, keepAlive, bodyOctets, timeoutS, maxRequests }
  }
  const reader = new ResponseReader()
  for (const [answer, status, keepAlive] of [
    [first, 200, true],
    [first, 200, true],
    [other, 503, false],
    [other, 503, false],
    [first, 200, true],
  ] as const) {
    reader.reset()
    expect(reader.feed(answer)).toBe('done')
    expect(said(reader)).toMatchObject({ status, keepAlive, bodyOctets: 2 })
    expect(reader.timeoutS).toBe(status === 200 ? 5 : null)
  }
  reader.reset()
  expect(reader.feed(first)).toBe('done')
  expect(reader.feed(first)).toBe('malformed')
  reader.reset()
  expect(reader.feed(first.subarray(0, 20))).toBe('more')
  expect(reader.feed(first.subarray(20))).toBe('done')
})
