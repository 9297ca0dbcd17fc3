import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'

// tcpdump: ifb1 In ifindex 3 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 65:
// 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('sll2: Linux cooked capture v2, to us', () => {
  expectDecoded(
    `
    sll2: 0800 0000 0000 0003 0001 00 06 0200 0000 0001 0000
    ${tcpInIpv4}`,
    276,
    { ...seenInIpv4, direction: 0, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})

// tcpdump: ifb1 Out ifindex 3 ethertype IPv6 (0x86dd), length 85: 2001:db8::1.40000 >
// 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('sll2: sent by us over a tunnel device', () => {
  expectDecoded(
    `
    sll2: 86dd 0000 0000 0003 fffe 04 00 0000 0000 0000 0000
    ${tcpInIpv6}`,
    276,
    { ...seenInIpv6, direction: 4, linkSource: 0 },
  )
})
