import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 67:
// MPLS (label 16, tc 0, ttl 255) (label 17, tc 0, [S], ttl 255) 10.0.0.1.40000 > 10.0.0.2.80:
// Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('mpls: two labels, then IPv4', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 00ff 0001 11ff
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 83:
// MPLS (label 17, tc 0, [S], ttl 255) 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('mpls: one label, then IPv6', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 11ff
    ${tcpInIpv6}`,
    1,
    seenInIpv6,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 81:
// MPLS (label 17, tc 0, [S], ttl 255)
test('mpls: Ethernet pseudowire with a control word', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 11ff
    control: 0000 0007
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 77:
// MPLS (label 17, tc 0, [S], ttl 255) bad-len 0
test('mpls: Ethernet pseudowire without control word, to an address that looks like IPv4', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 11ff
    ethernet: 4600 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 67:
// MPLS (label 17, tc 0, [S], ttl 255)
test('mpls: neither IP nor Ethernet behind the labels', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 11ff 5000 0000
    ${tcpInIpv4}`,
    1,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype MPLS unicast (0x8847), length 155:
// MPLS (label 16, tc 0, ttl 255) ... (label 282624, tc 0, ttl 45) (label 74564, tc 0, ttl 0)
// (label 262241, tc 2, ttl 149) (label 40960, tc 0, ttl 1) (label 40960, tc 0, ttl 2) (label
// 640000, tc 0, ttl 80) (label 0, tc 1, [S], ttl 232) IP0 (invalid)
test('mpls: a label stack without bottom', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8847
    mpls: 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 
          0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 
          0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 0001 00ff 
    ${tcpInIpv4}`,
    1,
    { kind: KIND_OTHER, fault: 0 },
  )
})
