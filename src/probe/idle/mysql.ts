// MySQL protocol, connection phase: dev.mysql.com "Client/Server Protocol" (8.4), mariadb.com/kb/en/connection. Just enough to log in and ping.

export interface MysqlLogin {
  user: string
  /** Octets of the password; none = no password. */
  password: Uint8Array
  sha1(octets: Uint8Array): Uint8Array
}

export type LoginStep =
  | { is: 'more' }
  | { is: 'send'; octets: Uint8Array }
  | { is: 'ready' }
  /** Why not, in words of ours or by the server's error number: never its text. */
  | { is: 'refused'; why: string }

/** COM_PING, a packet of one octet with sequence number 0. */
export const COM_PING = Uint8Array.of(1, 0, 0, 0, 0x0e)

// include/mysql_com.h
const CLIENT_PROTOCOL_41 = 0x200
const CLIENT_SECURE_CONNECTION = 0x8000
const CLIENT_PLUGIN_AUTH = 0x80000
const UTF8MB4 = 45
const MAX_PACKET = 1 << 24
const NATIVE = 'mysql_native_password'
const CACHING = 'caching_sha2_password'
const FAST_AUTH_SUCCESS = 3
const MAX_OCTETS = 64 * 1024
const MAX_VERSION = 100

/** A login, packet by packet, of whatever octets come. */
export class MysqlLogins {
  private readonly login: MysqlLogin
  private octets = new Uint8Array(0)
  private greeted = false

  constructor(login: MysqlLogin) {
    this.login = login
  }

  feed(octets: Uint8Array): LoginStep {
    const all = new Uint8Array(this.octets.length + octets.length)
    all.set(this.octets)
    all.set(octets, this.octets.length)
    this.octets = all
    if (all.length > MAX_OCTETS) return { is: 'refused', why: 'no-mysql' }
    if (all.length < 4) return { is: 'more' }
    const length = all[0]! | (all[1]! << 8) | (all[2]! << 16)
    if (length === 0 || length > MAX_OCTETS) return { is: 'refused', why: 'no-mysql' }
    if (all.length < 4 + length) return { is: 'more' }
    const body = all.subarray(4, 4 + length)
    const sequence = all[3]!
    this.octets = all.slice(4 + length)
    return this.greeted ? this.reply(body, sequence) : this.greeting(body, sequence)
  }

  /** As the greeting says: "10.11.6-MariaDB"; null before it. */
  version: string | null = null

  private greeting(body: Uint8Array, sequence: number): LoginStep {
    // An error instead of a greeting: too many connections, host is blocked.
    if (body[0] === 0xff) return refused(body)
    const end = body.indexOf(0, 1)
    if (body[0] !== 10 || end < 0 || body.length < end + 32)
      return { is: 'refused', why: 'no-mysql' }
    this.greeted = true
    this.version = text(body.subarray(1, end)).slice(0, MAX_VERSION)
    const rest = body.subarray(end + 1 + 4)
    const capabilities = rest[9]! | (rest[10]! << 8) | (rest[14]! << 16) | (rest[15]! << 24)
    const second = rest.subarray(27, 27 + Math.max(13, (rest[17] ?? 0) - 8) - 1)
    const salt = joined(rest.subarray(0, 8), second.subarray(0, 12))
    const plugin = text(rest.subarray(27 + Math.max(13, (rest[17] ?? 0) - 8)))
    const withPlugin = (capabilities & CLIENT_PLUGIN_AUTH) !== 0
    return { is: 'send', octets: this.response(salt, withPlugin ? plugin : null, sequence + 1) }
  }

  private response(salt: Uint8Array, plugin: string | null, sequence: number): Uint8Array {
    const flags =
      CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | (plugin === null ? 0 : CLIENT_PLUGIN_AUTH)
    const head = new Uint8Array(32)
    const view = new DataView(head.buffer)
    view.setUint32(0, flags, true)
    view.setUint32(4, MAX_PACKET, true)
    head[8] = UTF8MB4
    const token = this.token(salt)
    const name = plugin === null ? new Uint8Array(0) : joined(octetsOf(NATIVE), Uint8Array.of(0))
    const user = joined(octetsOf(this.login.user), Uint8Array.of(0))
    return packet(joined(head, user, Uint8Array.of(token.length), token, name), sequence)
  }

  /** mysql_native_password: SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))). */
  private token(salt: Uint8Array): Uint8Array {
    const { password, sha1 } = this.login
    if (password.length === 0) return new Uint8Array(0)
    const once = sha1(password)
    const mask = sha1(joined(salt, sha1(once)))
    return once.map((octet, i) => octet ^ mask[i]!)
  }

  private reply(body: Uint8Array, sequence: number): LoginStep {
    switch (body[0]) {
      case 0x00:
        return { is: 'ready' }
      case 0xff:
        return refused(body)
      case 0xfe:
        return this.switched(body, sequence)
      case 0x01:
        // caching_sha2: the OK follows, or it wants the password itself, which is not sent in the clear.
        return body[1] === FAST_AUTH_SUCCESS ? { is: 'more' } : { is: 'refused', why: 'mysql-auth' }
      default:
        return { is: 'refused', why: 'no-mysql' }
    }
  }

  private switched(body: Uint8Array, sequence: number): LoginStep {
    const end = body.indexOf(0, 1)
    const plugin = text(body.subarray(1))
    const salt = body.subarray(end + 1, end + 21)
    if (plugin === NATIVE) return { is: 'send', octets: packet(this.token(salt), sequence + 1) }
    // Without a password its answer is empty as well.
    const isEmpty = this.login.password.length === 0
    if (plugin === CACHING && isEmpty) {
      return { is: 'send', octets: packet(new Uint8Array(0), sequence + 1) }
    }
    return { is: 'refused', why: 'mysql-auth' }
  }
}

/** Of a login at most, the answer to another salt included. */
export function loginOctets({ user }: MysqlLogin): number {
  const HEAD = 4
  const FLAGS = 32
  const TOKEN = 20
  const response = HEAD + FLAGS + octetsOf(user).length + 1 + 1 + TOKEN + NATIVE.length + 1
  return response + HEAD + TOKEN
}

function refused(body: Uint8Array): LoginStep {
  return { is: 'refused', why: `mysql-${(body[1] ?? 0) | ((body[2] ?? 0) << 8)}` }
}

function packet(body: Uint8Array, sequence: number): Uint8Array {
  const { length } = body
  return joined(
    Uint8Array.of(length & 255, (length >> 8) & 255, (length >> 16) & 255, sequence & 255),
    body,
  )
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function octetsOf(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** Up to the first NUL. */
function text(octets: Uint8Array): string {
  const end = octets.indexOf(0)
  return String.fromCharCode(...octets.subarray(0, end < 0 ? octets.length : end).subarray(0, 64))
}
