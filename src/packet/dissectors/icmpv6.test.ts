import { test } from 'vitest'
import { expectDecoded } from '../../../test/helpers/packets.ts'
import { ACK, KIND_ICMP_ERROR, KIND_OTHER, PSH } from '../packet.ts'

/** The segment quoted, and who says so: the first address met, 2001:db8::ff. */
const quoted = {
  kind: KIND_ICMP_ERROR,
  icmpFrom: 0,
  icmpFromFamily: 6,
  family: 6,
  src: 1,
  dst: 2,
  srcPort: 40000,
  dstPort: 80,
  seq: 1000,
  ipId: -1,
  fault: 0,
} as const

// tcpdump: IP6 2001:db8::ff > 2001:db8::1: ICMP6, packet too big, mtu 1280, length 68
test('icmpv6: packet too big, with the MTU and the whole header', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0044 3aff 2001 0db8 0000 0000 0000 0000 0000 00ff 2001 0db8 0000 0000
          0000 0000 0000 0001
    icmpv6: 0200 7434 0000 0500
    ipv6: 6000 0000 058c 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000`,
    101,
    {
      ...quoted,
      icmpType: 2,
      icmpCode: 0,
      icmpMtu: 1280,
      quotedFull: 1,
      flags: PSH | ACK,
      ack: 2000,
      dataLen: 1400,
    },
  )
})

// tcpdump: IP6 2001:db8::ff > 2001:db8::1: ICMP6, destination unreachable, unreachable
// prohibited 2001:db8::2, length 56
test('icmpv6: administratively prohibited quotes 8 octets', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0038 3aff 2001 0db8 0000 0000 0000 0000 0000 00ff 2001 0db8 0000 0000
          0000 0000 0000 0001
    icmpv6: 0101 3a60 0000 0000
    ipv6: 6000 0000 058c 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    { ...quoted, icmpType: 1, icmpCode: 1, icmpMtu: -1, quotedFull: 0, flags: -1 },
  )
})

// tcpdump: IP6 2001:db8::ff > 2001:db8::1: ICMP6, time exceeded in-transit for 2001:db8::2,
// length 76
test('icmpv6: an extension header in the quote', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 004c 3aff 2001 0db8 0000 0000 0000 0000 0000 00ff 2001 0db8 0000 0000
          0000 0000 0000 0001
    icmpv6: 0300 40d2 0000 0000
    ipv6: 6000 0000 0021 3c01 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    destination: 0600 0104 0000 0000
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000`,
    101,
    { ...quoted, icmpType: 3, quotedFull: 1, ttl: 1, dataLen: 5 },
  )
})

// tcpdump: IP6 2001:db8::ff > 2001:db8::1: ICMP6, packet too big, mtu 4294967295, length 56
test('icmpv6: an MTU beyond int32 is held at its end', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0038 3aff 2001 0db8 0000 0000 0000 0000 0000 00ff 2001 0db8 0000 0000
          0000 0000 0000 0001
    icmpv6: 0200 3961 ffff ffff
    ipv6: 6000 0000 058c 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    { ...quoted, icmpMtu: 0x7fffffff },
  )
})

// tcpdump: IP6 2001:db8::ff > 2001:db8::1: ICMP6, echo request, id 0, seq 1, length 68
test('icmpv6: an echo request', () => {
  expectDecoded(
    `
    ipv6: 6000 0000 0044 3aff 2001 0db8 0000 0000 0000 0000 0000 00ff 2001 0db8 0000 0000
          0000 0000 0000 0001
    icmpv6: 8000 fb32 0000 0001
    data: 6000 0000 058c 0640 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000
          0000 0000 0000 0002 9c40 0050 0000 03e8 0000 07d0 5018 01f6 6642 0000`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
