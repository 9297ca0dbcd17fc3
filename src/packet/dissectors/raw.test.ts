import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'

// tcpdump: ip: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('raw: IPv4 under link type 12', () => {
  expectDecoded(tcpInIpv4, 12, seenInIpv4)
})

// tshark: raw:ip:tcp 1000 5
test('raw: IPv4 under link type 14', () => {
  expectDecoded(tcpInIpv4, 14, seenInIpv4)
})

// tcpdump: ip: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('raw: IPv4 under link type 101', () => {
  expectDecoded(tcpInIpv4, 101, seenInIpv4)
})

// tcpdump: ip: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('raw: IPv4 under link type 228', () => {
  expectDecoded(tcpInIpv4, 228, seenInIpv4)
})

// tcpdump: ip: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win
// 502, length 5: HTTP
test('raw: IPv6 under link type 101', () => {
  expectDecoded(tcpInIpv6, 101, seenInIpv6)
})

// tcpdump: ip: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack 2000, win
// 502, length 5: HTTP
test('raw: IPv6 under link type 229', () => {
  expectDecoded(tcpInIpv6, 229, seenInIpv6)
})
