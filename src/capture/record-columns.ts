import { type Arena, heap } from './byte-source.ts'
import type { RecordBatch } from './types.ts'

/** Records a batch holds at most: its columns (24 octets a record) then stay in the second-level cache. */
export const BATCH_RECORDS = 4096

/** The one batch that a format's reader fills again and again. */
export class RecordColumns implements RecordBatch {
  readonly source: number
  count = 0
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  readonly starts: Int32Array
  readonly capLens: Int32Array
  readonly wireLens: Int32Array
  readonly times: Float64Array
  readonly links: Int32Array
  firstFrame = 1
  fileOffset = -1

  /** @param arena where the columns shall lie */
  constructor(source: number, arena: Arena = heap) {
    this.source = source
    const ints = () => {
      const { buffer, byteOffset } = arena.allocate(BATCH_RECORDS * 4)
      return new Int32Array(buffer, byteOffset, BATCH_RECORDS)
    }
    this.starts = ints()
    this.capLens = ints()
    this.wireLens = ints()
    this.links = ints()
    const times = arena.allocate(BATCH_RECORDS * 8)
    this.times = new Float64Array(times.buffer, times.byteOffset, BATCH_RECORDS)
  }
}
