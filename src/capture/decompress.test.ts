import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  lz4ChecksumPacked,
  lz4LinkedPacked,
  zstdPacked,
} from '../../test/helpers/packed-captures.ts'
import { pcapFile } from '../../test/helpers/pcap-writer.ts'
import { faultNames, type ReadCapture, readCapture } from '../../test/helpers/read-capture.ts'
import { repetitiveRecords } from '../../test/helpers/repetitive-records.ts'
import { memorySource } from './byte-source.ts'
import { decompressed, namesCuts } from './decompress.ts'

const records = repetitiveRecords()
const plain = pcapFile({ records })
const packings: readonly (readonly [string, Uint8Array])[] = [
  ['gzip', gzipSync(plain)],
  ['lz4, linked blocks', lz4LinkedPacked],
  ['lz4, block checksums', lz4ChecksumPacked],
  ['zstd', zstdPacked],
]

describe('compressed captures', () => {
  for (const [kind, bytes] of packings) {
    test(`${kind}: the same records as without it`, async () => {
      const read = await readCapture([bytes], { chunkOctets: 10_000, stepOctets: 777 })
      expect(read.records.length).toBe(records.length)
      expect(sameAsWritten(read)).toBe(true)
      expect(read.sources[0]).toMatchObject({ format: 'pcap', compression: kind.split(',')[0] })
      expect(faultNames(read).filter((name) => name !== 'checksum-not-verified')).toEqual([])
    })

    test(`${kind}: cut anywhere, what came before the cut is read and the cut is named`, async () => {
      let most = 0
      for (let cut = 20; cut < bytes.length; cut += Math.ceil(bytes.length / 100)) {
        const read = await readCapture([bytes.subarray(0, cut)]).catch((cause) => cause)
        if (read instanceof Error) {
          // So little came through that there is no capture yet.
          expect(read).toMatchObject({ code: 'CAPTURE_UNREADABLE' })
          continue
        }
        const { length } = read.records
        expect(length).toBeGreaterThanOrEqual(most)
        most = length
        expect(sameAsWritten(read)).toBe(true)
        expect(faultNames(read)).toContain('cut-compression')
      }
      expect(most).toBeGreaterThan(500)
    })

    test(`${kind}: flipped octets never throw, loop or run away`, async () => {
      for (let at = 12; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
        const broken = Uint8Array.from(bytes)
        broken[at] = broken[at]! ^ 0xff
        const read = await readCapture([broken]).catch((cause) => cause)
        if (read instanceof Error) expect(read.name).toBe('TcpwhyError')
        else expect(read.records.length).toBeLessThanOrEqual(100_000)
      }
    })
  }

  test('gzip: members one after the other are one file', async () => {
    const half = Math.trunc(plain.length / 2)
    const parts = [gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))]
    const read = await readCapture([Buffer.concat(parts)])
    expect(read.records.length).toBe(1500)
    expect(faultNames(read)).toEqual([])
  })

  test('gzip: what is behind the end costs no packet', async () => {
    const read = await readCapture([Buffer.concat([gzipSync(plain), Buffer.alloc(700, 'x')])])
    expect(records.length - read.records.length).toBeLessThan(20)
    expect(faultNames(read)).toContain('corrupt-compression')
  })

  test.each([
    ['zstd', zstdPacked],
    ['lz4', lz4LinkedPacked],
  ] as const)(
    '%s: frames to be passed over may come first, as pzstd writes them',
    async (_, bytes) => {
      const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4)
      const read = await readCapture([Buffer.concat([skipped, skipped, bytes])])
      expect(read.records.length).toBe(records.length)
      expect(sameAsWritten(read)).toBe(true)
    },
  )

  test('zstd: a bomb of repeated octets is unpacked bit by bit', async () => {
    // One frame of 20,000 blocks of 4 octets that are 128 KiB each: 2.6 GB of 80 kB.
    const head = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38)
    const block = Buffer.of(0x02, 0x00, 0x10, 0)
    const bomb = Buffer.concat([head, ...new Array<Buffer>(20_000).fill(block)])
    let given = 0
    const source = await decompressed('zstd', memorySource(bomb), () => {})
    const into = new Uint8Array(1 << 16)
    const before = process.memoryUsage.rss()
    while (given < 4_000_000) given += await source.read(into)
    expect(process.memoryUsage.rss() - before).toBeLessThan(400e6)
    await source.close()
  })

  test.each([
    ['lz4', lz4LinkedPacked, /ends within its first block, of which no tool can unpack a part/],
    ['zstd', zstdPacked, /ends within its first block, of which no tool can unpack a part/],
    ['gzip', gzipSync(plain), /ends too early: the file was cut/],
  ] as const)(
    '%s: cut before anything can be unpacked, and said why there is nothing',
    async (_, bytes, why) => {
      const read = readCapture([bytes.subarray(0, 19)])
      await expect(read).rejects.toMatchObject({
        code: 'CAPTURE_UNREADABLE',
        message: expect.stringMatching(why),
      })
    },
  )

  test('zstd: a window that nobody needs is refused', async () => {
    const head = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xf0, ...new Array(40).fill(0))
    await expect(readCapture([head])).rejects.toMatchObject({ code: 'CAPTURE_UNREADABLE' })
  })

  test('zstd of a Node that takes what was cut for whole is not used', () => {
    const atTheCut = () => {
      throw new Error('unexpected end of file')
    }
    expect(namesCuts(atTheCut)).toBe(true)
    // As in Node 22.23 and 25.9: nothing comes out, and nobody says why.
    expect(namesCuts(() => new Uint8Array(0))).toBe(false)
  })
})

/** Octet by octet, without the test library's own comparison: it takes minutes over all cuts. */
function sameAsWritten(read: ReadCapture): boolean {
  return read.records.every(({ data }, i) => Buffer.compare(data, records[i]!.data) === 0)
}
