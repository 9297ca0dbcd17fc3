import { CLIENT_SIDE, FIXED_WORDS, ROW_WORDS, S_DATA_LAST_T, SERVER_SIDE } from './layout.ts'

const CHUNK_SHIFT = 10
const CHUNK_ROWS = 1 << CHUNK_SHIFT

/**
 * Rows of connections in chunks of 1,024 (2 MB): growing never copies, and a freed row is used again, so memory follows
 * the number of connections that live at one time. Cost: ROW_WORDS * 4 = 1,996 octets a connection.
 */
export class Rows {
  private chunks: { ints: Int32Array; floats: Float64Array }[] = []
  private free: number[] = []
  private used = 0
  /** Chunk and offset of the row opened last. Words are `ints[at + R_X]`, float64 fields `floats[(at + R_X) >> 1]`. */
  ints: Int32Array = new Int32Array(0)
  floats: Float64Array = new Float64Array(0)
  at = 0

  /** A zeroed row, opened. */
  allocate(): number {
    const row = this.free.pop() ?? this.used++
    if (row >> CHUNK_SHIFT === this.chunks.length) this.addChunk()
    this.open(row)
    this.ints.fill(0, this.at, this.at + FIXED_WORDS)
    return row
  }

  open(row: number): void {
    const chunk = this.chunks[row >> CHUNK_SHIFT]!
    this.ints = chunk.ints
    this.floats = chunk.floats
    this.at = (row & (CHUNK_ROWS - 1)) * ROW_WORDS
  }

  release(row: number): void {
    this.free.push(row)
  }

  /** Rows in use. */
  get size(): number {
    return this.used - this.free.length
  }

  /** Highest row number ever used plus one. */
  get limit(): number {
    return this.used
  }

  private addChunk(): void {
    const ints = new Int32Array(CHUNK_ROWS * ROW_WORDS)
    this.chunks.push({ ints, floats: new Float64Array(ints.buffer) })
  }
}

/** When either side last sent new payload, ns. */
export function lastDataT(floats: Float64Array, at: number): number {
  const client = floats[(at + CLIENT_SIDE + S_DATA_LAST_T) >> 1]!
  return Math.max(client, floats[(at + SERVER_SIDE + S_DATA_LAST_T) >> 1]!)
}
