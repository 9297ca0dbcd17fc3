import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, hashOf, seenInIpv4 } from '../../../test/helpers/packets.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-QinQ (0x88a8), length 81:
// vlan 100, p 0, ethertype Unknown (0x88e7),
test('pbb: 802.1ah under a backbone tag', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 88a8
    b-tag: 0064 88e7
    i-tag: 0000 0abc
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    1,
    { ...seenInIpv4, linkSource: hashOf([2, 0, 0, 0, 0, 1]) },
  )
})
