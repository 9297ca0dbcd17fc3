import type { Ns } from '../base/time.ts'
import { CLIENT_SIDE, FIXED_WORDS, R_ROW, ROW_WORDS, S_DATA_LAST_T, SERVER_SIDE } from './layout.ts'

const CHUNK_SHIFT = 10
const CHUNK_ROWS = 1 << CHUNK_SHIFT

/** Where the memory for rows comes from. */
export interface RowStore {
  /** Zeroed words that stay where they are: those of `ints` from `at` (even) on. */
  allocateWords(words: number): { ints: Int32Array; floats: Float64Array; at: number }
  /** Zeroes words of such memory. */
  clear(ints: Int32Array, at: number, words: number): void
  /** A row that is no longer used, and its first word. */
  giveBack(row: number, at: number): void
  /** One of those; -1 = there is none. */
  takeBack(): number
}

/** Memory of this program's own, outside of the core. */
export function ownStore(): RowStore {
  const free: number[] = []
  return {
    allocateWords(words) {
      const ints = new Int32Array(words)
      return { ints, floats: new Float64Array(ints.buffer), at: 0 }
    },
    clear(ints, at, words) {
      ints.fill(0, at, at + words)
    },
    giveBack(row) {
      free.push(row)
    },
    takeBack: () => free.pop() ?? -1,
  }
}

/**
 * Rows of connections in chunks of 1,024 (2 MB): growing never copies, and a freed row is used again, so memory follows
 * the number of connections that live at one time. Cost: ROW_WORDS * 4 = 1,996 octets a connection.
 */
export class Rows {
  private chunks: { ints: Int32Array; floats: Float64Array; at: number }[] = []
  private readonly store: RowStore
  private used = 0
  /** Chunk and offset of the row opened last. Words are `ints[at + R_X]`, float64 fields `floats[(at + R_X) >> 1]`. */
  ints: Int32Array = new Int32Array(0)
  floats: Float64Array = new Float64Array(0)
  at = 0

  constructor(store: RowStore = ownStore()) {
    this.store = store
  }

  /** A zeroed row, opened. */
  allocate(): number {
    const given = this.store.takeBack()
    const row = given < 0 ? this.used++ : given
    if (row >> CHUNK_SHIFT === this.chunks.length) this.addChunk()
    this.open(row)
    this.store.clear(this.ints, this.at, FIXED_WORDS)
    this.ints[this.at + R_ROW] = row
    return row
  }

  open(row: number): void {
    const chunk = this.chunks[row >> CHUNK_SHIFT]!
    this.ints = chunk.ints
    this.floats = chunk.floats
    this.at = chunk.at + (row & (CHUNK_ROWS - 1)) * ROW_WORDS
  }

  release(row: number): void {
    this.open(row)
    this.store.giveBack(row, this.at)
  }

  /** Highest row number ever used plus one. */
  get limit(): number {
    return this.used
  }

  private addChunk(): void {
    this.chunks.push(this.store.allocateWords(CHUNK_ROWS * ROW_WORDS))
  }
}

/** When either side last sent new payload, ns. */
export function lastDataT(floats: Float64Array, at: number): Ns {
  const client = floats[(at + CLIENT_SIDE + S_DATA_LAST_T) >> 1]!
  return Math.max(client, floats[(at + SERVER_SIDE + S_DATA_LAST_T) >> 1]!)
}
