import { createServer as httpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { probeBacklog } from '../../src/app/probe/index.ts'
import { nodeProbePort } from '../../src/app/probe/port.ts'
import type { ListenerLook } from '../../src/probe/backlog/report.ts'
import { backlog } from '../../src/probe/probes/backlog.ts'
import { parseTarget } from '../../src/probe/target.ts'

async function withServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server = httpServer((_, response) => response.end('ok')) as unknown as Server
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', 77, done))
  try {
    return await use((server.address() as AddressInfo).port)
  } finally {
    await new Promise((done) => server.close(done))
  }
}

test('bursts that are all served, and the listener of this host with its backlog', async () => {
  const report = await withServer((port) =>
    probeBacklog({ target: `127.0.0.1:${port}`, http: '/', connections: 40, timeoutMs: 5000 }),
  )
  expect(report.bursts.map(({ connections }) => connections)).toEqual([5, 10, 20, 40])
  expect(report.bursts.map(({ answered }) => answered)).toEqual([5, 10, 20, 40])
  expect(report.spent.connections).toBe(75)
  expect(report.plan.connections).toBe(75)
  expect(report.conclusion).toContain('answered all')
  if (process.platform === 'linux') expect(report.listener).not.toBeNull()
})

test('an overflow is what the kernel counts, and the burst from which on', async () => {
  let looks = 0
  const look = (): ListenerLook => {
    const overflows = looks++ >= 2 ? 9 : 0
    return {
      local: '127.0.0.1:80',
      depth: overflows === 0 ? 1 : 11,
      limit: 10,
      drops: overflows,
      listenOverflows: overflows,
      listenDrops: overflows,
    }
  }
  const report = await withServer(async (port) => {
    const target = parseTarget(`127.0.0.1:${port}`)
    const to = { address: '127.0.0.1', family: 4 } as const
    const options = { target, to, connections: 16, timeoutMs: 5000, look }
    return backlog.run(options, await nodeProbePort(), { stop: new AbortController().signal })
  })
  expect(report.conclusion).toMatch(
    /^The accept queue of 127\.0\.0\.1:\d+ overflows: with \d+ connections at once/,
  )
  expect(report.conclusion).toContain('of 11')
})

test('nothing listens: said so, and not tried with more', async () => {
  const port = await withServer(async (used) => used)
  const report = await probeBacklog({
    target: `127.0.0.1:${port}`,
    http: '/',
    connections: 40,
    timeoutMs: 5000,
  })
  expect(report.bursts.map(({ connections }) => connections)).toEqual([5])
  expect(report).toMatchObject({ isHere: true, listener: null })
  expect(report.conclusion).toBe(
    `Nothing listens on 127.0.0.1:${port}, which is an address of this host.`,
  )
})

test('a queue that was full before is not put down to the burst', async () => {
  let looks = 0
  const look = (): ListenerLook => ({
    local: '127.0.0.1:80',
    depth: 11,
    limit: 10,
    drops: looks,
    listenOverflows: looks,
    listenDrops: looks++,
  })
  const { resolve: stuck, port } = await silent()
  const target = parseTarget(`127.0.0.1:${port}`)
  const to = { address: '127.0.0.1', family: 4 } as const
  const options = { target, to, connections: 8, timeoutMs: 100, look }
  const stop = new AbortController().signal
  const report = await backlog.run(options, await nodeProbePort(), { stop })
  stuck()
  expect(report.conclusion).toContain('was full before (11 waiting, 11 fit)')
})

/** Takes connections and never answers. */
async function silent(): Promise<{ port: number; resolve: () => void }> {
  const taken: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    taken.push(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const resolve = () => {
    for (const socket of taken) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, resolve }
}

test('Ctrl-C within a burst: nothing is concluded of what was not answered yet', async () => {
  const { resolve: stuck, port } = await silent()
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 300)
  const hooks = { stop: stop.signal }
  const asked = { target: `127.0.0.1:${port}`, http: '/', connections: 8, timeoutMs: 20_000 }
  const report = await probeBacklog(asked, hooks)
  stuck()
  expect(report).toMatchObject({ interrupted: true, decided: false, bursts: [] })
  expect(report.conclusion).toBe('Interrupted before the first burst was over.')
}, 20_000)
