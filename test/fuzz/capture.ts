import { gzipSync } from 'node:zlib'
import { assert } from '../../src/base/assert.ts'
import { TcpwhyError } from '../../src/base/errors.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { openCaptures } from '../../src/capture/open.ts'
import type { RecordBatch } from '../../src/capture/types.ts'
import { lz4ChecksumPacked, lz4LinkedPacked, zstdPacked } from '../helpers/packed-captures.ts'
import { PcapngWriter, type PcapRecord, pcapFile } from '../helpers/pcap-writer.ts'
import type { FuzzTarget } from './target.ts'

const records: PcapRecord[] = Array.from({ length: 12 }, (_, i) => ({
  timeNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n,
  data: new Uint8Array(54 + i).fill(i),
}))

const TEXT = `
09:21:03.720289 IP (tos 0x0, ttl 63, id 39720, offset 0, flags [DF], proto TCP (6), length 60)
    192.168.1.11.33779 > 209.87.249.18.53: Flags [S], cksum 0x0c41 (correct), seq 603899916, win 64240, options [mss 1460,sackOK,TS val 2044906138 ecr 0,nop,wscale 7], length 0
   12  2020-06-10 09:21:03.846908 IP6 ::1.80 > ::2.http: Flags [P.], seq 1:9, ack 1, win 1, options [nop,nop,sack 1 {9:19}], length 8: HTTP
09:21:04.720289 IP 10.0.0.9 > 192.168.1.11: ICMP host 209.87.249.18 unreachable, length 68
 00:00:00.000001 IP a.b.c > d.e.f: P 1:3(2) ack 1 win 5 <nop,nop,timestamp 1 2>
`

/** Valid inputs for each format that is registered; a test compares the two lists. */
export const captureSamples: Readonly<Record<string, readonly Uint8Array[]>> = {
  pcap: [pcapFile({ records }), pcapFile({ ns: true, bigEndian: true, link: 113, records })],
  pcapng: [pcapngSample(false), pcapngSample(true)],
  'tcpdump-text': [new TextEncoder().encode(TEXT)],
}

const packed = [gzipSync(pcapFile({ records })), lz4ChecksumPacked, lz4LinkedPacked, zstdPacked]

export const captureTargets: readonly FuzzTarget[] = [
  ...Object.entries(captureSamples).map(([id, samples]) => ({
    id: `capture-${id}`,
    check: checkReading,
    samples,
  })),
  { id: 'capture-compressed', check: checkReading, samples: packed },
]

/** Reading ends, throws only our own errors, stays inside its buffers, and is the same wherever the chunks end. */
async function checkReading(octets: Uint8Array): Promise<void> {
  const whole = await readAll(octets, { chunkOctets: 65_536, stepOctets: 65_536 })
  const pieces = await readAll(octets, { chunkOctets: 512, stepOctets: 301 })
  assert(whole === pieces, `chunks of another size give another result: ${whole} | ${pieces}`)
}

async function readAll(
  octets: Uint8Array,
  sizes: { chunkOctets: number; stepOctets: number },
): Promise<string> {
  const bytes = memorySource(octets, sizes.stepOctets)
  try {
    const reader = await openCaptures([{ name: 'fuzz', bytes }], sizes)
    let count = 0
    let hash = 0
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      checkBatch(batch)
      count += batch.count
      for (let i = 0; i < batch.count; i++) hash = mixed(hash, batch, i)
      assert(count <= octets.length * 1100, 'more records than octets can hold')
    }
    await reader.close()
    return `${count} records ${hash}`
  } catch (cause) {
    if (cause instanceof TcpwhyError) return cause.code
    throw cause
  }
}

function mixed(hash: number, batch: RecordBatch, i: number): number {
  const fields = [batch.firstFrame + i, batch.capLens[i]!, batch.wireLens[i]!, batch.links[i]!]
  return fields.reduce((mix, field) => Math.imul(mix ^ field, 0x01000193), hash)
}

function checkBatch(batch: RecordBatch): void {
  const { bytes, view, count } = batch
  assert(
    count > 0 && count <= batch.starts.length,
    'a batch of no records, or of more than its columns',
  )
  assert(view.byteOffset === bytes.byteOffset && view.byteLength === bytes.length, 'another view')
  for (let i = 0; i < count; i++) {
    const start = batch.starts[i]!
    const capLen = batch.capLens[i]!
    assert(start >= 0 && capLen >= 0 && start + capLen <= bytes.length, 'a record out of its bytes')
    assert(batch.wireLens[i]! >= capLen, 'shorter on the wire than captured')
    assert(Number.isFinite(batch.times[i]!), 'a time that is no number')
  }
}

function pcapngSample(bigEndian: boolean): Uint8Array {
  const writer = new PcapngWriter()
    .section({ bigEndian, comment: 'c' })
    .interface({ name: 'eth0', tsresol: 9 })
    .interface({ link: 113, snapLen: 60, tsoffset: 5 })
  for (const [i, record] of records.entries()) {
    writer.packet(i & 1, record, i % 4 === 0 ? { comment: 'x', pid: i } : { old: i % 5 === 0 })
  }
  return writer
    .simplePacket(records[0]!)
    .block(0xbad, new Uint8Array(20))
    .block(4, new Uint8Array(8))
    .statistics(0, { received: 12, dropped: 1 })
    .done()
}
