import { expect, test } from 'vitest'
import {
  assertBounded,
  decodeRecord,
  fieldsOf,
  octets,
  tcpInIpv4,
  tcpInIpv6,
} from '../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../test/helpers/packets.ts'
import { AddressBook } from '../base/addresses.ts'
import { Decoder } from './decode.ts'
import { FAULT_UNKNOWN_LINK, KIND_OTHER, KIND_TCP, Packet, SYN } from './packet.ts'

const macs = '0200 0000 0002 0200 0000 0001'
const syn = `
  ipv4: 4500 003c 1234 4000 4006 1486 0a00 0001 0a00 0002
  tcp:  9c40 0050 0000 03e8 0000 0000 a002 faf0 0000 0000
  options: 020405b4 0402 080a 0000 0001 0000 0000 01 030307`
const ackWithTimestamps = `
  ipv4: 4500 0034 1234 4000 4006 148e 0a00 0001 0a00 0002
  tcp:  9c40 0050 0000 03e9 0000 07d0 8010 01f6 0000 0000
  options: 0101 080a ffff ffff 0000 0007`

// expectDecoded holds the straight path against the dissectors at every length.
const fromOne = { linkSource: hashOf([2, 0, 0, 0, 0, 1]) }
const heads: { name: string; link: number; head: string; fields: Partial<Packet> }[] = [
  { name: 'Ethernet', link: 1, head: `${macs} 0800`, fields: fromOne },
  { name: 'VLAN', link: 1, head: `${macs} 8100 0005 0800`, fields: fromOne },
  {
    name: 'SLL',
    link: 113,
    head: '0004 0001 0006 0200 0000 0001 0000 0800',
    fields: { ...fromOne, direction: 4 },
  },
  {
    name: 'SLL2',
    link: 276,
    head: '0800 0000 0000 0003 0001 04 06 0200 0000 0001 0000',
    fields: { ...fromOne, direction: 4 },
  },
  { name: 'raw', link: 101, head: '', fields: { linkSource: 0, direction: -1 } },
  { name: 'IPv4', link: 228, head: '', fields: { linkSource: 0, direction: -1 } },
]
test.each(heads)(
  'straight path: $name gives what the dissectors give',
  ({ link, head, fields }) => {
    const times = { hasTimestamps: 1, tsVal: -1, tsEcr: 7, optionsLen: 12, mss: -1 }
    const handshake = { flags: SYN, mss: 1460, windowScale: 7, optionsLen: 20 }
    expectDecoded(`${head}\n${tcpInIpv4}`, link, { ...seenInIpv4, ...fields })
    expectDecoded(`${head}\n${syn}`, link, { kind: KIND_TCP, ...handshake, ...fields })
    expectDecoded(`${head}\n${ackWithTimestamps}`, link, { kind: KIND_TCP, ...times, ...fields })
  },
)

const synIpv6 = `
  ipv6: 6000 0000 0028 0640 2001 0db8 0000 0000 0000 0000 0000 0001
        2001 0db8 0000 0000 0000 0000 0000 0002
  tcp:  9c40 0050 0000 03e8 0000 0000 a002 faf0 0000 0000
  options: 020405a0 0402 080a 0000 0001 0000 0000 01 030307`
const headsIpv6: typeof heads = [
  { name: 'Ethernet', link: 1, head: `${macs} 86dd`, fields: fromOne },
  { name: 'VLAN', link: 1, head: `${macs} 8100 0005 86dd`, fields: fromOne },
  {
    name: 'SLL',
    link: 113,
    head: '0004 0001 0006 0200 0000 0001 0000 86dd',
    fields: { ...fromOne, direction: 4 },
  },
  { name: 'raw', link: 101, head: '', fields: { linkSource: 0, direction: -1 } },
  { name: 'IPv6', link: 229, head: '', fields: { linkSource: 0, direction: -1 } },
]
test.each(headsIpv6)('straight path: IPv6 under $name', ({ link, head, fields }) => {
  const handshake = { flags: SYN, mss: 1440, windowScale: 7, optionsLen: 20, family: 6 as const }
  expectDecoded(`${head}\n${tcpInIpv6}`, link, { ...seenInIpv6, ...fields })
  expectDecoded(`${head}\n${synIpv6}`, link, { kind: KIND_TCP, ...handshake, ...fields })
})

test('one Packet after another: nothing of the last one is left', () => {
  const records = [
    [octets(syn), 101],
    [octets(ackWithTimestamps), 101],
    [octets(`${macs} 86dd ${tcpInIpv6}`), 1],
    [octets(tcpInIpv4), 101],
    [octets(tcpInIpv4).subarray(0, 30), 101],
    [octets('0004 0001 0006 0200 0000 0001 0000 0800'), 113],
    [octets(`${macs} 0800 ${tcpInIpv4}`), 1],
  ] as const
  const packet = new Packet()
  for (const [before, beforeLink] of records) {
    for (const [record, link] of records) {
      const addresses = new AddressBook()
      const decoder = new Decoder(addresses)
      const decode = (bytes: Uint8Array, link: number): number => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        return decoder.decode(view, bytes, 0, bytes.length, bytes.length, link, packet)
      }
      decode(before, beforeLink)
      const kind = decode(record, link)
      expect(kind).toBe(packet.kind)
      expect(fieldsOf(packet)).toEqual(fieldsOf(decodeRecord(record, { link, addresses })))
    }
  }
})

test('a link type that is not known is a fault', () => {
  const packet = assertBounded(octets(tcpInIpv4), { link: 147 })
  expect(packet).toMatchObject({ kind: KIND_OTHER, fault: FAULT_UNKNOWN_LINK })
})

test('an empty record is nothing', () => {
  expect(assertBounded(octets(''), { link: 1 })).toMatchObject({ kind: KIND_OTHER, fault: 0 })
})
