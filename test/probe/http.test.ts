import { createServer as httpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type HttpRequest, probeHttp } from '../../src/app/probe/index.ts'
import { VirtualWorld } from './virtual-world.ts'

const open: Server[] = []
const accepted = new Set<Socket>()
afterEach(async () => {
  for (const socket of accepted) socket.destroy()
  for (const server of open.splice(0)) await new Promise((done) => server.close(done))
})

async function listening(server: Server): Promise<number> {
  open.push(server)
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    accepted.add(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

const request = (port: number, over: Partial<HttpRequest> = {}): HttpRequest => ({
  target: `http://127.0.0.1:${port}/`,
  http: null,
  maxIdleMs: 5000,
  requests: 12,
  timeoutMs: 3000,
  post: false,
  ...over,
})

/** A server of our own making: answers each GET, and closes what was idle for `idleMs` or had `max` requests. */
function keeping({ idleMs, max = 1000 }: { idleMs: number; max?: number }): Promise<number> {
  return listening(
    createServer((socket) => {
      let timer: NodeJS.Timeout | undefined
      let n = 0
      socket.on('data', () => {
        clearTimeout(timer)
        const last = ++n >= max
        const fields = last ? 'Connection: close\r\n' : 'Keep-Alive: timeout=7\r\n'
        socket.write(`HTTP/1.1 200 OK\r\nServer: ours\r\n${fields}Content-Length: 2\r\n\r\nok`)
        if (last) socket.end()
        else timer = setTimeout(() => socket.end(), idleMs)
      })
      socket.on('close', () => clearTimeout(timer))
    }),
  )
}

describe('requests sent about when it closes', () => {
  const path = { limitMs: 4000, flavour: 'fin', heedsKeepalive: false, rttMs: 50 } as const

  test('on a path of 50 ms those are lost that leave within a round trip of the FIN, and no other', async () => {
    const world = new VirtualWorld(path)
    const report = await world.play(probeHttp(request(80), {}, world.port()))
    expect(report.roundTripMs).toBe(50)
    expect(report.idle).toMatchObject({ closedAfterMs: 4050, closed: { connections: 5 } })
    const { race } = report
    const crossing = race?.filter(({ offsetMs }) => offsetMs > -50 && offsetMs < 0) ?? []
    expect(crossing.length).toBeGreaterThan(30)
    for (const { outcome } of crossing) expect(outcome).toBe('closed')
    expect(race?.filter(({ offsetMs }) => offsetMs < -50).length).toBeGreaterThan(5)
    for (const { offsetMs, outcome } of race ?? []) {
      if (offsetMs < -50) expect(outcome).toBe('answered')
      if (offsetMs > 0) expect(outcome).toBe('in-time')
    }
    expect(report.conclusion).toMatch(
      /Of 60 requests that were sent about when it closes \d\d were lost, sent from [45]\d(\.\d)? ms before its usual moment/,
    )
  })

  test('none with --race 0; Ctrl-C in the middle of it keeps what is known', async () => {
    const none = new VirtualWorld(path)
    expect((await none.play(probeHttp(request(80, { race: 0 }), {}, none.port()))).race).toBeNull()
    const world = new VirtualWorld(path)
    const stop = new AbortController()
    const port = world.port()
    port.after(6000, () => stop.abort())
    const report = await world.play(probeHttp(request(80), { stop: stop.signal }, port))
    expect(report).toMatchObject({ interrupted: true, idle: { closedAfterMs: 4050 } })
    expect(world.nowMs).toBeLessThan(7000)
  })
})

describe('kept connections', () => {
  test('for how long, what it says, how many requests, and the race', async () => {
    const report = await probeHttp(request(await keeping({ idleMs: 700, max: 9 })))
    expect(report.keepAlive).toEqual({
      offered: true,
      kept: true,
      saysTimeoutS: 7,
      saysMaxRequests: null,
    })
    expect(report.first).toMatchObject({ status: 200, server: 'ours' })
    expect(report.idle?.how).toBe('fin')
    expect(report.idle?.closedAfterMs).toBeGreaterThan(600)
    expect(report.requests).toEqual({ answered: 9, ended: 'announced' })
    expect(report.idle?.closed?.connections).toBe(5)
    expect(report.roundTripMs).toBeGreaterThan(0)
    expect(report.race).toHaveLength(60)
    expect(report.earlyClose).toBe('answered')
    expect(report.spent.connections).toBeLessThanOrEqual(report.plan.connections!)
  })

  test('not closed in the time that was given', async () => {
    const port = await listening(httpServer((_, r) => r.end('ok')) as unknown as Server)
    const report = await probeHttp(request(port, { maxIdleMs: 200 }))
    expect(report.idle).toMatchObject({ closedAfterMs: null, how: null })
    expect(report.race).toBeNull()
    expect(report.requests).toEqual({ answered: 12, ended: null })
    expect(report.conclusion).toContain('still worked. It says Keep-Alive: timeout=5.')
  })

  test('neither closed nor alive: a hop has forgotten them, which is no kept connection', async () => {
    const world = new VirtualWorld({
      limitMs: 2000,
      flavour: 'silent',
      heedsKeepalive: true,
      rttMs: 1,
    })
    const report = await world.play(probeHttp(request(80), {}, world.port()))
    expect(report.idle).toMatchObject({ closedAfterMs: null, answered: false })
    expect(report.conclusion).toContain('were dead')
    expect(report.conclusion).not.toContain('still worked')
    expect(world.nowMs).toBeLessThan(report.plan.deadlineMs)
  })

  test('a server that promises more than it keeps', async () => {
    const report = await probeHttp(request(await keeping({ idleMs: 300 })))
    expect(report.conclusion).toContain('It promises more, Keep-Alive: timeout=7')
  })

  test('none are offered', async () => {
    const port = await listening(
      httpServer((_, r) => r.writeHead(200, { Connection: 'close' }).end()) as unknown as Server,
    )
    const report = await probeHttp(request(port))
    expect(report.keepAlive).toMatchObject({ offered: false, kept: null })
    expect(report.idle).toBeNull()
  })

  test('the first request is not answered', async () => {
    const report = await probeHttp(request(await listening(createServer((s) => s.end('SSH\r\n')))))
    expect(report).toMatchObject({ decided: false, first: null })
    expect(report.conclusion).toContain('no HTTP')
  })
})

test('an upload that it does not read: the answer, and the RST behind it', async () => {
  const answer = 'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
  const port = await listening(
    createServer((socket) => {
      socket.once('data', (octets) => {
        const isGet = octets.toString().startsWith('GET')
        socket.pause()
        socket.write(isGet ? answer.replace('413 Too Large', '200 OK') : answer)
        setTimeout(() => socket.resetAndDestroy(), 50)
      })
    }),
  )
  const { uploads } = await probeHttp(request(port, { post: true }))
  expect(uploads?.map(({ size }) => size)).toEqual(['small', 'large'])
  for (const { status, ended } of uploads ?? []) {
    expect(ended === 'lost' ? [413, null] : [413]).toContain(status)
    expect(['reset', 'lost']).toContain(ended)
  }
})
