import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4 } from '../../../test/helpers/packets.ts'

// tcpdump: async0 02:00:00:00:00:01 > 02:00:00:00:00:02, length 66: LLC, dsap SNAP (0xaa)
// Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype IPv4
// (0x0800), length 45: 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win
// 502, length 5: HTTP
test('fddi: FDDI with SNAP', () => {
  expectDecoded(
    `
    fddi: 50 0200 0000 0002 0200 0000 0001
    llc: aaaa 03 000000 0800
    ${tcpInIpv4}`,
    10,
    { ...seenInIpv4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})
