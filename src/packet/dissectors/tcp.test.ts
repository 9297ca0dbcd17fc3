import { expect, test } from 'vitest'
import { assertBounded, octets } from '../../../test/helpers/decode-record.ts'
import { expectDecoded, seenInIpv4 } from '../../../test/helpers/packets.ts'
import { FAULT_BAD_TCP_OFFSET, FAULT_SHORT_TCP, KIND_TCP, KIND_UNREADABLE, SYN } from '../packet.ts'

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss
// 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0
test('tcp: the options of a SYN', () => {
  expectDecoded(
    `
    ipv4: 4500 003c 1234 4000 4006 1486 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 0000 a002 faf0 9893 0000 0204 05b4 0402 080a 0000 0001
         0000 0000 0103 0307`,
    101,
    {
      kind: KIND_TCP,
      flags: SYN,
      wnd: 64240,
      dataLen: 0,
      optionsLen: 20,
      mss: 1460,
      windowScale: 7,
      sackPermitted: 1,
      hasTimestamps: 1,
      tsVal: 1,
      tsEcr: 0,
      fault: 0,
    },
  )
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss
// 1460,sackOK, [|tcp]
test('tcp: a SYN whose options the snap length cut: those that are there are read', () => {
  const packet = assertBounded(
    octets(`
    ipv4: 4500 003c 1234 4000 4006 1486 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 0000 a002 faf0 9893 0000 0204 05b4 0402`),
    { link: 101, wireLen: 60 },
  )
  expect(packet).toMatchObject({
    kind: KIND_TCP,
    optionsLen: -1,
    mss: 1460,
    sackPermitted: 1,
    windowScale: -1,
    hasTimestamps: 0,
    dataLen: 0,
    dataCap: 0,
    fault: 0,
  })
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:2005, ack 2000, win 502,
// length 1005: HTTP
test('tcp: payload that the snap length cut', () => {
  const packet = assertBounded(
    octets(`
    ipv4: 4500 0415 1234 4000 4006 10ad 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6 092c 0000
    data: 6865 6c6c 6f`),
    { link: 101, wireLen: 1045 },
  )
  expect(packet).toMatchObject({ ...seenInIpv4, dataLen: 1005, dataStart: 40, dataCap: 5 })
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: [|tcp]
test('tcp: cut behind the window: all that matters is there', () => {
  const packet = assertBounded(
    octets(`
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01f6`),
    { link: 101, wireLen: 45 },
  )
  expect(packet).toMatchObject({ ...seenInIpv4, optionsLen: 0, dataCap: 0 })
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: [|tcp]
test('tcp: cut before the window', () => {
  const packet = assertBounded(
    octets(`
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 5018 01`),
    { link: 101, wireLen: 45 },
  )
  expect(packet).toMatchObject({
    kind: KIND_UNREADABLE,
    srcPort: 40000,
    dstPort: 80,
    fault: FAULT_SHORT_TCP,
  })
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: tcp 9 [bad hdr length 16 - too short, < 20]
test('tcp: a header length below 20', () => {
  expectDecoded(
    `
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 4018 01f6 bdb4 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_UNREADABLE, srcPort: 40000, seq: 1000, fault: FAULT_BAD_TCP_OFFSET },
  )
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.] [bad hdr length 60 - too long, > 25]
test('tcp: a header longer than its packet', () => {
  expectDecoded(
    `
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 0000 03e8 0000 07d0 f018 01f6 0db4 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_UNREADABLE, srcPort: 40000, seq: 1000, fault: FAULT_BAD_TCP_OFFSET },
  )
})

// tcpdump: IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [FSRP.UEW], seq 4294967294:3, ack 2147483648,
// win 65535, urg 0, length 5: HTTP
test('tcp: every flag, and numbers beyond 2^31', () => {
  expectDecoded(
    `
    ipv4: 4500 002d 1234 4000 4006 1495 0a00 0001 0a00 0002
    tcp: 9c40 0050 ffff fffe 8000 0000 50ff ffff 3a7c 0000
    data: 6865 6c6c 6f`,
    101,
    { kind: KIND_TCP, flags: 0xff, seq: -2, ack: 0x80000000 | 0, wnd: 65535, dataLen: 5 },
  )
})
