import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 63: vlan 5,
// p 0, ethertype IPv4 (0x0800), 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('vlan: one tag', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8100
    vlan: 0005 0800
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-QinQ (0x88a8), length 87:
// vlan 100, p 0, ethertype 802.1Q (0x8100), vlan 5, p 0, ethertype IPv6 (0x86dd),
// 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5:
// HTTP
test('vlan: QinQ, outer 0x88a8', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 88a8
    vlan: 0064 8100
    vlan: 0005 86dd
    ${tcpInIpv6}`,
    1,
    seenInIpv6,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-9100 (0x9100), length 71:
// vlan 1, p 0, ethertype 802.1Q (0x8100), vlan 100, p 0, ethertype 802.1Q (0x8100), vlan 5, p
// 0, ethertype IPv4 (0x0800), 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('vlan: three tags, outer 0x9100', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 9100
    vlan: 0001 8100
    vlan: 0064 8100
    vlan: 0005 0800
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: In 02:00:00:00:00:01 ethertype 802.1Q (0x8100), length 65: vlan 5, p 0, ethertype
// IPv4, 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5:
// HTTP
test('vlan: a tag under Linux cooked capture', () => {
  expectDecoded(
    `
    sll: 0000 0001 0006 0200 0000 0001 0000 8100
    vlan: 0005 0800
    ${tcpInIpv4}`,
    113,
    seenInIpv4,
  )
})
