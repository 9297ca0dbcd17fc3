import { createServer as httpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type ConnectRequest, probeConnect } from '../../src/app/probe/index.ts'

// Loopback: who answers from afar, and how far SYNs get, is looked at in network namespaces (scripts/probe-proof).

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

const request = (target: string, answerMs = 10_000): ConnectRequest => ({
  target,
  http: null,
  connectMs: 10_000,
  answerMs,
  family: null,
  walk: false,
})

async function verdictOf(target: string, answerMs?: number) {
  const report = await probeConnect(request(target, answerMs))
  expect(report.decided).toBe(true)
  return { report, verdict: report.targets[0]!.verdict, visit: report.targets[0]!.visit }
}

describe('what became of it', () => {
  test('served, step by step', async () => {
    const port = await listening(httpServer((_, r) => r.end('hello')) as unknown as Server)
    const { verdict, visit, report } = await verdictOf(`http://127.0.0.1:${port}/`)
    expect(verdict).toBe('served')
    expect(visit.response).toMatchObject({
      status: 200,
      bodyOctets: 5,
      keepAlive: true,
      timeoutS: 5,
    })
    const times = [visit.connectedMs, visit.sentMs, visit.firstByteMs, visit.lastByteMs]
    expect([...times].sort((a, b) => a! - b!)).toEqual(times)
    expect(report.conclusion).toMatch(/serves: handshake .* status 200\.$/)
    expect(report.spent.connections).toBe(1)
  })

  test('connected: nothing was asked', async () => {
    const port = await listening(createServer())
    expect((await verdictOf(`127.0.0.1:${port}`)).verdict).toBe('connected')
  })

  test('refused', async () => {
    const port = await listening(createServer())
    await new Promise((done) => open.pop()!.close(done))
    const { verdict, visit } = await verdictOf(`127.0.0.1:${port}`)
    expect([verdict, visit.code]).toEqual(['refused', 'ECONNREFUSED'])
  })

  test('never served: the kernel took the request, no program answered', async () => {
    const port = await listening(createServer((socket) => socket.pause()))
    const { verdict, visit } = await verdictOf(`http://127.0.0.1:${port}/`, 300)
    expect(verdict).toBe(visit.acknowledgedMs === null ? 'not-acknowledged' : 'never-served')
  })

  test('reset and closed when the request comes, a broken answer, no TLS', async () => {
    const on = (act: (socket: Socket) => void) =>
      listening(createServer((socket) => void socket.once('data', () => act(socket))))
    const verdicts = [
      (await verdictOf(`http://127.0.0.1:${await on((s) => s.resetAndDestroy())}/`)).verdict,
      (await verdictOf(`http://127.0.0.1:${await on((s) => s.end())}/`)).verdict,
      (await verdictOf(`http://127.0.0.1:${await on((s) => s.end('HTTP/1.1 200 OK\r\n'))}/`))
        .verdict,
      (await verdictOf(`https://127.0.0.1:${await on((s) => s.end('no TLS'))}/`)).verdict,
    ]
    expect(verdicts).toEqual([
      'reset-on-request',
      'closed-on-request',
      'broken-answer',
      'tls-failed',
    ])
  })
})

test('Ctrl-C tells what has not happened by then', async () => {
  const port = await listening(createServer((socket) => socket.pause()))
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 1200)
  const hooks = { stop: stop.signal }
  const report = await probeConnect(request(`http://127.0.0.1:${port}/`), hooks)
  expect(report).toMatchObject({ interrupted: true, decided: true })
  expect(['never-served', 'not-acknowledged']).toContain(report.targets[0]?.verdict)
})

test('a name is tried over each family that it has', async () => {
  const port = await listening(createServer())
  const report = await probeConnect(request(`localhost:${port}`))
  expect(report.dns?.addresses).toContain('127.0.0.1')
  expect(report.targets.find(({ family }) => family === 4)).toMatchObject({ verdict: 'connected' })
})
