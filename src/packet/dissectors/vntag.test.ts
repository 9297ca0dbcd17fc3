import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'

// tcpdump: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x8926), length 65:
test('vntag: VN-Tag', () => {
  expectDecoded(
    `
    ethernet: 0200 0000 0002 0200 0000 0001 8926
    vntag: 0001 0002 0800
    ${tcpInIpv4}`,
    1,
    seenInIpv4,
  )
})
