import { expect } from 'vitest'
import { hashMac } from '../../src/packet/fields.ts'
import { ACK, KIND_TCP, type Packet, PSH } from '../../src/packet/packet.ts'
import { assertBounded, octets } from './decode-record.ts'

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
  const packet = assertBounded(record, { link })
  expect(packet).toMatchObject(seen)
  assertBoundedAtEveryLength(record, link)
  return packet
}

/** `linkSource` of a frame from this MAC address. */
export function hashOf(mac: readonly number[]): number {
  return hashMac(new DataView(Uint8Array.from(mac).buffer), 0)
}

/** assertBounded for every prefix of `record`. */
function assertBoundedAtEveryLength(record: Uint8Array, link: number): void {
  for (let length = 0; length <= record.length; length++) {
    assertBounded(record.subarray(0, length), { link, wireLen: record.length })
  }
}
