import { describe, expect, test } from 'vitest'
import { PcapngWriter, type PcapRecord, pcapngFile } from '../../../test/helpers/pcap-writer.ts'
import { faultNames, readCapture } from '../../../test/helpers/read-capture.ts'

const T0 = 1_700_000_000_123_456_000n

function record(i: number, about: Partial<PcapRecord> = {}): PcapRecord {
  const data = Uint8Array.from({ length: 20 + (i % 7) }, (_, j) => (i * 31 + j) & 255)
  return { timeNs: T0 + BigInt(i) * 1_001_000n, data, wireLen: 1000 + i, ...about }
}

const records = (count: number) => Array.from({ length: count }, (_, i) => record(i))

describe('pcapng', () => {
  for (const bigEndian of [false, true]) {
    test(`enhanced packets, ${bigEndian ? 'big' : 'little'} endian`, async () => {
      const wanted = records(50)
      const read = await readCapture([pcapngFile({ bigEndian, snapLen: 128, records: wanted })])
      expect(read.records.map(({ timeNs, data, wireLen }) => ({ timeNs, data, wireLen }))).toEqual(
        wanted,
      )
      expect(read.records.map(({ frame }) => frame)).toEqual(wanted.map((_, i) => i + 1))
      expect(faultNames(read)).toEqual([])
      expect(read.sources[0]).toMatchObject({ format: 'pcapng', records: 50, snapLen: 128 })
    })
  }

  test('sections of both byte orders, each with its own interfaces', async () => {
    const file = new PcapngWriter()
      .section()
      .interface({ link: 113 })
      .packet(0, record(0))
      .section({ bigEndian: true })
      .interface({ link: 101, name: 'tun0' })
      .packet(0, record(1))
      .done()
    const read = await readCapture([file])
    expect(read.records.map(({ link, timeNs }) => [link, timeNs])).toEqual([
      [113, record(0).timeNs],
      [101, record(1).timeNs],
    ])
    expect(read.sources[0]!.interfaces.map(({ name, link }) => [name, link])).toEqual([
      [null, 113],
      ['tun0', 101],
    ])
  })

  test('interfaces of one section differ in link type, resolution and offset', async () => {
    const times = [T0 + 7_000n, T0 + 1_000_000_011n, T0 + 2_000_000_000n, T0 + 2_500_000_000n]
    const file = new PcapngWriter()
      .section()
      .interface({ link: 1 })
      .interface({ link: 101, tsresol: 9 })
      .interface({ link: 276, tsresol: 0x80 | 20, tsoffset: 1_600_000_000 })
      .interface({ link: 0, tsresol: 12, tsoffset: 1_700_000_000 })
      .packet(0, record(0, { timeNs: times[0]! }))
      .packet(1, record(1, { timeNs: times[1]! }))
      .packet(2, record(2, { timeNs: times[2]! }))
      .packet(3, record(3, { timeNs: times[3]! }))
      .done()
    const read = await readCapture([file])
    expect(read.records.map(({ link }) => link)).toEqual([1, 101, 276, 0])
    expect(read.records.map(({ timeNs }) => timeNs).filter((_, i) => i !== 2)).toEqual(
      times.filter((_, i) => i !== 2),
    )
    // 2^-20 s is 954 ns: the writer already rounded down to it.
    expect(Math.abs(Number(read.records[2]!.timeNs - times[2]!))).toBeLessThan(1000)
  })

  test('simple and obsolete packet blocks', async () => {
    const file = new PcapngWriter()
      .section()
      .interface({ snapLen: 24 })
      .packet(0, record(1), { old: true })
      .simplePacket({ ...record(9), data: record(4).data })
      .packet(0, record(3))
      .done()
    const read = await readCapture([file])
    expect(read.records.map(({ frame, data, timeNs }) => ({ frame, data, timeNs }))).toEqual([
      { frame: 1, data: record(1).data, timeNs: record(1).timeNs },
      { frame: 2, data: record(4).data, timeNs: record(1).timeNs },
      { frame: 3, data: record(3).data, timeNs: record(3).timeNs },
    ])
    expect(faultNames(read)).toEqual(['no-times'])
  })

  test('drops, comments and processes are kept with their frames', async () => {
    const file = new PcapngWriter()
      .section({ comment: 'of the section' })
      .interface({ name: 'eth0' })
      .packet(0, record(0), { pid: 77 })
      .packet(0, record(1), { comment: 'look here', pid: 77 })
      .statistics(0, { received: 1000, dropped: 12 })
      .done()
    const read = await readCapture([file])
    expect(read.sources[0]!.interfaces).toEqual([
      { name: 'eth0', link: 1, dropped: 12, received: 1000 },
    ])
    expect(read.sources[0]!.comments).toEqual([
      { frame: 0, text: 'of the section' },
      { frame: 1, text: 'process 77' },
      { frame: 2, text: 'look here' },
    ])
  })

  test('custom blocks and journal entries count as frames, as they do in Wireshark', async () => {
    const file = new PcapngWriter()
      .section()
      .interface()
      .packet(0, record(0))
      .block(0x0000_0bad, new Uint8Array(20))
      .block(9, new Uint8Array(20))
      .packet(0, record(1))
      .packet(0, record(2))
    const read = await readCapture([file.done()])
    expect(read.records.map(({ frame }) => frame)).toEqual([1, 4, 5])
  })

  test('names, secrets and custom blocks are passed over, large ones too', async () => {
    const large = new Uint8Array(3_000_000).fill(6)
    const file = new PcapngWriter()
      .section()
      .interface()
      .packet(0, record(0))
      .block(4, new Uint8Array(64))
      .block(0x0000_000a, large)
      .block(0x0000_0bad, new Uint8Array(20))
      .block(0x4000_0bad, large)
      .packet(0, record(1))
      .done()
    const read = await readCapture([file])
    expect(read.records.map(({ frame, data }) => [frame, data])).toEqual([
      [1, record(0).data],
      [4, record(1).data],
    ])
    expect(faultNames(read)).toEqual([])
  })

  test('a packet of an interface that nobody described is left out and named', async () => {
    const file = new PcapngWriter().section().interface().packet(5, record(0)).packet(0, record(1))
    const read = await readCapture([file.done()])
    expect(read.records.map(({ data }) => data)).toEqual([record(1).data])
    expect(faultNames(read)).toEqual(['unknown-interface'])
  })

  test('a captured length beyond the block is cut to the block', async () => {
    const file = new PcapngWriter()
      .section()
      .interface()
      .packet(0, record(0, { capLen: 4000, wireLen: 9000 }))
    const read = await readCapture([file.done()])
    expect(read.records[0]!.data.length).toBe(20)
    expect(faultNames(read)).toEqual(['bad-record-length'])
  })

  test('an impossible block length loses that block only', async () => {
    const file = new PcapngWriter().section().interface().packet(0, record(0))
    file.block(6, new Uint8Array(40).fill(0xff), 0xffff_fff0)
    for (let i = 1; i < 5; i++) file.packet(0, record(i))
    const read = await readCapture([file.done()])
    expect(read.records.map(({ data }) => data)).toEqual(records(5).map(({ data }) => data))
    expect(faultNames(read)).toEqual(['bad-block-length'])
  })

  test('two captures of different origin share one time zero', async () => {
    const early = pcapngFile({ records: [record(0), record(1)] })
    const late = pcapngFile({ tsresol: 9, records: [record(5), record(6), record(7)] })
    const read = await readCapture([late, early])
    expect(read.records.map(({ source, timeNs }) => [source, timeNs])).toEqual([
      [1, record(0).timeNs],
      [1, record(1).timeNs],
      [0, record(5).timeNs],
      [0, record(6).timeNs],
      [0, record(7).timeNs],
    ])
  })

  test('chunk edges at any octet change nothing', async () => {
    const wanted = records(20)
    const file = pcapngFile({ records: wanted })
    for (let stepOctets = 1; stepOctets < 90; stepOctets++) {
      const read = await readCapture([file], { chunkOctets: 64, stepOctets })
      expect(read.records.map(({ data }) => data)).toEqual(wanted.map(({ data }) => data))
    }
  })

  test('a file cut at any octet gives everything before the cut', async () => {
    const writer = new PcapngWriter().section().interface({ name: 'eth0', tsresol: 9 })
    for (let i = 0; i < 8; i++) writer.packet(0, record(i), i % 3 === 0 ? { comment: 'x' } : {})
    const file = writer.done()
    const ends = writer.ends()
    for (let cut = 4; cut < file.length; cut++) {
      const read = await readCapture([file.subarray(0, cut)], { chunkOctets: 50 })
      expect(read.records.length).toBe(Math.max(0, ends.filter((end) => end <= cut).length - 2))
      expect(faultNames(read)).toEqual(ends.includes(cut) ? [] : ['cut-record'])
    }
  })
})
