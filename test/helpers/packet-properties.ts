import { ok } from 'node:assert'
import fc from 'fast-check'
import type { Dissector } from '../../src/packet/dissector.ts'
import { dissectors } from '../../src/packet/dissectors/index.ts'
import { KIND_TCP, KIND_UNREADABLE, type Packet } from '../../src/packet/packet.ts'
import { assertBounded, octets, tcpInIpv4, tcpInIpv6 } from './decode-record.ts'

// What must hold of any octets, for src/packet/fuzz.test.ts (short) and a long fuzz. A dissector joins by being in the index.

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
function assertSane(packet: Packet, length: number): void {
  ok(packet.kind >= 0 && packet.kind <= KIND_UNREADABLE, 'an unknown kind')
  // Time is the reader's, and the only float64.
  const { tNs, ...fields } = packet
  ok(Number.isFinite(tNs), 'no time')
  for (const [name, value] of Object.entries(fields)) {
    ok(value === (value | 0), `${name} is not an int32: ${value}`)
  }
  if (packet.kind !== KIND_TCP) return
  ok(packet.dataCap >= 0 && packet.dataCap <= packet.dataLen, 'more payload captured than sent')
  ok(packet.dataStart + packet.dataCap <= length, 'payload behind the end of the record')
}

const changeablePlain = octets(`0200 0000 0002 0200 0000 0001 0800 ${tcpInIpv4}`)
const change = fc.tuple(fc.nat({ max: changeablePlain.length - 1 }), fc.nat({ max: 255 }))

export const packetProperties = [
  {
    name: 'any octets under any link type are read in bounds, the same by both ways',
    property: fc.property(
      record,
      fc.constantFrom(...links),
      fc.nat({ max: 100_000 }),
      (bytes, link, more) => {
        assertSane(assertBounded(bytes, { link, wireLen: bytes.length + more }), bytes.length)
      },
    ),
  },
  {
    name: 'a plain segment with a few octets changed is read in bounds, the same by both ways',
    property: fc.property(
      fc.array(change, { maxLength: 4 }),
      fc.nat({ max: 100 }),
      (changes, more) => {
        const bytes = changeablePlain.slice()
        for (const [at, value] of changes) bytes[at] = value
        assertSane(assertBounded(bytes, { link: 1, wireLen: bytes.length + more }), bytes.length)
      },
    ),
  },
]
