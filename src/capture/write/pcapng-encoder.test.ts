import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCapture } from '../../../test/helpers/read-capture.ts'
import { PcapngEncoder } from './pcapng-encoder.ts'

const NANO = 1_800_000_000_123_456_789n

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}

function file(build: (encoder: PcapngEncoder) => void): Uint8Array {
  const encoder = new PcapngEncoder(64)
  encoder.section({ application: 'tcpwhy' })
  encoder.interface({ link: 1, snapLen: 160, name: 'eth0' })
  encoder.setOrigin(NANO)
  build(encoder)
  return encoder.take().slice()
}

const whole = (bytes: Uint8Array) => ({
  bytes,
  start: 0,
  capLen: bytes.length,
  wireLen: bytes.length,
})

describe('octet for octet (draft-ietf-opsawg-pcapng-03)', () => {
  test('section header', () => {
    const encoder = new PcapngEncoder()
    encoder.section({ hardware: 'x64', os: 'Linux', application: 'me', comments: ['hi!'] })
    expect(hex(encoder.take())).toBe(
      '0a0d0d0a440000004d3c2b1a01000000ffffffffffffffff' +
        '0100030068692100' +
        '0200030078363400' +
        '030005004c696e7578000000' +
        '040002006d650000' +
        '0000000044000000',
    )
  })

  test('interface description: nanoseconds, name, filter', () => {
    const encoder = new PcapngEncoder()
    encoder.interface({ link: 276, snapLen: 160, name: 'lo', filter: 'tcp' })
    expect(hex(encoder.take())).toBe(
      '01000000300000001401' +
        '0000a0000000' +
        '020002006c6f0000' +
        '0900010009000000' +
        '0b00040000746370' +
        '0000000030000000',
    )
  })

  test('packet: time in two halves, padding, and no options', () => {
    const encoder = new PcapngEncoder()
    encoder.setOrigin(0x1_ffff_fff0n)
    encoder.packet(2, 0x20, { ...whole(Uint8Array.of(0xaa, 0xbb, 0xcc)), wireLen: 60 })
    expect(hex(encoder.take())).toBe(
      '0600000024000000020000000200000010000000' + '030000003c000000aabbcc0024000000',
    )
  })

  test('packet with a comment', () => {
    const encoder = new PcapngEncoder()
    encoder.packet(0, 0, whole(Uint8Array.of(1, 2, 3, 4)), 'RST')
    expect(hex(encoder.take())).toBe(
      '06000000300000000000000000000000000000000400000004000000' +
        '01020304' +
        '0100030052535400' +
        '0000000030000000',
    )
  })

  test('statistics: what is not known is left out', () => {
    const encoder = new PcapngEncoder()
    encoder.statistics(0, {
      startNs: 1n,
      endNs: 2n ** 32n,
      received: 5_000_000_000,
      droppedByInterface: null,
      droppedBySystem: 7,
      delivered: null,
    })
    expect(hex(encoder.take())).toBe(
      '050000004c000000000000000100000000000000' +
        '02000800' +
        '0000000001000000' +
        '03000800' +
        '0100000000000000' +
        '04000800' +
        '00f2052a01000000' +
        '07000800' +
        '0700000000000000' +
        '000000004c000000',
    )
  })
})

describe('our own reader gets back what was written', () => {
  test('times, lengths, octets, interface and losses', async () => {
    const bytes = file((encoder) => {
      encoder.packet(0, 0, { bytes: Uint8Array.of(9, 1, 2, 9), start: 1, capLen: 2, wireLen: 1500 })
      encoder.packet(0, 5e15, whole(new Uint8Array(160).fill(7)), 'the trigger')
      encoder.statistics(0, {
        startNs: NANO,
        endNs: NANO,
        received: 12,
        droppedByInterface: 1,
        droppedBySystem: 2,
        delivered: 9,
      })
    })
    const { records, sources } = await readCapture([bytes])
    expect(records.map(({ timeNs, wireLen, data }) => [timeNs, wireLen, hex(data)])).toEqual([
      [NANO, 1500, '0102'],
      [NANO + 5_000_000_000_000_000n, 160, '07'.repeat(160)],
    ])
    expect(sources[0]).toMatchObject({
      format: 'pcapng',
      interfaces: [{ name: 'eth0', link: 1, dropped: 3, received: 12 }],
      comments: [{ frame: 2, text: 'the trigger' }],
      faults: [],
    })
  })

  test('any packets, in pieces of any size', async () => {
    const packet = fc.record({
      tNs: fc.integer({ min: -1_000_000_000, max: 2 ** 40 }),
      data: fc.uint8Array({ maxLength: 300 }),
      more: fc.nat(2000),
      comment: fc.option(fc.string({ minLength: 1, maxLength: 50 }).filter(isPlain)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 20 }), async (packets) => {
        const bytes = file((encoder) => {
          for (const { tNs, data, more, comment } of packets) {
            const wireLen = data.length + more
            encoder.packet(0, tNs, { ...whole(data), wireLen }, comment ?? undefined)
          }
        })
        const { records, sources } = await readCapture([bytes], { stepOctets: 97 })
        expect(records.map(({ timeNs, data, wireLen }) => [timeNs, hex(data), wireLen])).toEqual(
          packets.map(({ tNs, data, more }) => [NANO + BigInt(tNs), hex(data), data.length + more]),
        )
        expect(sources[0]!.comments.map(({ text }) => text)).toEqual(
          packets.flatMap(({ comment }) => comment ?? []),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('a text that is longer than an option can be is cut between characters', async () => {
    const bytes = file((encoder) => {
      encoder.packet(0, 0, whole(Uint8Array.of(1)), 'é'.repeat(40_000))
      encoder.packet(0, 1, whole(Uint8Array.of(2)))
    })
    const { records, sources } = await readCapture([bytes])
    expect(records).toHaveLength(2)
    expect(sources[0]!.faults).toEqual([])
  })
})

function isPlain(text: string): boolean {
  return !text.includes('\0') && !/[\ud800-\udfff]/.test(text)
}
