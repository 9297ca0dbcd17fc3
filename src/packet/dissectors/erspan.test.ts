import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, seq 1, proto unknown (0x88be), length 75:
// gre-proto-0x88be
test('erspan: type II', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 402f f91b c0a8 0001 c0a8 0002
    gre: 1000 88be 0000 0001
    erspan: 1064 0001 0000 0000
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, seq 1, proto unknown (0x22eb), length 87:
// gre-proto-0x22eb
test('erspan: type III with a subheader', () => {
  expectDecoded(
    `
    ipv4: 4500 006b 0001 0000 402f f90f c0a8 0001 c0a8 0002
    gre: 1000 22eb 0000 0001
    erspan: 2064 0001 0000 0000 0000 0001 0000 0000 0000 0000
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1 > 192.168.0.2: GREv0, seq 1, proto unknown (0x88be), length 75:
// gre-proto-0x88be
test('erspan: an unknown version', () => {
  expectDecoded(
    `
    ipv4: 4500 005f 0001 0000 402f f91b c0a8 0001 c0a8 0002
    gre: 1000 88be 0000 0001
    erspan: 5064 0001 0000 0000
    ethernet: 0200 0000 0004 0200 0000 0003 0800
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
