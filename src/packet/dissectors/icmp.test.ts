import { test } from 'vitest'
import { expectDecoded } from '../../../test/helpers/packets.ts'
import { ACK, KIND_ICMP_ERROR, KIND_OTHER, PSH, SYN } from '../packet.ts'

/** The segment quoted, and who says so: 192.168.1.1. */
const quoted = {
  kind: KIND_ICMP_ERROR,
  icmpFrom: 0xc0a80101 | 0,
  icmpFromFamily: 4,
  family: 4,
  src: 0x0a000001,
  dst: 0x0a000002,
  srcPort: 40000,
  dstPort: 80,
  seq: 1000,
  ipId: 0x1234,
  fault: 0,
} as const

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 36
test('icmp: port unreachable quotes 8 octets: ports and sequence number', () => {
  expectDecoded(
    `
    ipv4: 4500 0038 1234 4000 4001 5ce7 c0a8 0101 0a00 0001
    icmp: 0303 5c84 0000 0000
    ipv4: 4500 05dc 1234 4000 4006 0ee6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    {
      ...quoted,
      icmpType: 3,
      icmpCode: 3,
      icmpMtu: -1,
      quotedFull: 0,
      flags: -1,
      ack: -1,
      dataLen: -1,
    },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400),
// length 48
test('icmp: fragmentation needed, with the next-hop MTU and the whole header', () => {
  expectDecoded(
    `
    ipv4: 4500 0044 1234 4000 4001 5cdb c0a8 0101 0a00 0001
    icmp: 0304 4f78 0000 0578
    ipv4: 4500 05dc 1234 4000 4006 0ee6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000`,
    101,
    {
      ...quoted,
      icmpType: 3,
      icmpCode: 4,
      icmpMtu: 1400,
      quotedFull: 1,
      flags: PSH | ACK,
      ack: 2000,
      wnd: 502,
      dataLen: 1460,
      optionsLen: 0,
    },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag, length 36
test('icmp: fragmentation needed of a router that does not tell the MTU', () => {
  expectDecoded(
    `
    ipv4: 4500 0038 1234 4000 4001 5ce7 c0a8 0101 0a00 0001
    icmp: 0304 5c83 0000 0000
    ipv4: 4500 05dc 1234 4000 4006 0ee6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    { ...quoted, icmpCode: 4, icmpMtu: -1 },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP time exceeded in-transit, length 68
test('icmp: time exceeded quotes a SYN with options', () => {
  expectDecoded(
    `
    ipv4: 4500 0058 1234 4000 4001 5cc7 c0a8 0101 0a00 0001
    icmp: 0b00 0931 0000 0000
    ipv4: 4500 003c 1234 4000 0106 5386 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 0000 a002 faf0 9893 0000 0204 05b4 0402 080a 0000 0001
         0000 0000 0103 0307`,
    101,
    {
      ...quoted,
      icmpType: 11,
      icmpCode: 0,
      ttl: 1,
      quotedFull: 1,
      flags: SYN,
      mss: 1460,
      windowScale: 7,
      tsVal: 1,
      dataLen: 0,
      optionsLen: 20,
    },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP redirect 10.0.0.2 to host 192.168.1.2, length 36
test('icmp: a redirect is no error', () => {
  expectDecoded(
    `
    ipv4: 4500 0038 1234 4000 4001 5ce7 c0a8 0101 0a00 0001
    icmp: 0501 98db c0a8 0102
    ipv4: 4500 05dc 1234 4000 4006 0ee6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP 10.0.0.2 udp port 53 unreachable, length 36
test('icmp: a quoted datagram', () => {
  expectDecoded(
    `
    ipv4: 4500 0038 1234 4000 4001 5ce7 c0a8 0101 0a00 0001
    icmp: 0303 607f 0000 0000
    ipv4: 4500 001c 1234 4000 4011 149b 0a00 0001 0a00 0002
    udp: 9c40 0035 0008 0000`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP ip reassembly time exceeded, length 36
test('icmp: a quoted later fragment', () => {
  expectDecoded(
    `
    ipv4: 4500 0038 1234 4000 4001 5ce7 c0a8 0101 0a00 0001
    icmp: 0b01 514b 0000 0000
    ipv4: 4500 001c 1234 0010 4006 5496 0a00 0001 0a00 0002
    data: 6672 6167 6d65 6e74`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: IP 192.168.1.1 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 35
test('icmp: fewer octets quoted than promised', () => {
  expectDecoded(
    `
    ipv4: 4500 0037 1234 4000 4001 5ce8 c0a8 0101 0a00 0001
    icmp: 0303 5d6c 0000 0000
    ipv4: 4500 05dc 1234 4000 4006 0ee6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
