import { describe, expect, test } from 'vitest'
import { octets } from '../../test/helpers/decode-record.ts'
import { FAULT_BAD_OPTION, Packet, SYN } from './packet.ts'
import { readTcpOptions } from './tcp-options.ts'

function read(text: string, { flags = 0, cut = false } = {}): Packet {
  const bytes = octets(text)
  const packet = new Packet()
  packet.flags = flags
  const view = new DataView(bytes.buffer)
  readTcpOptions(view, bytes, 0, bytes.length, cut, packet)
  return packet
}

// The print of each is tcpdump's, in a segment made around these octets.
describe('tcp options', () => {
  const understood: { name: string; text: string; flags?: number; seen: Partial<Packet> }[] = [
    {
      name: 'mss 1460,sackOK,TS val 4294967295 ecr 7,nop,wscale 14',
      text: '020405b4 0402 080affffffff00000007 01 03030e',
      flags: SYN,
      seen: {
        mss: 1460,
        sackPermitted: 1,
        hasTimestamps: 1,
        tsVal: -1,
        tsEcr: 7,
        windowScale: 14,
        rare: 1,
      },
    },
    {
      name: 'wscale 255: used as 14, RFC 7323 §2.3',
      text: '0303ff',
      flags: SYN,
      seen: { windowScale: 14 },
    },
    {
      name: 'mss, wscale and sackOK outside a SYN mean nothing',
      text: '020405b4 0402 030307',
      seen: { mss: -1, sackPermitted: 0, windowScale: -1, rare: 0 },
    },
    {
      name: 'nop,nop,sack 2 {100:200}{300:400}',
      text: '0101 0512 00000064000000c8 0000012c00000190',
      seen: { sackBlocks: 2, sackLeft: 100, sackRight: 200, sackHighest: 400 },
    },
    {
      name: 'nop,nop,sack 2 {4294967040:16}{4294966784:4294966912}: the highest edge lies behind the wrap',
      text: '0101 0512 ffffff0000000010 fffffe00fffffe80',
      seen: { sackBlocks: 2, sackLeft: -256, sackRight: 16, sackHighest: 16 },
    },
    { name: 'tfo cookiereq', text: '2202 0101', flags: SYN, seen: { fastOpenCookie: 0 } },
    {
      name: 'tfo cookie 0102030405060708',
      text: '220a 0102030405060708',
      flags: SYN,
      seen: { fastOpenCookie: 8 },
    },
    {
      name: 'exp-tfo cookie 01020304',
      text: 'fe08 f989 01020304',
      flags: SYN,
      seen: { fastOpenCookie: 4 },
    },
    {
      name: 'an experiment of somebody else',
      text: 'fe06 1234 0000',
      seen: { fastOpenCookie: -1, rare: 0 },
    },
    { name: 'mptcp capable', text: '1e04 0181', flags: SYN, seen: { mptcp: 1 } },
    {
      name: 'md5, then TS val 1 ecr 2',
      text: `1312 ${'ab'.repeat(16)} 0101 080a0000000100000002`,
      seen: { hasTimestamps: 1, tsVal: 1, tsEcr: 2 },
    },
    {
      name: 'tcp-ao, then TS val 1 ecr 2',
      text: `1d10 0102 ${'ab'.repeat(12)} 080a0000000100000002`,
      seen: { hasTimestamps: 1, tsVal: 1, tsEcr: 2 },
    },
    {
      name: 'what stands behind the end of the list is padding',
      text: '00 080a0000000100000002',
      seen: { hasTimestamps: 0 },
    },
  ]
  test.each(understood)('$name', ({ text, flags, seen }) => {
    expect(read(text, { flags: flags ?? 0 })).toMatchObject({ ...seen, fault: 0 })
  })

  const malformed: { name: string; text: string; flags?: number }[] = [
    { name: 'length 0', text: '0101 0800' },
    { name: 'length 1', text: '0101 fd01' },
    { name: 'longer than the list', text: '080a 00000001' },
    { name: 'no length', text: '010108' },
    { name: 'timestamps of 9', text: '0809 00000000000000 01' },
    { name: 'mss of 3', text: '020305 01', flags: SYN },
    { name: 'window scale of 4', text: '03040700', flags: SYN },
    { name: 'sack-permitted of 3', text: '040300 01', flags: SYN },
    { name: 'sack without a block', text: '0502' },
    { name: 'sack of a block and a half', text: '050e 00000001000000020000000300' },
    { name: 'mptcp of 2', text: '1e02' },
  ]
  test.each(malformed)('malformed: $name', ({ text, flags }) => {
    expect(read(text, { flags: flags ?? 0 })).toMatchObject({ fault: FAULT_BAD_OPTION, rare: 1 })
  })

  test('a malformed option ends the reading, what stood before it is kept', () => {
    const broken = read('020405b4 0304 0700 080a0000000100000002', { flags: SYN })
    expect(broken).toMatchObject({ mss: 1460, windowScale: -1, hasTimestamps: 0 })
    expect(broken.fault).toBe(FAULT_BAD_OPTION)
  })

  test('an option that the snap length cut is not malformed, what stood before it is kept', () => {
    const packet = read('020405b4 080a 0000', { flags: SYN, cut: true })
    expect(packet).toMatchObject({ mss: 1460, hasTimestamps: 0, fault: 0 })
  })
})
