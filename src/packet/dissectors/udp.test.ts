import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.53: 17664 [b2&3=0x2d] [16384a] [4660q] [16390n]
// [5269au] [|domain]
test("udp: the segment of another protocol's port", () => {
  expectDecoded(
    `
    ipv4: 4500 0049 0001 0000 4011 f94f c0a8 0001 c0a8 0002
    udp: d903 0035 0035 0000
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
