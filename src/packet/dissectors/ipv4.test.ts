import { test } from 'vitest'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'
import {
  FAULT_BAD_IP_LENGTH,
  FAULT_SHORT_IP,
  FAULT_SHORT_TCP,
  KIND_FRAGMENT,
  KIND_OTHER,
  KIND_UNREADABLE,
} from '../packet.ts'

// tcpdump: IP (tos 0x0, ttl 64, id 4660, offset 0, flags [DF], proto TCP (6), length 49,
// options (RA)) 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], cksum 0xadb4 (correct), seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('ipv4: options before the segment', () => {
  expectDecoded(
    `
    ipv4: 4600 0031 1234 4000 4006 7f8c 0a00 0001 0a00 0002 9404 0000
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv4,
  )
})

// tcpdump: IP 192.168.1.1 > 192.168.1.1: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('ipv4: IPv4 in IPv4: the inner connection, not the outer addresses', () => {
  expectDecoded(
    `
    ipv4: 4500 0041 1234 4000 4004 a532 c0a8 0101 c0a8 0101
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv4,
  )
})

// tcpdump: IP bad-len 0
test('ipv4: total length 0 of a super-segment: the frame tells', () => {
  expectDecoded(
    `
    ipv4: 4500 0000 1234 4000 4006 14c2 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    seenInIpv4,
  )
})

// tcpdump: IP truncated-ip - 1375 bytes missing! (tos 0x0, ttl 64, id 4660, offset 0, flags
// [DF], proto TCP (6), length 1420) 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:2380,
// ack 2000, win 502, length 1380: HTTP
test('ipv4: a length beyond the frame is believed when the checksum is right', () => {
  expectDecoded(
    `
    ipv4: 4500 058c 1234 4000 4006 0f36 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    { ...seenInIpv4, dataLen: 1380, fault: FAULT_BAD_IP_LENGTH },
  )
})

// tcpdump: IP truncated-ip - 1375 bytes missing! (tos 0x0, ttl 64, id 4660, offset 0, flags
// [DF], proto TCP (6), length 1420, bad cksum 1111 (->f36)!) 10.0.0.1.40000 > 10.0.0.2.80:
// Flags [P.], seq 1000:2380, ack 2000, win 502, length 1380: HTTP
test('ipv4: a length beyond the frame is not believed when the checksum is wrong', () => {
  expectDecoded(
    `
    ipv4: 4500 058c 1234 4000 4006 1111 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    { ...seenInIpv4, fault: FAULT_BAD_IP_LENGTH },
  )
})

// tcpdump: IP bad-len 19
test('ipv4: a length shorter than its own header', () => {
  expectDecoded(
    `
    ipv4: 4500 0013 1234 4000 4006 14af 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_UNREADABLE, fault: FAULT_BAD_IP_LENGTH },
  )
})

// tcpdump: IP (tos 0x0, ttl 64, id 4660, offset 0, flags [+], proto TCP (6), length 52)
// 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1012, ack 2000, win 502, length 12: HTTP
test('ipv4: the first fragment counts its own payload', () => {
  expectDecoded(
    `
    ipv4: 4500 0034 1234 2000 4006 348e 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f2c 2077 6f72 6c64`,
    101,
    { ...seenInIpv4, df: 0, dataLen: 12, dataCap: 12 },
  )
})

// tcpdump: IP (tos 0x0, ttl 64, id 4660, offset 32, flags [none], proto TCP (6), length 28)
// 10.0.0.1 > 10.0.0.2: ip-proto-6
test('ipv4: a later fragment has no header to read', () => {
  expectDecoded(
    `
    ipv4: 4500 001c 1234 0004 4006 54a2 0a00 0001 0a00 0002
    data: 6672 6167 6d65 6e74`,
    101,
    { kind: KIND_FRAGMENT, src: 0x0a000001, dst: 0x0a000002, ipId: 0x1234, fault: 0 },
  )
})

// tcpdump: IP (tos 0x0, ttl 64, id 4660, offset 32, flags [none], proto UDP (17), length 28)
// 10.0.0.1 > 10.0.0.2: ip-proto-17
test('ipv4: a later fragment of a datagram', () => {
  expectDecoded(
    `
    ipv4: 4500 001c 1234 0004 4011 5497 0a00 0001 0a00 0002
    data: 6672 6167 6d65 6e74`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: IP (tos 0x0, ttl 64, id 4660, offset 0, flags [+], proto TCP (6), length 28)
// 10.0.0.1.40000 > 10.0.0.2.80: [|tcp]
test('ipv4: a first fragment too small for the header', () => {
  expectDecoded(
    `
    ipv4: 4500 001c 1234 2000 4006 34a6 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8`,
    101,
    { kind: KIND_UNREADABLE, srcPort: 40000, dstPort: 80, fault: FAULT_SHORT_TCP },
  )
})

// tcpdump: IP bad-hlen 16
test('ipv4: a header length below 20', () => {
  expectDecoded(
    `
    ipv4: 4400 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_OTHER, fault: FAULT_SHORT_IP },
  )
})
