import { memorySource } from '../../src/capture/byte-source.ts'
import { openCaptures } from '../../src/capture/open.ts'
import type { CaptureSourceInfo } from '../../src/capture/types.ts'

/** A record copied out of its batch, so that a test can keep it. */
export interface ReadRecord {
  source: number
  frame: number
  /** Nanoseconds since 1970. */
  timeNs: bigint
  data: Uint8Array
  wireLen: number
  link: number
}

export interface ReadCapture {
  records: ReadRecord[]
  sources: readonly CaptureSourceInfo[]
}

/** Reads captures given as octets to their end. `chunkOctets` and `stepOctets` put chunk edges at odd places. */
export async function readCapture(
  files: readonly Uint8Array[],
  options: { chunkOctets?: number; stepOctets?: number } = {},
): Promise<ReadCapture> {
  const inputs = files.map((bytes, i) => ({
    name: `memory-${i}`,
    bytes: memorySource(bytes, options.stepOctets),
  }))
  const { chunkOctets = 4096 } = options
  const reader = await openCaptures(inputs, { chunkOctets })
  const records: ReadRecord[] = []
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.starts[i]!
      records.push({
        source: batch.source,
        frame: batch.firstFrame + i,
        timeNs: reader.clock.originNs + BigInt(Math.round(batch.times[i]!)),
        data: batch.bytes.slice(start, start + batch.capLens[i]!),
        wireLen: batch.wireLens[i]!,
        link: batch.links[i]!,
      })
    }
  }
  await reader.close()
  return { records, sources: reader.sources }
}

/** The names of all faults of a read, source by source. */
export function faultNames(read: ReadCapture): string[] {
  return read.sources.flatMap((source) => source.faults.map((fault) => fault.name))
}
