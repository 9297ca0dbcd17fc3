import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: In 02:00:00:00:00:01 802.2, length 69: LLC, dsap SNAP (0xaa) Individual, ssap SNAP
// (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype IPv4 (0x0800), length 45:
// 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('llc: 802.2 under Linux cooked capture', () => {
  expectDecoded(
    `
    sll: 0000 0001 0006 0200 0000 0001 0000 0004
    llc: aaaa 03 000000 0800
    ${tcpInIpv4}`,
    113,
    seenInIpv4,
  )
})

// tcpdump: In 02:00:00:00:00:01 802.2, length 69: LLC, dsap SNAP (0xaa) Individual, ssap SNAP
// (0xaa) Command, ctrl 0x03: oui Cisco (0x00000c), pid Unknown (0x0800), length 45:
test('llc: SNAP of another organisation', () => {
  expectDecoded(
    `
    sll: 0000 0001 0006 0200 0000 0001 0000 0004
    llc: aaaa 03 00000c 0800
    ${tcpInIpv4}`,
    113,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: In 02:00:00:00:00:01 802.2, length 69: LLC, dsap SNAP (0xaa) Individual, ssap SNAP
// (0xaa) Command, ctrl
test('llc: a frame that is not unnumbered information', () => {
  expectDecoded(
    `
    sll: 0000 0001 0006 0200 0000 0001 0000 0004
    llc: aaaa 00 000000 0800
    ${tcpInIpv4}`,
    113,
    { kind: KIND_OTHER, fault: 0 },
  )
})
