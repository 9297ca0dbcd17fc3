import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 109:
// 192.168.0.1.55555 > 192.168.0.2.4789: VXLAN, flags [I] (0x08), vni 123 02:00:00:00:00:03 >
// 02:00:00:00:00:04, ethertype IPv4 (0x0800), length 59: 10.0.0.1.40000 > 10.0.0.2.80: Flags
// [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('vxlan: VXLAN, the connection inside and not the tunnel', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 0800
    ipv4: 4500 005f 0001 0000 4011 f939 c0a8 0001 c0a8 0002
    udp: d903 12b5 004b 0000
    vxlan: 0800 0000 00007b00
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    1,
    { ...seenInIpv4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.8472: OTV, flags [I] (0x08), overlay 0, instance
// 123 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype 802.1Q (0x8100), length 83: vlan 7, p 0,
// ethertype IPv6 (0x86dd), 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('vxlan: the old port of Linux, a VLAN tag inside', () => {
  expectDecoded(
    `
    ipv4: 4500 0077 0001 0000 4011 f921 c0a8 0001 c0a8 0002
    udp: d903 2118 0063 0000
    vxlan: 0800 0000 00007b00
    ethernet: 0200 0000 0004 0200 0000 0003 8100
    vlan: 0007 86dd
    ${tcpInIpv6}`,
    101,
    seenInIpv6,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.4789: VXLAN, flags [invalid] (0x00), vni 123
// 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype IPv4 (0x0800), length 59: 10.0.0.1.40000 >
// 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('vxlan: the port without the flag', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 4011 f939 c0a8 0001 c0a8 0002
    udp: d903 12b5 004b 0000
    vxlan: 0000 0000 00007b00
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.4789: VXLAN, flags [I] (0x08), vni 123
// 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype Unknown (0x1234), length 59:
test('vxlan: the port and the flag, no frame inside', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 4011 f939 c0a8 0001 c0a8 0002
    udp: d903 12b5 004b 0000
    data: 0800 0000 00007b00
    data: 0200 0000 0004 0200 0000 0003 1234
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.4789: VXLAN, flags [I] (0x08), vni 123
// 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype IPv4 (0x0800), length 18: IP5 (invalid)
test('vxlan: what would be an IP header inside is none, and no fault of the capture', () => {
  expectDecoded(
    `
    ipv4: 4500 0036 0001 0000 4011 f962 c0a8 0001 c0a8 0002
    udp: d903 12b5 0022 0000
    data: 0800 0000 00007b00
    data: 0200 0000 0004 0200 0000 0003 0800 5500 0000`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
