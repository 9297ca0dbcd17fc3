import { expect, test } from 'vitest'
import { assertBounded, octets, tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { FAULT_TOO_DEEP, KIND_OTHER } from '../packet.ts'

// tcpdump: DLT EN10MB (1) len 108, length 167: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype
// IPv4 (0x0800), length 59: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000,
// win 502, length 5: HTTP
test('pktap: Ethernet behind the header of Darwin', () => {
  expectDecoded(
    `
    pktap: 6c00 0000 0100 0000 0100 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
    ethernet: 0200 0000 0002 0200 0000 0001 0800
    ${tcpInIpv4}`,
    258,
    { ...seenInIpv4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})

// tcpdump: DLT RAW (12) len 108, length 173: ip: 2001:db8::1.40000 > 2001:db8::2.80: Flags
// [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('pktap: raw IP behind it', () => {
  expectDecoded(
    `
    pktap: 6c00 0000 0100 0000 0c00 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
           0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000
    ${tcpInIpv6}`,
    258,
    seenInIpv6,
  )
})

// tcpdump: DLT PKTAP (258) len 108, length 3609: DLT PKTAP (258) len 108, length 3501: ...
test('pktap: pktap in pktap without end', () => {
  const header = `6c00 0000 0100 0000 0201 0000 ${'00'.repeat(96)}`
  const seen = { kind: KIND_OTHER, fault: FAULT_TOO_DEEP }
  expect(assertBounded(octets(header.repeat(33)), { link: 258 })).toMatchObject(seen)
})
