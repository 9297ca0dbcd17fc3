import { describe, expect, test } from 'vitest'
import { type PcapRecord, pcapFile, pcapngFile } from '../../test/helpers/pcap-writer.ts'
import { faultNames, readCapture } from '../../test/helpers/read-capture.ts'

const T0 = 1_700_000_000_000_000_000n

function records(startMs: number, count: number, stepMs = 1): PcapRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    timeNs: T0 + BigInt(startMs + i * stepMs) * 1_000_000n,
    data: Uint8Array.from({ length: 30 }, (_, j) => (startMs + i + j) & 255),
  }))
}

describe('several captures', () => {
  test('pieces of a ring buffer are joined by time, whatever their order', async () => {
    const files = [records(200, 100), records(0, 100), records(100, 100)]
    const read = await readCapture(files.map((piece) => pcapFile({ records: piece })))
    expect(read.records.map(({ timeNs }) => timeNs)).toEqual(
      records(0, 300).map(({ timeNs }) => timeNs),
    )
    expect(read.records.map(({ source }) => source)).toEqual(
      [1, 2, 0].flatMap((source) => new Array(100).fill(source)),
    )
    expect(read.records.map(({ frame }) => frame).slice(98, 102)).toEqual([99, 100, 1, 2])
    expect(faultNames(read)).toEqual([])
  })

  test('captures that overlap are merged by time, record by record', async () => {
    const even = records(0, 5000, 2)
    const odd = records(1, 300, 2)
    const rare = records(77, 7, 1000)
    const read = await readCapture([
      pcapFile({ records: even }),
      pcapngFile({ tsresol: 9, records: odd }),
      pcapFile({ ns: true, records: rare }),
    ])
    expect(read.records.length).toBe(5307)
    expect(
      read.records.every(({ timeNs }, i) => i === 0 || timeNs >= read.records[i - 1]!.timeNs),
    ).toBe(true)
    for (const [source, wanted] of [even, odd, rare].entries()) {
      const own = read.records.filter((record) => record.source === source)
      expect(own.map(({ frame }) => frame)).toEqual(wanted.map((_, i) => i + 1))
      expect(own.every(({ data }, i) => Buffer.compare(data, wanted[i]!.data) === 0)).toBe(true)
    }
  })

  test('an empty capture among others does no harm', async () => {
    const read = await readCapture([
      pcapFile({ records: [] }),
      pcapFile({ records: records(0, 3) }),
    ])
    expect(read.records.map(({ source }) => source)).toEqual([1, 1, 1])
  })

  test('an empty file among others is named, and all of them are still refused', async () => {
    const nothing = new Uint8Array(0)
    const read = await readCapture([nothing, pcapFile({ records: records(0, 3) }), nothing])
    expect(read.records.map(({ source }) => source)).toEqual([1, 1, 1])
    expect(faultNames(read)).toEqual(['empty-file', 'empty-file'])
    await expect(readCapture([nothing, nothing])).rejects.toMatchObject({ code: 'CAPTURE_EMPTY' })
  })

  test('the same capture twice is named, two of the same traffic are not', async () => {
    const once = pcapFile({ records: records(0, 20) })
    expect(faultNames(await readCapture([once, once.slice()]))).toEqual(['same-file-twice'])
    const other = pcapFile({ records: records(1, 20) })
    expect(faultNames(await readCapture([once, other]))).toEqual([])
  })
})

test('text of tcpdump that PowerShell saved in UTF-16 is read, wherever its octets are cut', async () => {
  const lines = Array.from(
    { length: 40 },
    (_, i) =>
      `12:00:00.${100_000 + i} IP 10.0.0.1.4${1000 + i} > 10.0.0.2.80: Flags [S], seq ${i}, win 100, length 0\r\n`,
  ).join('')
  const octets = new Uint8Array(Buffer.from(`\ufeff${lines}\u2026\r\n`, 'utf16le'))
  const plain = await readCapture([new TextEncoder().encode(lines)])
  expect(plain.records).toHaveLength(40)
  for (const chunkOctets of [7, 64, 1000]) {
    const { records } = await readCapture([octets], { chunkOctets })
    expect(records).toEqual(plain.records)
  }
})

describe('what is no capture', () => {
  const text = (value: string) => new TextEncoder().encode(value)
  const table = [
    { name: 'nothing', octets: text(''), code: 'CAPTURE_EMPTY', says: 'is empty' },
    {
      name: 'an ELF file',
      octets: text('\x7fELF\x02\x01\x01'),
      code: 'CAPTURE_UNKNOWN_FORMAT',
      says: 'ELF',
    },
    { name: 'a PDF', octets: text('%PDF-1.7\n'), code: 'CAPTURE_UNKNOWN_FORMAT', says: 'PDF' },
    { name: 'a zip', octets: text('PK\x03\x04xxxx'), code: 'CAPTURE_UNKNOWN_FORMAT', says: 'zip' },
    {
      name: 'bzip2',
      octets: text('BZh91AY'),
      code: 'CAPTURE_UNSUPPORTED_COMPRESSION',
      says: 'bzip2',
    },
    {
      name: 'a capture that came through the > of PowerShell',
      octets: new Uint8Array(
        Buffer.from('\ufeff\u2558\u251c\u2593\u00ed\u0002\0\u0004\0', 'utf16le'),
      ),
      code: 'CAPTURE_UNKNOWN_FORMAT',
      says: 'UTF-16',
    },
    { name: 'prose', octets: text('hello\n'), code: 'CAPTURE_UNKNOWN_FORMAT', says: 'is text' },
    {
      name: 'octets',
      octets: Uint8Array.of(1, 0, 2, 0),
      code: 'CAPTURE_UNKNOWN_FORMAT',
      says: '01 00 02 00',
    },
  ]
  for (const { name, octets, code, says } of table) {
    test(`${name} is refused with one clear sentence`, async () => {
      await expect(readCapture([octets])).rejects.toMatchObject({
        name: 'TcpwhyError',
        code,
        message: expect.stringContaining(says),
        todo: expect.stringMatching(/\.$/),
      })
    })
  }
})
