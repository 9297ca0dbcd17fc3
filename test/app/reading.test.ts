import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ConnectionSummary, Report } from '../../src/diagnose/report.ts'
import { built, root, tcpwhy } from '../helpers/built.ts'
import { PcapngWriter, pcapFile } from '../helpers/pcap-writer.ts'
import {
  analyze,
  asWritten,
  conclusions,
  endings,
  folderOfOurOwn,
  own,
  pcapOf,
  recordsOf,
} from './given.ts'

const write = folderOfOurOwn()
const INCIDENT = own('incident/idle-timeout')
const KILLED = own('process-killed/kill-9')

function piped(input: Uint8Array, args: readonly string[]) {
  const done = spawnSync(process.execPath, [built(), ...args], {
    cwd: root,
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return { ...done, report: () => JSON.parse(done.stdout) as Report }
}

/** A FIFO of this name that a child fills with this file. */
function fifo(name: string, path: string): string {
  const place = write(`${name}.placeholder`, '').replace(/placeholder$/, 'fifo')
  execFileSync('mkfifo', [place])
  spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', path, place], { stdio: 'ignore' }).unref()
  return place
}

test('a link type that is not read is named, and the way to one that is', async () => {
  const frames = [1, 2, 3].map((i) => ({
    timeNs: BigInt(i) * 1_000_000_000n,
    data: new Uint8Array(60),
  }))
  const path = write('radio.pcap', pcapFile({ records: frames, link: 105 }))
  const { report } = await analyze([path])
  expect(report.verdict).toBe('inconclusive')
  expect(report.sources[0]!.faults).toMatchObject([
    { name: 'link-type-not-read', text: expect.stringContaining('link type 105') },
  ])
})

describe('a pipe', () => {
  test('is kept for a second look: the ladder is whole', async () => {
    const id = (await analyze([KILLED])).report.connections.listed[3]!.id
    const { ladder } = await analyze([KILLED], { show: id })
    const through = await analyze([fifo('kept', KILLED)], { show: id })
    expect(through.ladder!.omitted).toBe(null)
    expect(through.ladder!.rows).toEqual(ladder!.rows)
  })

  test('larger than what is kept gives the same endings, and a ladder that says what is missing', async () => {
    const path = own('zero-window-stall/server-stops-reading')
    const { report } = await analyze([path])
    const all = (c: ConnectionSummary) => c.packets.client + c.packets.server
    const longest = report.connections.listed.toSorted((a, b) => all(b) - all(a))[0]!
    const { id, packets } = longest
    const through = await analyze([fifo('larger', path)], { show: id, pipeKeptOctets: 1000 })
    expect(endings(through.report)).toEqual(endings(report))
    const { rows, omitted } = through.ladder!
    expect(omitted!.segments).toBeGreaterThan(0)
    expect(rows.length + omitted!.segments).toBe(packets.client + packets.server)
  })
})

describe('one capture in many wrappings', () => {
  const file = new Uint8Array(readFileSync(INCIDENT))

  test('through a pipe it gives the findings of the file', async () => {
    const { report } = await analyze([INCIDENT])
    const through = piped(file, ['--json', '--all', '-'])
    expect(through.status).toBe(1)
    expect(conclusions(through.report())).toEqual(JSON.parse(JSON.stringify(conclusions(report))))
  })

  for (const [name, pack] of [
    ['gzip', gzipSync],
    ['zstd', zstdRaw],
    ['lz4', lz4Raw],
  ] as const) {
    test(`inside ${name} it gives the findings of the file`, async () => {
      const { report } = await analyze([INCIDENT])
      const packed = await analyze([write(`packed.${name}`, pack(file))])
      expect(packed.report.sources[0]!.format).toBe(`pcap, ${name}`)
      expect(conclusions(packed.report)).toEqual(conclusions(report))
    })
  }

  test('as pcapng it gives the same findings', async () => {
    const writer = new PcapngWriter().section().interface({ snapLen: 262_144 })
    for (const record of recordsOf(INCIDENT).records) writer.packet(0, asWritten(record))
    const { report } = await analyze([INCIDENT])
    const again = await analyze([write('same.pcapng', writer.done())])
    expect(again.report.sources[0]!.format).toBe('pcapng')
    expect(conclusions(again.report)).toEqual(conclusions(report))
  })

  test('as text of tcpdump -nn -tttt each connection ends as it does in the pcap', async () => {
    // tcpdump -nn -tttt -r test/captures/process-killed/kill-9.pcap
    const text = await analyze([join(root, 'test/app/kill-9.txt')])
    const { report } = await analyze([KILLED])
    expect(text.report.sources[0]!.format).toBe('tcpdump-text')
    expect(endings(text.report)).toEqual(endings(report))
  })
})

describe('ring-buffer pieces of one capture', () => {
  const { header, records } = recordsOf(INCIDENT)
  const third = Math.ceil(records.length / 3)
  const pieces = [0, 1, 2].map((i) => records.slice(i * third, (i + 1) * third))
  const paths = pieces.map((piece, i) => write(`ring${i}.pcap`, pcapOf(header, piece)))

  test('joined, in any order of their names, they give the findings of the whole', async () => {
    const whole = (await analyze([INCIDENT])).report
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
    ]) {
      const { report } = await analyze(order.map((i) => paths[i]!))
      const causes = (r: Report) =>
        r.findings.map((f) => [f.cause, f.variant, f.certainty, f.affected.connections])
      expect(causes(report)).toEqual(causes(whole))
      expect(endings(report)).toEqual(endings(whole))
    }
  })

  test('frame numbers are those of the file that a source names', async () => {
    const whole = (await analyze([INCIDENT])).report
    const { report } = await analyze(paths)
    const ids = report.sources.map(({ id }) => id)
    expect(ids).toEqual(['capture-1', 'capture-2', 'capture-3'])
    const number = (source: string, frame: number) => ids.indexOf(source) * third + frame
    for (const [i, { frames }] of report.connections.listed.entries()) {
      const expected = whole.connections.listed[i]!.frames
      expect(number(frames.firstSource ?? frames.source, frames.first)).toBe(expected.first)
      expect(number(frames.source, frames.last)).toBe(expected.last)
    }
    const evidence = report.findings.flatMap((f) => f.because).filter((e) => e.kind === 'frame')
    expect(evidence.length).toBeGreaterThan(0)
    for (const { source, frame } of evidence) {
      expect(frame).toBeLessThanOrEqual(pieces[ids.indexOf(source)]!.length)
    }
  })
})

