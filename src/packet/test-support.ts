import { expect } from 'vitest'
import { AddressBook } from '../base/addresses.ts'
import { Decoder } from './decode.ts'
import { Packet } from './packet.ts'

/** Octets around the record that no decoder may see. Two of them: what depends on one differs with the other. */
const POISONS = [0x00, 0xff, 0x45] as const
const MARGIN = 64

/** "4500 0028" -> octets. White space is free, and `NAME:` in front of hex digits is dropped, as are `# remarks`. */
export function octets(text: string): Uint8Array {
  const digits = text
    .replace(/#.*$/gm, '')
    .replace(/\b[a-z0-9 -]+:/gi, '')
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
