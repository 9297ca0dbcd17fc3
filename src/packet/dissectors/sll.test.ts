import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'

// tcpdump: Out 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 61: 10.0.0.1.40000 >
// 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('sll: Linux cooked capture, sent by us', () => {
  expectDecoded(
    `
    sll: 0004 0001 0006 0200 0000 0001 0000 0800
    ${tcpInIpv4}`,
    113,
    { ...seenInIpv4, direction: 4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})

// tcpdump: In ethertype IPv6 (0x86dd), length 81: 2001:db8::1.40000 > 2001:db8::2.80: Flags
// [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('sll: an interface without addresses', () => {
  expectDecoded(
    `
    sll: 0000 fffe 0000 0000 0000 0000 0000 86dd
    ${tcpInIpv6}`,
    113,
    { ...seenInIpv6, direction: 0, linkSource: 0 },
  )
})
