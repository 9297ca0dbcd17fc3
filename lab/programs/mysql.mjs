// As much of a MySQL client as the applications under test need: protocol 4.1, an account without password, text queries.
// MySQL Internals Manual, "Connection Phase", "COM_QUERY".
import { connect } from 'node:net'

const CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000

export async function login({ host, port, user, database }) {
  const socket = connect({ host, port })
  socket.setNoDelay(true)
  let octets = Buffer.alloc(0)
  let waiting = null
  let broken = null
  const give = () => {
    if (waiting === null) return
    const size = octets.length < 4 ? -1 : octets.readUIntLE(0, 3)
    if (size < 0 || octets.length < size + 4) {
      if (broken !== null) waiting.reject(broken)
      return
    }
    const packet = octets.subarray(4, size + 4)
    octets = octets.subarray(size + 4)
    const { resolve } = waiting
    waiting = null
    resolve(packet)
  }
  socket.on('data', (more) => {
    octets = Buffer.concat([octets, more])
    give()
  })
  const fail = (error) => {
    broken ??= error
    give()
  }
  socket.on('error', fail)
  // allowHalfOpen is off: Node itself answers the end with an end, unless nobody reads.
  socket.on('close', () => fail(new Error('closed by the database')))
  const read = () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      give()
    })
  const send = (number, payload) => {
    const head = Buffer.alloc(4)
    head.writeUIntLE(payload.length, 0, 3)
    head[3] = number
    socket.write(Buffer.concat([head, payload]))
  }
  const error = (packet) => new Error(packet.subarray(9).toString())

  const greeting = await read()
  if (greeting[0] === 0xff) throw error(greeting)
  const fixed = Buffer.alloc(32)
  fixed.writeUInt32LE(CAPABILITIES, 0)
  fixed.writeUInt32LE(1 << 24, 4)
  fixed[8] = 33
  send(1, Buffer.concat([fixed, Buffer.from(`${user}\0\0${database}\0mysql_native_password\0`)]))
  const welcome = await read()
  if (welcome[0] === 0xff) throw error(welcome)
  return {
    socket,
    async query(text) {
      send(0, Buffer.concat([Buffer.from([3]), Buffer.from(text)]))
      const answer = await read()
      if (answer[0] === 0xff) throw error(answer)
      if (answer[0] === 0) return
      for (let ends = 0; ends < 2; ) {
        const packet = await read()
        if (packet[0] === 0xff) throw error(packet)
        if (packet[0] === 0xfe && packet.length < 9) ends++
      }
    },
  }
}

/** A pool with a limit; who finds none free waits, for ever or for `acquireMs`. */
export class Pool {
  constructor(options) {
    this.options = options
    this.idle = []
    this.open = 0
    this.waiters = []
  }

  get waiting() {
    return this.waiters.length
  }

  async acquire() {
    const free = this.idle.pop()
    if (free !== undefined) return free
    if (this.open < this.options.max) {
      this.open++
      try {
        return await login(this.options)
      } catch (error) {
        this.open--
        throw error
      }
    }
    return new Promise((resolve, reject) => {
      const waiter = { resolve }
      this.waiters.push(waiter)
      const { acquireMs } = this.options
      if (acquireMs === undefined) return
      setTimeout(() => {
        const at = this.waiters.indexOf(waiter)
        if (at < 0) return
        this.waiters.splice(at, 1)
        reject(new Error('no connection in time'))
      }, acquireMs)
    })
  }

  release(connection) {
    const next = this.waiters.shift()
    if (next === undefined) this.idle.push(connection)
    else next.resolve(connection)
  }
}
