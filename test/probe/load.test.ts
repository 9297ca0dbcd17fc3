import { createServer as httpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoadRequest, probeLoad } from '../../src/app/probe/index.ts'
import { nodeProbePort } from '../../src/app/probe/port.ts'
import { probeWords } from '../../src/messages/en/probe.ts'
import { failureKinds } from '../../src/probe/load/failures.ts'
import { runLoad } from '../../src/probe/load/generator.ts'
import { requestOctets } from '../../src/probe/load/request.ts'
import { load } from '../../src/probe/probes/load.ts'
import { parseTarget } from '../../src/probe/target.ts'
import { loadText } from '../../src/report/probe/load-text.ts'
import { VirtualWorld } from './virtual-world.ts'

// A real server on loopback for every way in which a request can fail: what it does is what the load has to say.

const open: Server[] = []
const accepted = new Set<Socket>()
afterEach(async () => {
  for (const socket of accepted) socket.destroy()
  accepted.clear()
  for (const server of open.splice(0)) await new Promise((done) => server.close(done))
})

async function listening(server: Server): Promise<number> {
  open.push(server)
  server.on('connection', (socket: Socket) => accepted.add(socket))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

function serving(each: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    each(socket)
  })
  return listening(server)
}

const request = (port: number, over: Partial<LoadRequest> = {}): LoadRequest => ({
  target: `http://127.0.0.1:${port}/`,
  method: 'GET',
  keepAlive: true,
  concurrency: 3,
  count: 6,
  forMs: null,
  ratePerS: null,
  connectTimeoutMs: 5000,
  requestTimeoutMs: 5000,
  ...over,
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('what failed requests died of', () => {
  const ways: [string, (socket: Socket) => void][] = [
    ['receive-reset', (s) => s.on('data', () => s.resetAndDestroy())],
    ['receive-eof', (s) => s.on('data', () => s.end())],
    [
      'response-reset',
      (s) =>
        s.on('data', () =>
          s.write(OK.slice(0, 30), () => setTimeout(() => s.resetAndDestroy(), 50)),
        ),
    ],
    ['response-eof', (s) => s.on('data', () => s.end(OK.slice(0, -1)))],
    ['response-malformed', (s) => s.end('SSH-2.0-x\r\n')],
  ]
  test.each(ways)('%s', async (kind, each) => {
    const report = await probeLoad(request(await serving(each)))
    expect(report.failures).toMatchObject([{ kind, count: 6, onReused: 0 }])
    expect(report.requests).toMatchObject({ begun: 6, answered: 0, failed: 6, unfinished: 0 })
  })

  const silent: [string, (socket: Socket) => void][] = [
    ['receive-timeout', (s) => s.resume()],
    ['response-timeout', (s) => s.on('data', () => s.write(OK.slice(0, 30)))],
  ]
  test.each(silent)('%s', async (kind, each) => {
    const report = await probeLoad(request(await serving(each), { requestTimeoutMs: 200 }))
    expect(report.failures).toMatchObject([{ kind, count: 6 }])
  })

  test('connect-refused', async () => {
    const server = createServer()
    const port = await listening(server)
    await new Promise((done) => open.pop()?.close(done))
    const report = await probeLoad(request(port))
    expect(report.failures).toMatchObject([
      { kind: 'connect-refused', count: 6, examples: [{ code: 'ECONNREFUSED' }, {}, {}, {}, {}] },
    ])
    expect(report.conclusion).toContain('refused')
  })

  test('tls-failed', async () => {
    const port = await serving((s) => s.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const report = await probeLoad(request(port, { target: `https://127.0.0.1:${port}/` }))
    expect(report.failures).toMatchObject([{ kind: 'tls-failed', count: 6 }])
  })

  test('a reset on a connection that had served is counted as such', async () => {
    let n = 0
    const port = await serving((s) =>
      s.on('data', () => (n++ % 2 ? s.resetAndDestroy() : s.write(OK))),
    )
    const report = await probeLoad(request(port, { concurrency: 1 }))
    expect(report.failures).toMatchObject([{ kind: 'receive-reset', count: 3, onReused: 3 }])
    expect(report.requests.answered).toBe(3)
  })

  test('every kind has its words', () => {
    expect(Object.keys(probeWords.failure)).toEqual([...failureKinds])
  })
})

describe('what was answered', () => {
  const node = () => listening(httpServer((_, response) => response.end('ok')) as unknown as Server)

  test('bursts: each at its time, fifty before the sockets are looked at, and the last one is told', async () => {
    const path = { limitMs: Infinity, flavour: 'fin', heedsKeepalive: true, rttMs: 20 } as const
    const world = new VirtualWorld({ ...path, refuses: true })
    const begunAt: number[] = []
    const port = world.port()
    const open: typeof port.open = (options, on) => {
      begunAt.push(world.nowMs)
      return port.open(options, on)
    }
    let toldAt: number[] = []
    const onAllBegun = () => {
      toldAt = [...begunAt]
    }
    const bursts = [
      { atMs: 0, count: 6 },
      { atMs: 300, count: 110 },
    ]
    const limits = { connectTimeoutMs: 1000, requestTimeoutMs: 1000 }
    const what = { request: new Uint8Array(1), method: 'GET', keepAlive: false, ...limits }
    const shape = { concurrency: 116, count: null, forMs: null, ratePerS: null, bursts }
    const to = { address: '10.0.0.1', family: 4, port: 80 } as const
    const job = { ...what, ...shape, to }
    const { tally, unfinished } = await world.play(runLoad(job, { ...port, open }, { onAllBegun }))
    expect(tally.failureList()).toMatchObject([{ kind: 'connect-refused', count: 116 }])
    expect({ begun: tally.begun, unfinished }).toEqual({ begun: 116, unfinished: 0 })
    expect(new Set(begunAt.slice(0, 6))).toEqual(new Set([0]))
    expect(begunAt.slice(6).every((at) => at >= 300 && at < 310)).toBe(true)
    expect(begunAt.filter((at) => at === begunAt[6])).toHaveLength(50)
    expect(toldAt).toHaveLength(116)
  })

  test('keep-alive: one connection a client', async () => {
    const report = await probeLoad(request(await node(), { count: 300 }))
    expect(report.requests).toMatchObject({ begun: 300, answered: 300, failed: 0 })
    expect(report.statuses).toEqual({ 200: 300 })
    expect(report.connections.opened).toBe(3)
    expect(report.spent).toMatchObject({ connections: 3, writes: 300 })
    expect(report.latencyMs.measured?.count).toBe(300)
    expect(report.responseOctets).toBe(600)
  })

  test('one-shot: one connection a request, and no more than the plan says', async () => {
    const report = await probeLoad(request(await node(), { count: 50, keepAlive: false }))
    expect(report.requests).toMatchObject({ begun: 50, answered: 50 })
    expect(report.connections.opened).toBe(50)
    expect(report.plan.connections).toBe(50)
  })

  test('a server that closes after each answer is no failure', async () => {
    const port = await serving((s) =>
      s.on('data', () => s.end(OK.replace('\r\n', '\r\nConnection: close\r\n'))),
    )
    const report = await probeLoad(request(port))
    expect(report.requests).toMatchObject({ answered: 6, failed: 0 })
    expect(report.connections.opened).toBe(6)
  })

  test('with a rate latency counts from when the request was due', async () => {
    // One connection, 100 ms an answer, 20 a second: each waits longer than the one before.
    const port = await serving((s) => s.on('data', () => setTimeout(() => s.write(OK), 100)))
    const load = request(port, { concurrency: 1, count: 10, ratePerS: 20 })
    const { latencyMs, requests } = await probeLoad(load)
    expect(requests.answered).toBe(10)
    expect(latencyMs.correction).toBe('from-due-time')
    expect(latencyMs.corrected!.max).toBeGreaterThan(400)
    expect(latencyMs.measured!.min).toBeLessThan(latencyMs.corrected!.max / 2)
  })

  test('what a slow server made late is not made up for by more new connections a second than go without consent', async () => {
    const began = performance.now()
    // Nobody is answered for 1.2 s: 60 are due by then.
    const port = await serving((s) =>
      s.on('data', () => {
        const left = Math.max(1200 - (performance.now() - began), 0)
        setTimeout(() => s.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok'), left)
      }),
    )
    const real = await nodeProbePort()
    const opens: number[] = []
    const counting: typeof real = {
      ...real,
      open: (...given) => {
        opens.push(real.nowMs())
        return real.open(...given)
      },
    }
    const load = request(port, { keepAlive: false, concurrency: 20, count: 110, ratePerS: 50 })
    const report = await probeLoad(load, {}, counting)
    expect(report.requests.answered).toBe(110)
    const within = opens.map((at) => opens.filter((other) => other >= at && other < at + 990))
    expect(Math.max(...within.map(({ length }) => length))).toBeLessThanOrEqual(51)
  })

  const closing = () =>
    serving((s) => s.on('data', () => s.end(OK.replace('\r\n', '\r\nConnection: close\r\n'))))

  test('no more connections than were announced: it ends early, and says so', async () => {
    const load = request(await closing(), { count: null, forMs: 60_000, maxConnections: 40 })
    const report = await probeLoad(load)
    expect(report.plan.connections).toBe(40)
    expect(report.spent.connections).toBe(40)
    expect(report).toMatchObject({ usedUp: 'connections', connections: { opened: 40 } })
    expect(report.requests).toMatchObject({ begun: 40, answered: 40, failed: 0, unfinished: 0 })
    expect(report.durationMs).toBeLessThan(60_000)
    expect(report.conclusion).toMatch(
      /ended early, after .*: the 40 connections that were announced/,
    )
  })

  test('failed connections count as well, and kept ones need no more than one a client', async () => {
    const closed = await listening(createServer())
    await new Promise((done) => open.pop()?.close(done))
    const limits = { count: null, forMs: 60_000, maxConnections: 10 }
    const refused = await probeLoad(request(closed, limits))
    expect(refused).toMatchObject({ usedUp: 'connections', spent: { connections: 10 } })
    expect(refused.failures).toMatchObject([{ kind: 'connect-refused', count: 10 }])
    const kept = await probeLoad(request(await node(), { count: 200, maxConnections: 3 }))
    expect(kept).toMatchObject({
      usedUp: null,
      spent: { connections: 3 },
      requests: { answered: 200 },
    })
  })

  test.each([
    ['kept', {}, { connections: 10_000, requests: 1_000_000 }],
    ['kept, many clients', { forMs: 1, concurrency: 7 }, { connections: 7, requests: 100 }],
    ['one-shot', { keepAlive: false }, { connections: 200_000, requests: 1_000_000 }],
    ['as told', { maxConnections: 12 }, { connections: 12, requests: 1_000_000 }],
    ['at a rate', { ratePerS: 40 }, { connections: 400, requests: 400 }],
    ['at a rate, kept', { ratePerS: 3, forMs: 2500 }, { connections: 8, requests: 8 }],
    ['a count', { count: 50, forMs: null }, { connections: 50, requests: 50 }],
    ['bursts', { bursts: [{ atMs: 0, count: 9 }], forMs: null }, { connections: 9, requests: 9 }],
  ] as const)('announced: %s', (_, over, limits) => {
    const usual = request(80, { concurrency: 3, count: null, forMs: 10_000, ...over })
    const to = { address: '127.0.0.1', family: 4 } as const
    const plan = load.plan({ ...usual, to, target: parseTarget(usual.target) })
    expect(plan).toMatchObject(limits)
    const octets = requestOctets(parseTarget(usual.target), { method: 'GET', keepAlive: true })
    const close = usual.keepAlive ? 0 : 'Connection: close\r\n'.length
    expect(plan.octets).toBe(limits.requests * (octets.length + close))
  })

  test('a rate asks as often as announced, and no more, although timers are late', async () => {
    const report = await probeLoad(request(await node(), { count: null, forMs: 500, ratePerS: 90 }))
    expect(report.plan.requests).toBe(45)
    expect(report.requests.begun).toBeLessThanOrEqual(45)
    expect(report.requests.begun + report.requests.notBegun).toBe(45)
    expect(report.usedUp).toBeNull()
  })

  test('a last part of a second is not listed as another whole one', async () => {
    const port = await serving((s) => s.on('data', () => setTimeout(() => s.write(OK), 300)))
    const report = await probeLoad(request(port, { count: 4, concurrency: 1 }))
    const sample = report.samples[0]!
    const samples = [1001, 2002, 2230].map((atMs) => ({ ...sample, atMs }))
    const text = loadText({ ...report, samples }, { color: false })
    expect(text).toMatch(/\n +1 .*\n +2 .*\n +2\.2 /)
  })

  test('Ctrl-C ends it with what is known', async () => {
    const stop = new AbortController()
    const load = request(await node(), { count: null, forMs: 60_000 })
    const report = await probeLoad(load, { stop: stop.signal, onSample: () => stop.abort() })
    expect(report.interrupted).toBe(true)
    expect(report.requests.answered).toBeGreaterThan(0)
    expect(report.samples.length).toBeGreaterThan(0)
    const { begun, answered, failed, unfinished } = report.requests
    expect(answered + failed + unfinished).toBe(begun)
  })
})
