import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: AF IPv4 (2), length 49: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test("null: the writer's byte order is little-endian", () => {
  expectDecoded(
    `
    family: 0200 0000
    ${tcpInIpv4}`,
    0,
    seenInIpv4,
  )
})

// tcpdump: AF IPv6 (28), length 69: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test("null: the writer's byte order is big-endian, IPv6 of FreeBSD", () => {
  expectDecoded(
    `
    family: 0000 001c
    ${tcpInIpv6}`,
    0,
    seenInIpv6,
  )
})

// tcpdump: AF IPv6 (30), length 69: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('null: IPv6 of Darwin', () => {
  expectDecoded(
    `
    family: 1e00 0000
    ${tcpInIpv6}`,
    0,
    seenInIpv6,
  )
})

// tcpdump: AF IPv4 (2), length 49: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('null: LINKTYPE_LOOP', () => {
  expectDecoded(
    `
    family: 0000 0002
    ${tcpInIpv4}`,
    108,
    seenInIpv4,
  )
})

// tcpdump: AF ISO (7), length 49: OSI NLPID Unknown (0x45): length: 45
test("null: another family than the Internet's", () => {
  expectDecoded(
    `
    family: 0700 0000
    ${tcpInIpv4}`,
    0,
    { kind: KIND_OTHER, fault: 0 },
  )
})
