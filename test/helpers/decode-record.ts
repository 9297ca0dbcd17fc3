import { deepStrictEqual } from 'node:assert'
import { AddressBook } from '../../src/base/addresses.ts'
import { Decoder } from '../../src/packet/decode.ts'
import { Packet } from '../../src/packet/packet.ts'

/** Octets around the record that no decoder may see. Several: what depends on one differs with another. */
const POISONS = [0x00, 0xff, 0x45] as const
const MARGIN = 64

/** "4500 0028" -> octets. White space is free, and `NAME:` in front of hex digits is dropped, as are `# remarks`. */
export function octets(text: string): Uint8Array {
  const digits = text
    .replace(/#.*$/gm, '')
    .replace(/^\s*[a-z0-9 -]+:/gim, '')
    .replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hexadecimal: ${digits}`)
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export interface DecodeOptions {
  link: number
  wireLen?: number
  /** Take the way through the dissectors even where the straight path would do. */
  general?: boolean
  addresses?: AddressBook
}

/** Decodes one record that ends exactly where its buffer ends, so that a read behind it throws. */
export function decodeRecord(record: Uint8Array, options: DecodeOptions): Packet {
  return decodeAt(record, record.slice(), 0, options)
}

/**
 * Reads `record` by the straight path and by the dissectors, in a tight buffer and between several poisons: nothing
 * throws, and all give the same fields. Without vitest, so that a fuzz loop can use it.
 * @returns the packet   @throws AssertionError
 */
export function assertBounded(record: Uint8Array, options: DecodeOptions): Packet {
  const tight = decodeRecord(record, options)
  const message = `another reading of ${hexOf(record)}, link ${options.link}`
  const general = decodeRecord(record, { ...options, general: true })
  deepStrictEqual(fieldsOf(general), fieldsOf(tight), message)
  for (const poison of POISONS) {
    const bytes = new Uint8Array(record.length + 2 * MARGIN).fill(poison)
    bytes.set(record, MARGIN)
    const packet = decodeAt(record, bytes, MARGIN, options)
    packet.dataStart -= packet.dataStart === 0 ? 0 : MARGIN
    deepStrictEqual(fieldsOf(packet), fieldsOf(tight), `${message}, poison ${poison}`)
  }
  return tight
}

function decodeAt(
  record: Uint8Array,
  bytes: Uint8Array,
  start: number,
  options: DecodeOptions,
): Packet {
  const decoder = new Decoder(options.addresses ?? new AddressBook())
  const packet = new Packet()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wireLen = options.wireLen ?? record.length
  const decode = options.general ? decoder.decodeAny : decoder.decode
  decode.call(decoder, view, bytes, start, record.length, wireLen, options.link, packet)
  return packet
}

/** All fields but `rare`, which tells how a packet was read and not what it is. */
export function fieldsOf(packet: Packet): Omit<Packet, 'rare'> {
  const { rare, ...fields } = packet
  return fields
}

function hexOf(record: Uint8Array): string {
  return Buffer.from(record).toString('hex')
}

/**
 * What most tests of an outer layer carry inside.
 * tcpdump -S: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5
 */
export const tcpInIpv4 = `
  ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
  tcp:  9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
  data: 68656c6c6f`

/**
 * The same over IPv6.
 * tcpdump -S: IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5
 */
export const tcpInIpv6 = `
  ipv6: 6000 0000 0019 0640 2001 0db8 0000 0000 0000 0000 0000 0001
        2001 0db8 0000 0000 0000 0000 0000 0002
  tcp:  9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
  data: 68656c6c6f`
