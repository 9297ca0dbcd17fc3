import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.6081: Geneve, Flags [none], vni 0xb, proto TEB
// (0x6558), options [8 bytes]: 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype IPv4 (0x0800),
// length 59: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length
// 5: HTTP
test('geneve: Geneve with an option, Ethernet inside', () => {
  expectDecoded(
    `
    ipv4: 4500 0067 0001 0000 4011 f931 c0a8 0001 c0a8 0002
    udp: d903 17c1 0053 0000
    geneve: 0200 6558 00000b00 0103 0001 12345678
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.6081: Geneve, Flags [none], vni 0xb, proto IPv6
// (0x86dd): 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('geneve: IPv6 straight inside', () => {
  expectDecoded(
    `
    ipv4: 4500 0065 0001 0000 4011 f933 c0a8 0001 c0a8 0002
    udp: d903 17c1 0051 0000
    geneve: 0000 86dd 00000b00
    ${tcpInIpv6}`,
    101,
    seenInIpv6,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.6081: Geneve ERROR: unknown-version 1
test('geneve: another version', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 4011 f939 c0a8 0001 c0a8 0002
    udp: d903 17c1 004b 0000
    geneve: 4000 6558 00000b00
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.6081: Geneve, Flags [O], vni 0xb, proto TEB
// (0x6558): 02:00:00:00:00:03 > 02:00:00:00:00:04, ethertype IPv4 (0x0800), length 59:
// 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('geneve: a control packet', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 4011 f939 c0a8 0001 c0a8 0002
    udp: d903 17c1 004b 0000
    geneve: 0080 6558 00000b00
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
