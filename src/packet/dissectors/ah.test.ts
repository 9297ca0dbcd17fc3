import { test } from 'vitest'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'

// tcpdump: ip: 192.168.0.1 > 192.168.0.2:
// AH(spi=0x00000064,seq=0x1,icv=0x000000000000000000000000): 40000 > 80: Flags [P.], seq
// 1000:1005, ack 2000, win 502, length 5: HTTP
test('ah: authentication header under IPv4', () => {
  expectDecoded(
    `
    ipv4: 4500 0045 0001 0000 4033 f931 c0a8 0001 c0a8 0002
    ah: 0604 0000 0000 0064 0000 0001 0000 0000 0000 0000 0000 0000
    tcp:  9c40 0050 0000 03e8 0000 07d0 5018 01f6 adb4 0000
    data: 68656c6c6f`,
    101,
    { ...seenInIpv4, src: 0xc0a80001 | 0, dst: 0xc0a80002 | 0, ipId: 1, df: 0 },
  )
})
