import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loginOctets, MysqlLogins } from './mysql.ts'

const sha1 = (octets: Uint8Array) => new Uint8Array(createHash('sha1').update(octets).digest())
const octets = (text: string) => new TextEncoder().encode(text)
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

function logins(password = '') {
  return new MysqlLogins({ user: 'probe', password: octets(password), sha1 })
}

function packet(body: Uint8Array, sequence = 0): Uint8Array {
  return Uint8Array.from([body.length, 0, 0, sequence, ...body])
}

// Protocol 10, "5.5.5-x", thread 5, salt 1..8 and 9..20, CLIENT_PLUGIN_AUTH, mysql_native_password.
const GREETING = packet(
  Uint8Array.from([
    10,
    ...octets('5.5.5-x\0'),
    ...hex('05000000 0102030405060708 00 fff7 2d 0200 ff81 15 00000000000000000000'),
    ...hex('090a0b0c0d0e0f1011121314 00'),
    ...octets('mysql_native_password\0'),
  ]),
)
const SALT = Uint8Array.from({ length: 20 }, (_, i) => i + 1)

describe('a login', () => {
  test('answers the greeting with the password folded into the salt', () => {
    const step = logins('se cret').feed(GREETING)
    if (step.is !== 'send') throw new Error(step.is)
    const once = sha1(octets('se cret'))
    const mask = sha1(Uint8Array.from([...SALT, ...sha1(once)]))
    const token = [...once].map((octet, i) => octet ^ mask[i]!)
    const at = 4 + 32 + 'probe\0'.length
    expect(step.octets[3]).toBe(1)
    expect([...step.octets.subarray(at, at + 21)]).toEqual([20, ...token])
    expect(step.octets.length).toBe(4 + step.octets[0]!)
  })

  test.each(['', 'se cret'])(
    'takes no more octets than are announced (password %j)',
    (password) => {
      const login = logins(password)
      const other = [0xfe, ...octets('mysql_native_password\0'), ...SALT, 0]
      const steps = [login.feed(GREETING), login.feed(packet(Uint8Array.from(other), 2))]
      const sent = steps.map((step) => (step.is === 'send' ? step.octets.length : Number.NaN))
      const most = loginOctets({ user: 'probe', password: octets(password), sha1 })
      expect(sent[0]! + sent[1]!).toBeLessThanOrEqual(most)
      expect(most).toBeLessThan(150)
    },
  )

  test('is ready with OK, however the octets come', () => {
    const login = logins()
    const all = Uint8Array.from([...GREETING, ...packet(hex('00000002000000'), 2)])
    const steps = [...all].map((octet) => login.feed(Uint8Array.of(octet)).is)
    expect(steps.filter((is) => is !== 'more')).toEqual(['send', 'ready'])
  })

  test.each([
    ['access denied', packet(hex('ff1504'), 2), 'mysql-1045'],
    [
      'a way that it does not speak',
      packet(Uint8Array.from([0xfe, ...octets('ed25519\0x')]), 2),
      'mysql-auth',
    ],
    ['caching_sha2 that wants the password itself', packet(hex('0104'), 2), 'mysql-auth'],
  ])('%s is said', (_, reply, why) => {
    const login = logins('x')
    login.feed(GREETING)
    expect(login.feed(reply)).toEqual({ is: 'refused', why })
  })

  test('switches to mysql_native_password with the other salt', () => {
    const login = logins('x')
    login.feed(GREETING)
    const asked = Uint8Array.from([0xfe, ...octets('mysql_native_password\0'), ...SALT, 0])
    const step = login.feed(packet(asked, 2))
    expect(step).toMatchObject({ is: 'send' })
    if (step.is === 'send') expect(step.octets).toHaveLength(24)
  })
})

test.each(['SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n'])(
  '%j is no MySQL',
  (text) => {
    const login = logins()
    let step = login.feed(octets(text))
    for (let i = 0; i < 80_000 && step.is === 'more'; i++) step = login.feed(Uint8Array.of(65))
    expect(step).toEqual({ is: 'refused', why: 'no-mysql' })
  },
)

test('any octets give a step and never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }), (pieces) => {
      const login = logins('x')
      for (const piece of pieces) {
        expect(['more', 'send', 'ready', 'refused']).toContain(login.feed(piece).is)
      }
    }),
  )
})
