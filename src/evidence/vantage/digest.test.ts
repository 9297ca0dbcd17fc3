import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, isSame } from './digest.ts'

const octets = fc.uint8Array({ minLength: 1, maxLength: 1600 })

test('the same octets are the same, however much of them each capture kept', () => {
  fc.assert(
    fc.property(octets, fc.nat(1600), (payload, kept) => {
      const cut = payload.subarray(0, kept)
      expect(isSame(digestOf(payload), digestOf(cut))).not.toBe(false)
    }),
  )
})

test('one octet changed among those that both kept whole is seen', () => {
  fc.assert(
    fc.property(octets, fc.nat(1599), (payload, at) => {
      fc.pre(at < Math.min(payload.length, 1536))
      const changed = payload.slice()
      changed[at]! ^= 1
      expect(isSame(digestOf(payload), digestOf(changed))).toBe(false)
    }),
  )
})

test('nothing captured tells nothing', () => {
  const some = digestOf(new Uint8Array(40))
  expect(isSame(some, null)).toBeNull()
  expect(isSame(some, digestOf(new Uint8Array(31)))).toBeNull()
  expect(isSame(digestOf(new Uint8Array(0)), digestOf(new Uint8Array(0)))).toBeNull()
})
