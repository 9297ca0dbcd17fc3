import { test } from 'vitest'
import { expectDecoded, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { FAULT_BAD_IP_LENGTH, FAULT_SHORT_IP, KIND_FRAGMENT, KIND_OTHER } from '../packet.ts'

// tcpdump: IP 192.168.1.1 > 192.168.1.1: IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.],
// seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('ipv6: IPv6 in IPv4 (6in4)', () => {
  expectDecoded(
    `
    ipv4: 4500 0055 1234 4000 4029 a4f9 c0a8 0101 c0a8 0101
    ipv6: 6000 0000 0019 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: HBH DSTOPT 40000 > 80: Flags [P.], seq 1000:1005, ack
// 2000, win 502, length 5: HTTP
test('ipv6: hop-by-hop and destination options', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0029 0040 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    hop-by-hop: 3c00 0502 0000 0100
    destination: 0600 0104 0000 0000
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::ff: RT6 (len=2, type=0 [Deprecated], segleft=1,
// [0]2001:db8::2) 40000 > 80: Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test("ipv6: a routing header of type 0: the connection's end is the last address", () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0031 2b40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 00ff
    routing: 0602 0001 0000 0000 2001 0db8 0000 0000 0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    { ...seenInIpv6, dst: 2 },
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::3: RT6 (len=4, type=4, segleft=1, last-entry=1, tag=0,
// [0]2001:db8::2, [1]2001:db8::3) 40000 > 80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test("ipv6: segment routing: the connection's end is the first of the list", () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0041 2b40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0003
    routing: 0604 0401 0100 0000 2001 0db8 0000 0000 0000 0000 0000 0002 2001 0db8 0000 0000
             0000 0000 0000 0003
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    { ...seenInIpv6, dst: 2 },
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: RT6 (len=4, type=4, segleft=0, last-entry=1, tag=0,
// [0]2001:db8::2, [1]2001:db8::3) 40000 > 80: Flags [P.], seq 1000:1005, ack 2000, win 502,
// length 5: HTTP
test('ipv6: segment routing that has arrived', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0041 2b40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    routing: 0604 0400 0100 0000 2001 0db8 0000 0000 0000 0000 0000 0002 2001 0db8 0000 0000
             0000 0000 0000 0003
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2:
// AH(spi=0x00000064,seq=0x1,icv=0x000000000000000000000000): 40000 > 80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('ipv6: authentication header', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0031 3340 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    ah: 0604 0000 0000 0064 0000 0001 0000 0000 0000 0000 0000 0000
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: frag (0|25) 40000 > 80: Flags [P.], seq 1000:1005,
// ack 2000, win 502, length 5: HTTP
test('ipv6: the first fragment', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0021 2c40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    fragment: 0600 0001 0000 0007
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: frag (80|8)
test('ipv6: a later fragment', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0010 2c40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    fragment: 0600 0051 0000 0007
    data: 6672 6167 6d65 6e74`,
    101,
    { kind: KIND_FRAGMENT, family: 6, src: 0, dst: 1, fault: 0 },
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: [|tcp]
test('ipv6: payload length 0 of a super-segment: the frame tells', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0000 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: HBH [No valid Jumbo Payload Hop-by-Hop option found]
// (invalid)
test('ipv6: a jumbogram ends where its option says', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0000 0040 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    hop-by-hop: 0600 c204 0000 0021
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f
    padding: 0000 0000`,
    101,
    seenInIpv6,
  )
})

// tcpdump: IP6 truncated-ip6 - 1375 bytes missing!2001:db8::1.40000 > 2001:db8::2.80: Flags
// [P.], seq 1000:2380, ack 2000, win 502, length 1380: HTTP
test('ipv6: a length beyond the frame', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0578 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    { ...seenInIpv6, dataLen: 1380, fault: FAULT_BAD_IP_LENGTH },
  )
})

// tcpdump: IP6 2001:db8::1 > 2001:db8::2: DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT
// DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT DSTOPT
// [|dstopt]
test('ipv6: more extension headers than any sender makes', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 00b9 3c40 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    destination: 3c00 0104 0000 0000
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_OTHER, fault: FAULT_SHORT_IP },
  )
})

// tcpdump: IP6 version error: 5 != 6
test('ipv6: another version under its EtherType', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 86dd
    data: 5000 0000 0019 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002`,
    1,
    { kind: KIND_OTHER, fault: FAULT_SHORT_IP },
  )
})
