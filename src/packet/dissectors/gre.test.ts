import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, proto IPv4 (0x0800), length 49: 10.0.0.1.40000
// > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('gre: plain GRE', () => {
  expectDecoded(
    `
    ipv4: 4500 0045 0001 0000 402f f935 c0a8 0001 c0a8 0002
    gre: 0000 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, off 0x0, key=0x7, seq 1, proto IPv6 (0x86dd),
// length 81: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('gre: checksum, key and sequence number', () => {
  expectDecoded(
    `
    ipv4: 4500 0065 0001 0000 402f f915 c0a8 0001 c0a8 0002
    gre: b000 86dd 0000 0000 0000 0007 0000 0001
    ${tcpInIpv6}`,
    101,
    seenInIpv6,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, key=0x138800, proto TEB (0x6558), length 67:
// 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype IPv4 (0x0800), length 59: 10.0.0.1.40000 >
// 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('gre: NVGRE: an Ethernet frame with a virtual subnet in the key', () => {
  expectDecoded(
    `
    ipv4: 4500 0057 0001 0000 402f f923 c0a8 0001 c0a8 0002
    gre: 2000 6558 0013 8800
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv1, call 7, seq 1, ack 2, proto PPP (0x880b),
// length 65: IP (0x0021), length 49: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005,
// ack 2000, win 502, length 5: HTTP
test('gre: version 1 of PPTP, with sequence and acknowledgment', () => {
  expectDecoded(
    `
    ipv4: 4500 0055 0001 0000 402f f925 c0a8 0001 c0a8 0002
    gre: 3081 880b 0031 0007 0000 0001 0000 0002
    ppp: ff03 0021
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, proto unknown (0x88be), length 63:
// gre-proto-0x88be
test('gre: ERSPAN type I, without a header of its own', () => {
  expectDecoded(
    `
    ipv4: 4500 0053 0001 0000 402f f927 c0a8 0001 c0a8 0002
    gre: 0000 88be
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.4754: UDP, length 49
test('gre: GRE in UDP', () => {
  expectDecoded(
    `
    ipv4: 4500 004d 0001 0000 4011 f94b c0a8 0001 c0a8 0002
    udp: d903 1292 0039 0000
    gre: 0000 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, off 0x2d, (rtaf=0x1234), (rtaf=0x4006) [|gre]
test('gre: the source routing that was withdrawn', () => {
  expectDecoded(
    `
    ipv4: 4500 0045 0001 0000 402f f935 c0a8 0001 c0a8 0002
    gre: 4000 0800
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
