import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { FAULT_BAD_IP_LENGTH, KIND_OTHER } from '../packet.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype PPPoE S (0x8864), length 71: PPPoE
// [ses 0xf07] IP (0x0021), length 47: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005,
// ack 2000, win 502, length 5: HTTP
test('pppoe: a session with IPv4, padding behind it', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8864
    pppoe: 1100 0f07 002f 0021
    ${tcpInIpv4}
    padding: 0000 0000`,
    1,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 95: vlan
// 3704, p 0, ethertype 802.1Q (0x8100), vlan 2474, p 0, ethertype PPPoE S (0x8864), PPPoE [ses
// 0xf07] IP6 (0x0057), length 67: 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('pppoe: a session behind QinQ, with IPv6', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8100
    vlan: 0e78 8100
    vlan: 09aa 8864
    pppoe: 1100 0f07 0043 0057
    ${tcpInIpv6}`,
    1,
    seenInIpv6,
  )
})

// A kernel cuts the packet at the session's length before it looks at IP. Seen from a router that rewrote IP lengths.
// tshark: eth:ethertype:pppoes:ppp:ip:tcp 1000 0, IPv4 total length exceeds packet length (40 bytes)
test('pppoe: an IP length beyond the session payload is not believed', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8864
    pppoe: 1100 0f07 002a 0021
    ${tcpInIpv4}`,
    1,
    { ...seenInIpv4, dataLen: 0, dataCap: 0, fault: FAULT_BAD_IP_LENGTH },
  )
})

// tcpdump: PPPoE [ses 0xf07] IP (0x0021), length 47: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.],
// seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('pppoe: LINKTYPE_PPP_ETHER', () => {
  expectDecoded(
    `
    pppoe: 1100 0f07 002f 0021
    ${tcpInIpv4}`,
    51,
    seenInIpv4,
  )
})

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype PPPoE S (0x8864), length 67: PPPoE
// PADI [ses 0xf07] [|pppoe]
test('pppoe: not session data', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8864
    pppoe: 1109 0f07 002f 0021
    ${tcpInIpv4}`,
    1,
    { kind: KIND_OTHER, fault: 0 },
  )
})
