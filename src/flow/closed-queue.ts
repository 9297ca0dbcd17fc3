import { K_QUEUE_COUNT, K_QUEUE_HEAD } from './core/layout.ts'

/** Entries of the ring, a power of 2: twice as many as ever linger (LINGER_ROWS and one). */
export const QUEUE_ENTRIES = 256
/** Row, the serial it was closed with (a row used again has another), its first word. */
export const QUEUE_WORDS = 4

/** Closed rows that linger for late segments, in the order of their closing. */
export class ClosedQueue {
  private readonly words: Int32Array
  private readonly ring: Int32Array

  /** @param words  K_QUEUE_* of core/layout.ts */
  constructor(words: Int32Array, ring: Int32Array = new Int32Array(QUEUE_ENTRIES * QUEUE_WORDS)) {
    this.words = words
    this.ring = ring
  }

  get count(): number {
    return this.words[K_QUEUE_COUNT]!
  }

  /** Of the first one. */
  get row(): number {
    return this.ring[this.words[K_QUEUE_HEAD]! * QUEUE_WORDS]!
  }

  get serial(): number {
    return this.ring[this.words[K_QUEUE_HEAD]! * QUEUE_WORDS + 1]!
  }

  push(row: number, serial: number, at: number): void {
    const entry = (this.words[K_QUEUE_HEAD]! + this.words[K_QUEUE_COUNT]!) & (QUEUE_ENTRIES - 1)
    this.ring[entry * QUEUE_WORDS] = row
    this.ring[entry * QUEUE_WORDS + 1] = serial
    this.ring[entry * QUEUE_WORDS + 2] = at
    this.words[K_QUEUE_COUNT]!++
  }

  shift(): void {
    this.words[K_QUEUE_HEAD] = (this.words[K_QUEUE_HEAD]! + 1) & (QUEUE_ENTRIES - 1)
    this.words[K_QUEUE_COUNT]!--
  }

  clear(): void {
    this.words[K_QUEUE_COUNT] = 0
  }
}
