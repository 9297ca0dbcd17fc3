import { createHash } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { nodeProbePort } from '../../src/app/probe/port.ts'

test('what the kernel does not take at once follows in order: pieces larger than any socket buffer arrive whole', async () => {
  const server = createServer()
  const arrived = new Promise<string>((resolve) => {
    server.once('connection', (socket) => {
      const hash = createHash('sha256')
      // It does not read for a while: the buffers are full by then.
      socket.pause()
      setTimeout(() => socket.resume(), 200)
      socket.on('data', (octets) => hash.update(octets))
      socket.on('end', () => resolve(hash.digest('hex')))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const pieces = [3, 9_000_000, 1, 500_000].map((size, n) =>
    new Uint8Array(size).map((_, i) => (i * 31 + n) & 0xff),
  )
  const ports = await nodeProbePort()
  const socket = ports.open(
    { address: '127.0.0.1', family: 4, port },
    {
      connected() {
        for (const piece of pieces) socket.write(piece)
        expect(socket.unsent()).toBeGreaterThan(0)
        socket.end()
      },
      data() {},
      ended() {},
      closed() {},
    },
  )
  const expected = createHash('sha256')
  for (const piece of pieces) expected.update(piece)
  expect(await arrived).toBe(expected.digest('hex'))
  socket.close()
  await new Promise((done) => server.close(done))
})

test('what is written before the handshake is done is not lost either', async () => {
  const server = createServer()
  const arrived = new Promise<string>((resolve) => {
    server.once('connection', (socket) => socket.once('data', (octets) => resolve(String(octets))))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const ports = await nodeProbePort()
  const on = { connected() {}, data() {}, ended() {}, closed() {} }
  const socket = ports.open({ address: '127.0.0.1', family: 4, port }, on)
  socket.write(new TextEncoder().encode('early'))
  expect(await arrived).toBe('early')
  socket.close()
  await new Promise((done) => server.close(done))
})
