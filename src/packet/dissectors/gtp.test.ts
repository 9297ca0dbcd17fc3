import { test } from 'vitest'
import { tcpInIpv4, tcpInIpv6 } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4, seenInIpv6 } from '../../../test/helpers/packets.ts'
import { KIND_OTHER } from '../packet.ts'

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.2152: UDP, length 53
test('gtp: without optional fields', () => {
  expectDecoded(
    `
    ipv4: 4500 0051 0001 0000 4011 f947 c0a8 0001 c0a8 0002
    udp: d903 0868 003d 0000
    gtp: 30ff 002d 0000 0001
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.2152: UDP, length 77
test('gtp: with a sequence number', () => {
  expectDecoded(
    `
    ipv4: 4500 0069 0001 0000 4011 f92f c0a8 0001 c0a8 0002
    udp: d903 0868 0055 0000
    gtp: 32ff 0045 0000 0001 0001 00 00
    ${tcpInIpv6}`,
    101,
    seenInIpv6,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.2152: UDP, length 61
test('gtp: with the session container of 5G', () => {
  expectDecoded(
    `
    ipv4: 4500 0059 0001 0000 4011 f93f c0a8 0001 c0a8 0002
    udp: d903 0868 0045 0000
    gtp: 34ff 0035 0000 0001 0000 00 85
    extension: 01 1009 00
    ${tcpInIpv4}`,
    101,
    seenInIpv4,
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.2152: UDP, length 61
test('gtp: an extension of length 0', () => {
  expectDecoded(
    `
    ipv4: 4500 0059 0001 0000 4011 f93f c0a8 0001 c0a8 0002
    udp: d903 0868 0045 0000
    gtp: 34ff 0035 0000 0001 0000 00 85
    extension: 00 1009 00
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})

// tcpdump: ip: 192.168.0.1.55555 > 192.168.0.2.2152: UDP, length 53
test('gtp: an echo request', () => {
  expectDecoded(
    `
    ipv4: 4500 0051 0001 0000 4011 f947 c0a8 0001 c0a8 0002
    udp: d903 0868 003d 0000
    gtp: 3001 002d 0000 0001
    ${tcpInIpv4}`,
    101,
    { kind: KIND_OTHER, fault: 0 },
  )
})
