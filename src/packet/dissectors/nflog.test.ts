import { test } from 'vitest'
import { tcpInIpv4 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: version 0, resource ID 1, family IPv4 (2), length 72: 10.0.0.1.40000 > 10.0.0.2.80:
// Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('nflog: packet header and prefix before the payload', () => {
  expectDecoded(
    `
    nflog: 02 00 0001
    attribute: 0800 0100 0800 0100
    prefix: 0500 0a00 0000 0000
    payload: 3100 0900
    ${tcpInIpv4}
    padding: 000000`,
    239,
    seenInIpv4,
  )
})

// tcpdump: version 0, resource ID 1, family IPv4 (2), length 53: 10.0.0.1.40000 > 10.0.0.2.80:
// Flags [P.], seq 1000:1005, ack 2000, win 502, length 5: HTTP
test('nflog: an attribute shorter than its own header', () => {
  expectDecoded(
    `
    nflog: 02 00 0001
    attribute: 0300 0900
    ${tcpInIpv4}`,
    239,
    { kind: KIND_OTHER, fault: 0 },
  )
})