describe('a file cut short', () => {
  const file = new Uint8Array(readFileSync(KILLED))
  const { records } = recordsOf(KILLED)

  test.each([
    ['in a header', Math.floor(records.length / 2), 7],
    ['in the octets of a packet', Math.floor(records.length / 3), 40],
    ['in the last packet', records.length - 1, 30],
  ])('%s gives everything before the cut, and says so', async (_, whole, octets) => {
    const before = records.slice(0, whole).reduce((sum, r) => sum + r.length, 24)
    const path = write('cut.pcap', file.subarray(0, before + octets))
    const { report } = await analyze([path])
    const clean = await analyze([write('clean.pcap', file.subarray(0, before))])
    expect(report.sources[0]!.counts['frames']).toBe(whole)
    expect(report.sources[0]!.faults).toHaveLength(1)
    expect(clean.report.sources[0]!.faults).toEqual([])
    expect(conclusions(report)).toEqual(conclusions(clean.report))
  })
})

describe('exit codes', () => {
  test.each([
    ['healthy', own('healthy/half-close'), 0],
    ['benign', own('health-check/two-balancers'), 0],
    ['a problem', KILLED, 1],
    ['a file that is not there', '/nowhere/at-all.pcap', 2],
    ['a directory', root, 2],
    ['no capture', join(root, 'LICENSE'), 2],
  ])('%s', (_, path, code) => {
    const { exitCode, text } = tcpwhy([path])
    expect(exitCode, text).toBe(code)
    if (code === 2) expect(text.trim().split('\n').length).toBeLessThanOrEqual(3)
  })

  test('an empty file and one cut in its first record', () => {
    expect(tcpwhy([write('empty.pcap', new Uint8Array(0))]).exitCode).toBe(2)
    const cut = recordsOf(KILLED)
    const path = write('first.pcap', pcapOf(cut.header, [cut.records[0]!.subarray(0, 20)]))
    expect([2, 3]).toContain(tcpwhy([path]).exitCode)
  })
})

/** A zstd frame of raw blocks (RFC 8878 §3.1.1). */
function zstdRaw(bytes: Uint8Array): Uint8Array {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length)
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size]
  for (const { block, last } of blocks(bytes, 100_000)) {
    const head = Buffer.alloc(3)
    head.writeUIntLE((last ? 1 : 0) | (block.length << 3), 0, 3)
    parts.push(head, Buffer.from(block))
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** An lz4 frame of stored blocks, without checksums (lz4_Frame_format.md 1.6.4). */
function lz4Raw(bytes: Uint8Array): Uint8Array {
  const parts = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73])]
  for (const { block } of blocks(bytes, 100_000)) {
    const head = Buffer.alloc(4)
    head.writeUInt32LE((block.length | 0x8000_0000) >>> 0)
    parts.push(head, Buffer.from(block))
  }
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(4)]))
}

function blocks(bytes: Uint8Array, size: number) {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => ({
    block: bytes.subarray(i * size, (i + 1) * size),
    last: (i + 1) * size >= bytes.length,
  }))
}
