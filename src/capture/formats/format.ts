import type { ChunkInput } from '../chunks.ts'
import type { SourceState } from '../source-state.ts'
import type { RecordBatch } from '../types.ts'

/** The records of one source, in the order of the file. */
export interface RecordStream {
  /** The next batch, never an empty one; null at the end. Its arrays are used again by the next call. */
  next(): Promise<RecordBatch | null>
}

/** One way to write packets down. `sniff` goes by content; a file's name is never looked at. */
export interface CaptureFormat {
  readonly id: string
  readonly title: string
  /**
   * Whether these first octets (4 KiB at most, fewer of a short file or a slow pipe) are of this format. Never throws.
   * @param ended  no octets come after these
   */
  sniff(head: Uint8Array, ended: boolean): boolean
  /** Reads from the octets that `input` has at hand on. Faults go to `state`, never up. */
  read(input: ChunkInput, state: SourceState): RecordStream
}
