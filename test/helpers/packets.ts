import { expect } from 'vitest'
import { AddressBook } from '../../src/base/addresses.ts'
import { Decoder } from '../../src/packet/decode.ts'
import { hashMac } from '../../src/packet/fields.ts'
import { ACK, KIND_TCP, Packet, PSH } from '../../src/packet/packet.ts'

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
 * Every prefix of `record`, by the straight path and by the dissectors, in a tight buffer and between several poisons:
 * nothing throws, and all give the same fields.
 */
export function expectBoundedAtEveryLength(record: Uint8Array, link: number): void {
  for (let length = 0; length <= record.length; length++) {
    expectBounded(record.subarray(0, length), { link, wireLen: record.length })
  }
}

/** As above, for the one record. @returns the packet */
export function expectBounded(record: Uint8Array, options: DecodeOptions): Packet {
  const tight = decodeRecord(record, options)
  const message = `link ${options.link}, ${record.length} octets`
  expect(fieldsOf(decodeRecord(record, { ...options, general: true })), message).toEqual(
    fieldsOf(tight),
  )
  for (const poison of POISONS) {
    const bytes = new Uint8Array(record.length + 2 * MARGIN).fill(poison)
    bytes.set(record, MARGIN)
    const packet = decodeAt(record, bytes, MARGIN, options)
    packet.dataStart -= packet.dataStart === 0 ? 0 : MARGIN
    expect(fieldsOf(packet), `${message}, poison ${poison}`).toEqual(fieldsOf(tight))
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

const inner = {
  kind: KIND_TCP,
  srcPort: 40000,
  dstPort: 80,
  seq: 1000,
  ack: 2000,
  flags: PSH | ACK,
  wnd: 502,
  dataLen: 5,
  dataCap: 5,
  ttl: 64,
  optionsLen: 0,
  fault: 0,
}

/** Fields of the segment in tcpInIpv4. */
export const seenInIpv4 = {
  ...inner,
  family: 4 as const,
  src: 0x0a000001,
  dst: 0x0a000002,
  ipId: 0x1234,
  df: 1,
}

/** Fields of the segment in tcpInIpv6, its addresses being the first ones met. */
export const seenInIpv6 = { ...inner, family: 6 as const, src: 0, dst: 1, ipId: -1, df: -1 }

/** Reads `text`, the whole of it and every shorter piece, and expects the fields in `seen`. @returns the packet */
export function expectDecoded(text: string, link: number, seen: Partial<Packet>): Packet {
  const record = octets(text)
  const packet = expectBounded(record, { link })
  expect(packet).toMatchObject(seen)
  expectBoundedAtEveryLength(record, link)
  return packet
}

/** `linkSource` of a frame from this MAC address. */
export function hashOf(mac: readonly number[]): number {
  return hashMac(new DataView(Uint8Array.from(mac).buffer), 0)
}
