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

  constructor(source: number, capacity = BATCH_RECORDS) {
    this.source = source
    this.starts = new Int32Array(capacity)
    this.capLens = new Int32Array(capacity)
    this.wireLens = new Int32Array(capacity)
    this.times = new Float64Array(capacity)
    this.links = new Int32Array(capacity)
  }
}
