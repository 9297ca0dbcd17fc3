import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: IP (0x0021), length 49: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('ppp: address and control octets', () => {
  expectDecoded(
    `
    ppp: ff03 0021
    ${tcpInIpv4}`,
    9,
    seenInIpv4,
  )
})

// tcpdump: IP (0x0021), length 46: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('ppp: the protocol field in one octet, no address and control', () => {
  expectDecoded(
    `
    ppp: 21
    ${tcpInIpv4}`,
    9,
    seenInIpv4,
  )
})

// tcpdump: ff 03 69 IP6: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('ppp: IPv6 in LINKTYPE_PPP_HDLC', () => {
  expectDecoded(
    `
    ppp: ff03 0057
    ${tcpInIpv6}`,
    50,
    seenInIpv6,
  )
})

// tcpdump: unicast, ethertype IPv4 (0x0800), length 49: 10.0.0.1.40000 > 10.0.0.2.80: Flags
// [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('ppp: Cisco HDLC', () => {
  expectDecoded(
    `
    hdlc: 0f00 0800
    ${tcpInIpv4}`,
    104,
    seenInIpv4,
  )
})

// tcpdump: LCP (0xc021), length 49: LCP, Unknown Opcode (0x45), id 0, length 47
test('ppp: link control protocol is no data', () => {
  expectDecoded(
    `
    ppp: ff03 c021
    ${tcpInIpv4}`,
    9,
    { kind: KIND_OTHER, fault: 0 },
  )
})
