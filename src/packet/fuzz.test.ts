import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectBounded, octets, tcpInIpv4, tcpInIpv6 } from '../../test/helpers/packets.ts'
import type { Dissector } from './dissector.ts'
import { dissectors } from './dissectors/index.ts'
import { KIND_TCP, KIND_UNREADABLE, type Packet } from './packet.ts'

const all: readonly Dissector[] = dissectors
const links = [...all.flatMap((dissector) => dissector.links ?? []), 147, -1]

/** Octets that say "something is next": noise would not get past the first layer. */
const pieces = [
  '0200 0000 0002 0200 0000 0001',
  '0005',
  '4500 0060 0001 0000 40',
  '6000 0000 0040',
  'aaaa 03 000000',
  '0006 0001 0006 0200 0000 0001 0000',
  '0001 11ff',
  '1100 0001 0040',
  'ff03',
  'd903 12b5 0040 0000 0800 0000 0000 0700',
  'd903 17c1 0040 0000 0000 6558 0000 0700',
  '3000',
  '0304 0000 0000 0578',
  '02 00 0001 3400 0900',
  '0101 080a 0000 0001 0000 0002 0512',
  tcpInIpv4,
  tcpInIpv6,
].map(octets)

const numbers = all
  .flatMap((d) => [...(d.etherTypes ?? []), ...(d.pppProtocols ?? [])])
  .map((number) => Uint8Array.of(number >> 8, number & 255))
const protocols = all.flatMap((d) => d.ipProtocols ?? []).map((number) => Uint8Array.of(number))

const record = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc.constantFrom(...pieces),
      fc.constantFrom(...numbers),
      fc.constantFrom(...protocols),
    ),
    { maxLength: 14 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

/** What holds whatever the octets were. */
function expectSane(packet: Packet, length: number): void {
  expect(packet.kind).toBeGreaterThanOrEqual(0)
  expect(packet.kind).toBeLessThanOrEqual(KIND_UNREADABLE)
  if (packet.kind !== KIND_TCP) return
  expect(packet.dataLen).toBeGreaterThanOrEqual(0)
  expect(packet.dataCap).toBeGreaterThanOrEqual(0)
  expect(packet.dataCap).toBeLessThanOrEqual(packet.dataLen)
  expect(packet.dataStart + packet.dataCap).toBeLessThanOrEqual(length)
  for (const value of Object.values(packet)) expect(value).toBe(value | 0)
}

test('fuzz: any octets under any link type are read in bounds, the same by both ways', () => {
  fc.assert(
    fc.property(
      record,
      fc.constantFrom(...links),
      fc.nat({ max: 100_000 }),
      (bytes, link, more) => {
        const packet = expectBounded(bytes, { link, wireLen: bytes.length + more })
        expectSane(packet, bytes.length)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('fuzz: a plain segment with a few octets changed', () => {
  const plain = octets(`0200 0000 0002 0200 0000 0001 0800 ${tcpInIpv4}`)
  const change = fc.tuple(fc.nat({ max: plain.length - 1 }), fc.nat({ max: 255 }))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.nat({ max: 100 }), (changes, more) => {
      const bytes = plain.slice()
      for (const [at, value] of changes) bytes[at] = value
      const packet = expectBounded(bytes, { link: 1, wireLen: bytes.length + more })
      expectSane(packet, bytes.length)
    }),
    { numRuns: 2_000 },
  )
})
