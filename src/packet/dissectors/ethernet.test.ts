import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 60:
// 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('ethernet: Ethernet II, the padding behind the IP length is no payload', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 0800
    ${tcpInIpv4}
    padding: 00`,
    1,
    { ...seenInIpv4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv6 (0x86dd), length 79:
// 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5:
// HTTP
test('ethernet: Ethernet II with IPv6', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 86dd
    ${tcpInIpv6}`,
    1,
    seenInIpv6,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 53: LLC, dsap SNAP (0xaa)
// Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype IPv4
// (0x0800), length 45: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win
// 502, length 5: HTTP
test('ethernet: 802.3 length with LLC and SNAP', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 0035
    llc: aaaa 03 000000 0800
    ${tcpInIpv4}
    trailer: 0000 0000`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 48: LLC, dsap IP (0x06)
// Individual, ssap IP (0x06) Command, ctrl 0x03: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('ethernet: 802.3 length with the LLC number of IP', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 0030
    llc: 0606 03
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x05dd), length 59:
test('ethernet: a number that is neither length nor type', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 05dd
    ${tcpInIpv4}`,
    1,
    { kind: KIND_OTHER, fault: 0 },
  )
})
