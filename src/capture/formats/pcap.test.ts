import { describe, expect, test } from 'vitest'
import { type PcapRecord, pcapFile } from '../../../test/helpers/pcap-writer.ts'
import { faultNames, readCapture } from '../../../test/helpers/read-capture.ts'

const T0 = 1_700_000_000_123_456_000n

function records(count: number, octets = 20): PcapRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    timeNs: T0 + BigInt(i) * 1_001_000n,
    data: Uint8Array.from({ length: octets + (i % 7) }, (_, j) => (i * 31 + j) & 255),
    wireLen: 1000 + i,
  }))
}

describe('pcap', () => {
  for (const ns of [false, true]) {
    for (const bigEndian of [false, true]) {
      test(`reads ${ns ? 'nano' : 'micro'}seconds, ${bigEndian ? 'big' : 'little'} endian`, async () => {
        const wanted = records(50)
        const read = await readCapture([pcapFile({ ns, bigEndian, records: wanted })])
        expect(
          read.records.map(({ timeNs, data, wireLen }) => ({ timeNs, data, wireLen })),
        ).toEqual(wanted)
        expect(read.records.map((record) => record.frame)).toEqual(wanted.map((_, i) => i + 1))
        expect(faultNames(read)).toEqual([])
        expect(read.sources[0]).toMatchObject({ format: 'pcap', records: 50, snapLen: 262_144 })
      })
    }
  }

  test('nanoseconds are kept to the last one', async () => {
    const data = new Uint8Array(20)
    const times = [T0 + 1n, T0 + 999n, T0 + 86_400_000_000_001n]
    const file = pcapFile({ ns: true, records: times.map((timeNs) => ({ timeNs, data })) })
    const read = await readCapture([file])
    expect(read.records.map((record) => record.timeNs)).toEqual(times)
  })

  test('the modified format of 1999 has longer record headers', async () => {
    const wanted = records(9)
    const read = await readCapture([pcapFile({ magic: 0xa1b2cd34, records: wanted })])
    expect(read.records.map((record) => record.data)).toEqual(wanted.map((record) => record.data))
  })

  test('chunk edges at any octet change nothing', async () => {
    const wanted = records(40)
    const file = pcapFile({ records: wanted })
    for (let stepOctets = 1; stepOctets < 90; stepOctets++) {
      const read = await readCapture([file], { chunkOctets: 64, stepOctets })
      expect(read.records.map((record) => record.data)).toEqual(wanted.map((record) => record.data))
    }
  })

  test('more records than a batch holds, larger than a chunk', async () => {
    const wanted = records(9000, 3)
    wanted.push({ timeNs: T0 + 10_000_000_000n, data: new Uint8Array(200_000).fill(7) })
    wanted.push({ timeNs: T0 + 10_000_000_000n, data: new Uint8Array(262_144).fill(8) })
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records.length).toBe(9002)
    expect(read.records[9001]).toMatchObject({ frame: 9002, wireLen: 262_144 })
    expect(read.records[9001]!.data.every((octet) => octet === 8)).toBe(true)
  })

  test('the frame check sequence bits are not part of the link type', async () => {
    const read = await readCapture([pcapFile({ link: 0x2400_0071, records: records(1) })])
    expect(read.records[0]!.link).toBe(113)
  })

  test('the old numbers of raw IP become LINKTYPE_RAW', async () => {
    const read = await readCapture([pcapFile({ link: 12, records: records(1) })])
    expect(read.records[0]!.link).toBe(101)
  })

  test('a length on the wire below the captured one is raised and named', async () => {
    const file = pcapFile({ records: [{ timeNs: T0, data: new Uint8Array(60), wireLen: 40 }] })
    const read = await readCapture([file])
    expect(read.records[0]!.wireLen).toBe(60)
    expect(faultNames(read)).toEqual(['bad-wire-length'])
  })

  test('files written one behind the other are all read, of whatever flavour, cut at any octet', async () => {
    const all = records(6)
    const parts = [
      pcapFile({ records: all.slice(0, 3) }),
      pcapFile({ records: all.slice(3, 5), bigEndian: true, ns: true, link: 101 }),
      pcapFile({ records: [] }),
      pcapFile({ records: all.slice(5, 6), link: 113 }),
    ]
    const whole = Buffer.concat(parts)
    const read = await readCapture([whole], { chunkOctets: 50 })
    expect(read.records.map(({ data }) => data)).toEqual(all.map(({ data }) => data))
    expect(read.records.map(({ link }) => link)).toEqual([1, 1, 1, 101, 101, 113])
    expect(faultNames(read)).toEqual(['appended-file'])
    for (let cut = 24; cut < whole.length; cut++) {
      const some = await readCapture([whole.subarray(0, cut)])
      expect(some.records.every(({ data }, i) => Buffer.compare(data, all[i]!.data) === 0)).toBe(
        true,
      )
    }
  })

  test('an absurd record length loses that record only', async () => {
    const wanted = records(30)
    wanted[10] = { ...wanted[10]!, capLen: 0x7fff_ffff }
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records.length).toBe(29)
    expect(read.records.at(-1)!.data).toEqual(wanted[29]!.data)
    expect(read.sources[0]!.faults).toMatchObject([{ name: 'bad-record-length', frame: 10 }])
  })

  test('a wrong length that reaches beyond the end loses that record only', async () => {
    const wanted = records(30)
    wanted[10] = { ...wanted[10]!, capLen: 200_000, wireLen: 200_000 }
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records.length).toBe(29)
    expect(faultNames(read)).toEqual(['bad-record-length'])
  })

  test('of two contradicting lengths the one is taken behind which a record begins', async () => {
    const wanted = records(30)
    wanted[10] = { ...wanted[10]!, capLen: 90, wireLen: wanted[10]!.data.length }
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records.map(({ data }) => data)).toEqual(wanted.map(({ data }) => data))
    expect(faultNames(read)).toEqual(['bad-wire-length'])
  })

  test('after an absurd record length in front of rubbish, what came before is kept', async () => {
    const wanted = records(5)
    wanted.push({ timeNs: T0, data: new Uint8Array(5000).fill(0xee), capLen: 0xffff_ffff })
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records.length).toBe(5)
    expect(faultNames(read)).toEqual(['bad-record-length', 'lost-step'])
  })

  test('a clock that goes backwards is named once and counted', async () => {
    const wanted = records(6)
    wanted[3] = { ...wanted[3]!, timeNs: T0 - 5_000_000_000n }
    const read = await readCapture([pcapFile({ records: wanted })])
    expect(read.records[3]!.timeNs).toBe(T0 - 5_000_000_000n)
    expect(read.sources[0]!.faults).toMatchObject([{ name: 'clock-backwards', frame: 3, count: 1 }])
  })

  test('a file without records is healthy and empty', async () => {
    const read = await readCapture([pcapFile({ records: [] })])
    expect(read.records).toEqual([])
    expect(faultNames(read)).toEqual([])
  })

  test('a file cut at any octet gives everything before the cut', async () => {
    const wanted = records(12)
    const file = pcapFile({ records: wanted })
    const ends = [24]
    for (const { data } of wanted) ends.push(ends.at(-1)! + 16 + data.length)
    for (let cut = 4; cut < file.length; cut++) {
      const read = await readCapture([file.subarray(0, cut)], { chunkOctets: 50 })
      expect(read.records.length).toBe(Math.max(0, ends.filter((end) => end <= cut).length - 1))
      const faults = cut < 24 ? ['cut-header'] : ends.includes(cut) ? [] : ['cut-record']
      expect(faultNames(read)).toEqual(faults)
    }
  })
})
