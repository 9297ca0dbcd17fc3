import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Side } from '../evidence/connection.ts'
import { type PayloadSegment, readConversation } from './conversation.ts'

type Said = [Side, string | Uint8Array, { cut?: number }?]

/** Payload in order; `cut` keeps that many octets of a segment. Sequence numbers begin near the wrap when asked. */
function conversation(said: readonly Said[], start = 1): PayloadSegment[] {
  const next = { client: start, server: start }
  return said.map(([from, what, options], i) => {
    const all = typeof what === 'string' ? octets(what) : what
    const seq = next[from]
    next[from] = (seq + all.length) % 2 ** 32
    const bytes = options?.cut === undefined ? all : all.subarray(0, options.cut)
    return { from, frame: i + 1, seq, bytes, cut: bytes.length < all.length, len: all.length }
  })
}

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

function join(...parts: (string | number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((p) => [...(typeof p === 'string' ? octets(p) : p)]))
}

describe('http', () => {
  const request = 'GET /files/a.jar?token=s3cret HTTP/1.1\r\nHost: x\r\nCookie: s3cret\r\n\r\n'

  test.each([
    ['the beginning of a head', 'GET / HTTP/1.1\r\nHos', {}, true],
    ['a whole head', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', {}, undefined],
    ['a head cut by the capture', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', { cut: 18 }, undefined],
    ['no request', 'HELO mail.example\r\n', {}, undefined],
  ])('a request that is not whole: %s', (_, sent, options, unfinished) => {
    const facts = readConversation(conversation([['client', sent, options]]))
    expect(facts.http?.requestHeadUnfinished).toBe(unfinished)
  })

  test.each([
    ['a CRLF behind the body', 'POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n', 2],
    ['the same behind a request without a body', 'GET /a HTTP/1.1\r\n\r\n\r\n', 2],
    ['nothing', 'POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc', undefined],
    ['a next request', 'GET /a HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\r\n\r\n', undefined],
  ])('octets behind the request: %s', (_, sent, surplus) => {
    const facts = readConversation(
      conversation([
        ['client', sent],
        ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
      ]),
    )
    expect(facts.http?.requestSurplusOctets).toBe(surplus)
  })

  test('a response that stops in the middle: octets seen of Content-Length', () => {
    const head =
      'HTTP/1.1 200 OK\r\nServer: nginx/1.22 (x)\r\nContent-Length: 1000\r\nKeep-Alive: timeout=5, max=9\r\n\r\n'
    const facts = readConversation(
      conversation([
        ['client', request],
        ['server', head + 'x'.repeat(100)],
        ['server', 'y'.repeat(200), { cut: 20 }],
      ]),
    )
    expect(facts.protocol).toBe('http')
    expect(facts.http).toMatchObject({
      request: 'GET /files/a.jar?…',
      requestFrame: 1,
      requestBodyComplete: true,
      status: 200,
      responseFrame: 2,
      contentLength: 1000,
      keepAliveTimeoutS: 5,
      software: 'nginx',
      bodyOctetsSeen: 300,
      bodyComplete: false,
    })
    expect(JSON.stringify(facts)).not.toContain('s3cret')
  })

  test('sequence numbers across 2^32, repeated and swapped segments change nothing', () => {
    const segments = conversation(
      [
        ['client', request],
        ['server', 'HTTP/1.1 200 OK\r\nContent-Le'],
        ['server', 'ngth: 10\r\nConnection: close\r\n\r\n01234'],
        ['server', '56789'],
      ],
      2 ** 32 - 30,
    )
    const swapped = [segments[0]!, segments[1]!, segments[1]!, segments[3]!, segments[2]!]
    const facts = readConversation(swapped)
    expect(facts.http).toMatchObject({ bodyOctetsSeen: 10, bodyComplete: true })
    expect(facts.http?.connectionHeader).toBe('close')
  })

  const bodies: [string, string, string, boolean | 'unknown', number][] = [
    [
      'chunked, complete',
      'GET',
      '200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      true,
      3,
    ],
    [
      'chunked, cut off',
      'GET',
      '200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff;x=y\r\nabc',
      false,
      3,
    ],
    ['HEAD has no body', 'HEAD', '200 OK\r\nContent-Length: 10\r\n\r\n', true, 0],
    ['204 has no body', 'GET', '204 No Content\r\n\r\n', true, 0],
    ['304 has no body', 'GET', '304 Not Modified\r\nContent-Length: 9\r\n\r\n', true, 0],
    ['until the close', 'GET', '200 OK\r\n\r\nabc', 'unknown', 3],
    [
      'chunk size that is none',
      'GET',
      '200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'unknown',
      0,
    ],
  ]
  for (const [name, method, response, complete, seen] of bodies) {
    test(`body: ${name}`, () => {
      const facts = readConversation(
        conversation([
          ['client', `${method} / HTTP/1.1\r\n\r\n`],
          ['server', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ${response}`],
        ]),
      )
      expect(facts.http).toMatchObject({ bodyComplete: complete, bodyOctetsSeen: seen })
    })
  }

  test.each([
    [
      'an event stream',
      '200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1',
      true,
    ],
    ['a WebSocket', '101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', true],
    ['a page', '200 OK\r\nContent-Type: text/html\r\n\r\n<p>', undefined],
  ])('%s: streaming %s', (_, response, streaming) => {
    const facts = readConversation(
      conversation([
        ['client', 'GET / HTTP/1.1\r\n\r\n'],
        ['server', `HTTP/1.1 ${response}`],
      ]),
    )
    expect(facts.http?.streaming).toBe(streaming)
  })

  describe('a head of which the capture kept the beginning only', () => {
    const answered = (body: number, more: string[] = []) => {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nServer: ngi'
      const segments = conversation([
        ['client', 'GET / HTTP/1.1\r\n\r\n'],
        ['server', head],
        ...more.map((text): ['server', string] => ['server', text]),
      ])
      const cut = { ...segments[1]!, cut: true, len: head.length + body }
      const after = segments.slice(2).map((s) => ({ ...s, seq: s.seq + body }))
      return readConversation([segments[0]!, cut, ...after]).http
    }

    test('fewer octets than its Content-Length came: incomplete for sure', () => {
      expect(answered(1000)).toMatchObject({
        status: 200,
        contentLength: 5000,
        bodyComplete: false,
      })
    })

    test('as many came, the rest of the head among them: nobody can tell', () => {
      expect(answered(5000)).toMatchObject({ contentLength: 5000, bodyComplete: 'unknown' })
      expect(answered(4990, ['0123456789'])).toMatchObject({ bodyComplete: 'unknown' })
    })

    test('a later answer is read anew', () => {
      const next = 'HTTP/1.1 304 Not Modified\r\n\r\n'
      expect(answered(5100, [next])).toMatchObject({ status: 304, bodyComplete: true })
    })
  })

  test('an upload that is answered early: body incomplete', () => {
    const facts = readConversation(
      conversation([
        ['client', 'POST /up HTTP/1.1\r\nContent-Length: 5000\r\n\r\n'],
        ['client', 'x'.repeat(800)],
        ['server', 'HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n'],
      ]),
    )
    expect(facts.http).toMatchObject({
      requestBodyOctets: 800,
      requestContentLength: 5000,
      requestBodyComplete: false,
      status: 413,
      bodyComplete: true,
    })
  })

  test('lost octets beyond the body: back in step at the next message, never a guess', () => {
    const segments = conversation([
      ['client', request],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
      ['server', 'x'.repeat(50)],
      ['client', 'GET /b HTTP/1.1\r\n\r\n'],
      ['server', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
    ]).filter((_, i) => i !== 2)
    expect(readConversation(segments).http).toMatchObject({ request: 'GET /b', status: 404 })
  })
})

describe('tls', () => {
  const hello = (name: string) => {
    const sni = join([0, 0, 0, name.length + 5, 0, name.length + 3, 0, 0, name.length], name)
    const body = join([3, 3], new Uint8Array(32), [0, 0, 2, 0x13, 1, 1, 0, 0, sni.length], sni)
    return join([22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length], body)
  }
  const serverHello = (() => {
    const body = join([3, 3], new Uint8Array(32), [0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4])
    return join([22, 3, 3, 0, body.length + 4, 2, 0, 0, body.length], body)
  })()
  const record = (type: number, length: number) =>
    join([type, 3, 3, length >> 8, length & 255], new Uint8Array(length).fill(7))

  test('fatal alert before the handshake finished', () => {
    const facts = readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', new Uint8Array([21, 3, 3, 0, 2, 2, 40])],
      ]),
    )
    expect(facts.protocol).toBe('tls')
    expect(facts.tls).toEqual({
      alert: { from: 'server', description: 40, name: 'handshake_failure', frame: 2 },
      handshakeFinished: false,
      plainTextFrom: null,
      clientHello: true,
      serverName: 'a.example',
      unanswered: 'unknown',
      last: { client: 'handshake', server: 'alert' },
    })
  })

  const asked = (version: Uint8Array, ...after: readonly Uint8Array[]) =>
    readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', join(version, record(20, 1), record(23, 900))],
        ['client', join(record(20, 1), record(23, 69))],
        ['client', record(23, 95)],
        ...after.map((bytes): ['server', Uint8Array] => ['server', bytes]),
        ['client', record(23, 19)],
      ]),
    ).tls?.unanswered

  test.each([
    ['nothing came after the request', [], true],
    ['two records of one size are session tickets', [record(23, 250), record(23, 250)], true],
    ['one such record may be an answer', [record(23, 250)], 'unknown'],
    ['tickets and an answer', [record(23, 250), record(23, 250), record(23, 400)], false],
    ['a long answer', [record(23, 4000), record(23, 4000)], false],
    ['as many are no tickets', Array.from({ length: 5 }, () => record(23, 250)), false],
  ] as const)('unanswered, TLS 1.3: %s', (_, after, is) => {
    expect(asked(serverHello, ...after)).toBe(is)
  })

  test('unanswered: who has not asked waits for nothing', () => {
    const facts = readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', join(serverHello, record(20, 1), record(23, 900))],
        ['client', join(record(20, 1), record(23, 69))],
        ['server', record(23, 250)],
      ]),
    )
    expect(facts.tls?.unanswered).toBe('unknown')
  })

  test.each([
    ['an alert', [record(23, 90), record(21, 26)], 'alert', true],
    ['data', [record(23, 26)], 'data', 'unknown'],
    ['a heartbeat ends nothing and asks nothing', [record(24, 86)], 'handshake', 'unknown'],
    ['nobody knows after lost octets', [record(23, 90), new Uint8Array(40)], null, 'unknown'],
  ] as const)('TLS 1.2, the last record of the client: %s', (_, sent, last, unanswered) => {
    const facts = readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', join(record(22, 900), record(20, 1), record(22, 40))],
        ['client', join(record(20, 1), record(22, 40))],
        ...sent.map((bytes): ['client', Uint8Array] => ['client', bytes]),
      ]),
    )
    expect(facts.tls?.last).toEqual({ client: last, server: 'handshake' })
    expect(facts.tls?.unanswered).toBe(unanswered)
  })

  test('close_notify is no alert; TLS 1.3 handshake finished by the client’s Finished', () => {
    const facts = readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', join(serverHello, record(20, 1), record(23, 900))],
        ['client', join(record(20, 1), record(23, 53))],
        ['client', new Uint8Array([21, 3, 3, 0, 2, 1, 0])],
      ]),
    )
    expect(facts.tls).toMatchObject({ alert: null, handshakeFinished: true })
  })

  test('TLS 1.3: the client’s encrypted alert instead of Finished', () => {
    const facts = readConversation(
      conversation([
        ['client', hello('a.example')],
        ['server', join(serverHello, record(23, 900))],
        ['client', record(23, 19)],
      ]),
    )
    expect(facts.tls?.handshakeFinished).toBe(false)
  })

  test('midstream records: the handshake cannot be told from one direction', () => {
    const facts = readConversation(conversation([['client', record(23, 60)]]))
    expect(facts.protocol).toBe('tls')
    expect(facts.tls?.handshakeFinished).toBe('unknown')
  })

  test('plain text to a TLS port, and the reverse', () => {
    const alert = new Uint8Array([21, 3, 1, 0, 2, 2, 70])
    const plainClient = conversation([
      ['client', 'GET / HTTP/1.1\r\n\r\n'],
      ['server', alert],
    ])
    expect(readConversation(plainClient).tls?.plainTextFrom).toBe('client')
    const plainServer = conversation([
      ['client', hello('x')],
      ['server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ])
    expect(readConversation(plainServer).tls?.plainTextFrom).toBe('server')
    const nginx = conversation([
      ['client', 'GET / HTTP/1.1\r\n\r\n'],
      ['server', 'HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port'],
    ])
    expect(readConversation(nginx)).toMatchObject({
      protocol: 'http',
      tls: { plainTextFrom: 'client' },
    })
  })
})

describe('mysql', () => {
  const packet = (number: number, ...parts: (string | number[])[]) => {
    const body = join(...parts)
    return join([body.length & 255, body.length >> 8, 0, number], body)
  }
  const greeting = (high = 0x81ff) =>
    packet(0, [10], '8.0.36\0', [1, 0, 0, 0], 'saltsalt', [
      0,
      0xff,
      0xf7,
      45,
      2,
      0,
      high & 255,
      high >> 8,
    ])
  const login = (eof = true) =>
    packet(1, [0x85, 0xa6, 0x0f, eof ? 1 : 0], [0, 0, 0, 1, 45], 'x'.repeat(23), 'app\0')
  const ok = (number: number, status: number) =>
    packet(number, [0, 0, 0, status & 255, status >> 8, 0, 0])
  const query = (text: string) => packet(0, [3], text)
  const opened: Said[] = [
    ['server', greeting()],
    ['client', login()],
    ['server', ok(2, 2)],
  ]

  test('BEGIN … and nothing after it: open, with the statements', () => {
    const facts = readConversation(
      conversation([
        ...opened,
        ['client', query('BEGIN')],
        ['server', ok(1, 3)],
        ['client', query("UPDATE acc SET v = v - 10 WHERE who = 'eve'")],
        ['server', ok(1, 3)],
      ]),
    )
    expect(facts.protocol).toBe('mysql')
    expect(facts.database).toEqual({
      inTransaction: true,
      openedBy: { text: 'BEGIN', frame: 4 },
      lastStatement: { text: 'UPDATE acc SET v = v - ? WHERE who = ?', frame: 6 },
      error: null,
      quit: false,
    })
  })

  test('COMMIT ends it, COM_QUIT is a farewell', () => {
    const facts = readConversation(
      conversation([
        ...opened,
        ['client', query('BEGIN')],
        ['server', ok(1, 3)],
        ['client', query('COMMIT')],
        ['server', ok(1, 2)],
        ['client', packet(0, [1])],
      ]),
    )
    expect(facts.database).toMatchObject({ inTransaction: false, openedBy: null, quit: true })
  })

  for (const deprecate of [true, false]) {
    test(`status after a result set, ${deprecate ? 'OK with CLIENT_DEPRECATE_EOF' : 'EOF'}`, () => {
      const end = deprecate
        ? packet(5, [0xfe, 0, 0, 0x21, 0, 0, 0])
        : packet(5, [0xfe, 0, 0, 0x21, 0])
      const columns = deprecate ? join() : packet(3, [0xfe, 0, 0, 2, 0])
      const result = join(packet(1, [1]), packet(2, [3], 'def…'), columns, packet(4, [1], '7'), end)
      const facts = readConversation(
        conversation([
          ['server', greeting(deprecate ? 0x81ff : 0x80ff)],
          ['client', login(deprecate)],
          ['server', ok(2, 0)],
          ['client', query('SELECT v FROM acc FOR UPDATE')],
          ['server', result],
        ]),
      )
      expect(facts.database).toMatchObject({
        inTransaction: true,
        openedBy: { text: 'SELECT v FROM acc FOR UPDATE' },
      })
    })
  }

  test('prepared statement: its text is known when it is executed', () => {
    const facts = readConversation(
      conversation([
        ...opened,
        ['client', packet(0, [0x16], 'UPDATE t SET a = ? WHERE b = 5')],
        ['server', packet(1, [0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])],
        ['server', packet(2, [3], 'def')],
        ['client', packet(0, [0x17, 9, 0, 0, 0, 0, 1, 0, 0, 0])],
        ['server', ok(1, 3)],
      ]),
    )
    expect(facts.database?.openedBy?.text).toBe('UPDATE t SET a = ? WHERE b = ?')
  })

  test('an error in place of the greeting (1040), without literals', () => {
    const facts = readConversation(
      conversation([['server', packet(0, [0xff, 0x10, 4], "Too many connections for 'eve'")]]),
    )
    expect(facts.database?.error).toEqual({
      code: '1040',
      text: 'Too many connections for ?',
      frame: 1,
    })
  })

  test('midstream: unknown until the first status, then known', () => {
    const begin = conversation([['client', query('BEGIN')]])
    expect(readConversation(begin).database?.inTransaction).toBe('unknown')
    const answered = conversation([
      ['client', query('BEGIN')],
      ['server', ok(1, 3)],
    ])
    expect(readConversation(answered).database?.inTransaction).toBe(true)
  })

  test('after TLS nothing is claimed', () => {
    const ssl = packet(1, [0x85, 0xae, 0x0f, 1], new Array(28).fill(0))
    const facts = readConversation(
      conversation([
        [
          'server',
          packet(
            0,
            [10],
            '8.0.36\0',
            [1, 0, 0, 0],
            'saltsalt',
            [0, 0xff, 0xff, 45, 2, 0, 0xff, 0x81],
          ),
        ],
        ['client', ssl],
        ['client', new Uint8Array([23, 3, 3, 0, 2, 1, 1])],
      ]),
    )
    expect(facts).toMatchObject({ protocol: 'mysql', database: { inTransaction: 'unknown' } })
  })
})

describe('postgresql', () => {
  const message = (type: string, body: string) => {
    const length = body.length + 4
    return join(type, [0, 0, length >> 8, length & 255], body)
  }
  const startup = join([0, 0, 0, 17, 0, 3, 0, 0], 'user\0app\0')
  const ready = (status: string) => message('Z', status)
  const opened: Said[] = [
    ['client', startup],
    ['server', join(message('R', '\0\0\0\0'), ready('I'))],
  ]

  test('idle in transaction: opened by the first statement of its turn', () => {
    const facts = readConversation(
      conversation([
        ...opened,
        ['client', message('Q', 'BEGIN; SELECT 1\0')],
        ['server', join(message('C', 'BEGIN\0'), ready('T'))],
        ['client', join(message('P', 's1\0UPDATE t SET a = 7\0\0\0'), message('S', ''))],
        ['server', ready('T')],
      ]),
    )
    expect(facts.protocol).toBe('postgresql')
    expect(facts.database).toMatchObject({
      inTransaction: true,
      openedBy: { text: 'BEGIN; SELECT ?', frame: 3 },
      lastStatement: { text: 'UPDATE t SET a = ?', frame: 5 },
    })
  })

  test('a session that is ended because another one crashed is only warned; other notices are no errors', () => {
    const told = (code: string) =>
      readConversation(
        conversation([...opened, ['server', message('N', `SWARNING\0C${code}\0Mterminating\0\0`)]]),
      ).database?.error
    expect(told('57P02')).toMatchObject({ code: '57P02', text: 'terminating' })
    expect(told('01000')).toBeNull()
  })

  test('the server’s farewell to an idle transaction: 25P03', () => {
    const error = message('E', 'SFATAL\0C25P03\0Mterminating connection\0\0')
    const facts = readConversation(conversation([...opened, ['server', error]]))
    expect(facts.database?.error?.code).toBe('25P03')
    expect(facts.database?.inTransaction).toBe(false)
  })

  test('Terminate', () => {
    const facts = readConversation(conversation([...opened, ['client', message('X', '')]]))
    expect(facts.database?.quit).toBe(true)
  })

  test('SSLRequest refused, then in the clear; agreed, then unknown', () => {
    const ssl = join([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])
    const plain = readConversation(conversation([['client', ssl], ['server', 'N'], ...opened]))
    expect(plain.database?.inTransaction).toBe(false)
    const hidden = readConversation(
      conversation([
        ['client', ssl],
        ['server', 'S'],
        ['client', new Uint8Array([22, 3, 1, 0, 2, 1, 0])],
      ]),
    )
    expect(hidden).toMatchObject({ protocol: 'postgresql', tls: { clientHello: true } })
    expect(hidden.database?.inTransaction).toBe('unknown')
  })
})

describe('any octets', () => {
  const openings = [
    'GET / HTTP/1.1\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n',
    '\x16\x03\x01\x40\x00\x01',
    '\x0e\x00\x00\x00\x0a8.0.36\0',
    '\x00\x00\x00\x09\x00\x03\x00\x00\0',
    'Q\x7f\xff\xff\xff',
    'Z\0\0\0\x05T',
    '\xff\xff\xff\0\x03select',
  ].map(octets)

  const segment = fc.record({
    from: fc.constantFrom<Side>('client', 'server'),
    frame: fc.nat(),
    seq: fc.oneof(fc.nat(300), fc.integer({ min: 2 ** 32 - 50, max: 2 ** 32 - 1 })),
    bytes: fc
      .tuple(fc.constantFrom(new Uint8Array(0), ...openings), fc.uint8Array({ maxLength: 60 }))
      .map(([a, b]) => join(a, b)),
    cut: fc.boolean(),
    len: fc.oneof(fc.nat(2000), fc.constant(2 ** 31)),
  })

  test('never throw, and come out as facts', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
        const facts = readConversation(segments)
        if (facts.payloadCaptured) expect(segments.some((s) => s.bytes.length > 0)).toBe(true)
        expect(facts.protocol === 'unknown').toBe(
          facts.http === null && facts.database === null && facts.tls === null,
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('no payload: said so', () => {
    const facts = readConversation([
      { from: 'client', frame: 1, seq: 1, bytes: new Uint8Array(0), cut: true, len: 80 },
    ])
    expect(facts).toMatchObject({ protocol: 'unknown', payloadCaptured: false })
  })
})
