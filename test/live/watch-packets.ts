// One tcpdump watches all ends that an experiment asks: what each of them sent is told apart, also where two connections have the same
// local port, and so are IPv4 and IPv6. As root in a network namespace of its own; tcpdump.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { watchPackets } from '../../src/app/probe/watch.ts'

const PORT = 8081
const LOCAL_PORT = 41_234
const ENDS = [
  { address: '127.0.0.1', family: 4, port: PORT },
  { address: '127.0.0.2', family: 4, port: PORT },
  { address: '0:0:0:0:0:0:0:1', family: 6, port: PORT },
] as const

function listen(host: string): Promise<Server> {
  return new Promise((told) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      // The second resets, the others close in order.
      if (host === '127.0.0.2') socket.resetAndDestroy()
      else socket.end()
    }).listen(PORT, host, () => told(server))
  })
}

function once(host: string): Promise<void> {
  return new Promise((over) => {
    const socket = connect({ host, port: PORT, localPort: LOCAL_PORT })
    socket.on('error', () => {})
    socket.on('close', () => over())
    socket.resume()
  })
}

function tcpdumps(): number {
  const path = `/proc/self/task/${process.pid}/children`
  return readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).length
}

const servers = await Promise.all(ENDS.map(({ address }) => listen(address)))
const before = tcpdumps()
const watches = await watchPackets(ENDS)
if ('cannot' in watches) throw new Error(watches.cannot)
assert.equal(tcpdumps() - before, 1, 'one tcpdump for all')
for (const { address } of ENDS) await once(address)
await watches[0]?.settle()
const seen = watches.map((watch) => watch.seen(LOCAL_PORT).map(({ what }) => what))
assert.deepEqual(seen, [
  ['syn-ack', 'fin'],
  ['syn-ack', 'rst'],
  ['syn-ack', 'fin'],
])
await Promise.all(watches.map((watch) => watch.close()))
for (const server of servers) server.close()
console.log('ok three ends, one local port, one tcpdump')
