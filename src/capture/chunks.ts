import { type Arena, type ByteSource, heap } from './byte-source.ts'
import { ReadAhead } from './read-ahead.ts'

/**
 * Octets asked for at a time. Measured on 336 MB in the page cache, 512 KiB of second-level cache a core: reading in
 * pieces of 256 or 512 KiB takes 60-90 ms, of 1 or 4 MiB 180-210 ms, because the copy then misses the cache.
 */
export const CHUNK_OCTETS = 256 * 1024
/** Room before each chunk for the record that the previous chunk cut in two. Larger ones take a slower way. */
const HEADROOM_OCTETS = 288 * 1024

/**
 * A source read one chunk ahead of who computes: while chunk n is looked at, chunk n+1 is being read into the other
 * buffer. What was left over at the end of a chunk is put in front of the next, so that a reader never sees a seam.
 */
export class ChunkInput {
  /** The octets at hand: valid until the next call of `advance`. */
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  /** Offset of `bytes[0]` in the (decompressed) file. */
  offset = 0
  /** No octets will come after those at hand. */
  ended = false

  private readonly source: ByteSource
  private readonly chunkOctets: number
  readonly arena: Arena
  private readonly ahead: ReadAhead | null
  private pending: Promise<number> | null = null
  private front: Uint8Array | null = null
  private back: Uint8Array | null = null

  /** @param arena where the buffers shall lie */
  constructor(source: ByteSource, chunkOctets = CHUNK_OCTETS, arena: Arena = heap) {
    this.source = source
    this.arena = arena
    this.chunkOctets = chunkOctets
    this.ahead = ReadAhead.over(source, arena, HEADROOM_OCTETS)
  }

  /** Whether an offset in this input can be read again from the file. */
  get seekable(): boolean {
    return this.source.seekable
  }

  /**
   * Gets more octets, keeping the last `keep` of those at hand in front of them.
   * @returns false when nothing came: then the octets at hand are the kept ones and `ended` is true.
   */
  async advance(keep: number): Promise<boolean> {
    if (this.ended) return this.shrink(keep)
    if (this.ahead !== null) return this.advanceAhead(keep, this.ahead)
    if (this.source.readNow !== undefined) return this.advanceNow(keep, this.source.readNow)
    const count = await (this.pending ?? this.startRead())
    this.pending = null
    if (count === 0) {
      this.ended = true
      return this.shrink(keep)
    }
    const back = this.back!
    this.join(keep, back, count)
    this.back = this.front
    this.front = back
    this.pending = this.startRead()
    // The rejection is met by whoever awaits the next call; nobody may come, so it must not count as unhandled.
    this.pending.catch(() => {})
    return true
  }

  private async advanceAhead(keep: number, ahead: ReadAhead): Promise<boolean> {
    const { buffer, count, release } = await ahead.next()
    if (count === 0) {
      this.ended = true
      return this.shrink(keep)
    }
    this.join(keep, buffer, count)
    release()
    return true
  }

  /** One buffer for all: what is kept moves in front, the next octets come behind it. */
  private advanceNow(keep: number, readNow: (into: Uint8Array) => number): boolean {
    this.front ??= this.arena.allocate(HEADROOM_OCTETS + this.chunkOctets)
    const { front } = this
    const tail = this.bytes.subarray(this.bytes.length - keep)
    this.offset += this.bytes.length - keep
    if (keep <= HEADROOM_OCTETS) {
      front.set(tail, HEADROOM_OCTETS - keep)
      const count = readNow(front.subarray(HEADROOM_OCTETS))
      this.show(front, HEADROOM_OCTETS - keep, keep + count)
      this.ended = count === 0
      return count > 0
    }
    const long = tail.slice()
    const count = readNow(front.subarray(HEADROOM_OCTETS))
    const joined = new Uint8Array(keep + count)
    joined.set(long)
    joined.set(front.subarray(HEADROOM_OCTETS, HEADROOM_OCTETS + count), keep)
    this.show(joined, 0, joined.length)
    this.ended = count === 0
    return count > 0
  }

  /** All octets from `bytes[0]` on as a source of their own, to read another layer from. This input is then its own. */
  rest(): ByteSource {
    const { size, identity } = this.source
    let left = this.bytes.subarray(0)
    return {
      size,
      identity,
      seekable: false,
      read: async (into) => {
        if (left.length === 0 && (await this.advance(0))) left = this.bytes
        const part = left.subarray(0, into.length)
        into.set(part)
        left = left.subarray(part.length)
        return part.length
      },
      close: () => this.close(),
    }
  }

  async close(): Promise<void> {
    this.ended = true
    // First the source, so that a read that waits for a live pipe ends.
    await this.source.close()
    await this.pending?.catch(() => 0)
  }

  private startRead(): Promise<number> {
    this.back ??= this.arena.allocate(HEADROOM_OCTETS + this.chunkOctets)
    return this.source.read(this.back.subarray(HEADROOM_OCTETS))
  }

  /** @param next  holds `count` octets behind its headroom */
  private join(keep: number, next: Uint8Array, count: number): void {
    const tail = this.bytes.subarray(this.bytes.length - keep)
    this.offset += this.bytes.length - keep
    if (keep <= HEADROOM_OCTETS) {
      next.set(tail, HEADROOM_OCTETS - keep)
      this.show(next, HEADROOM_OCTETS - keep, keep + count)
      return
    }
    const joined = new Uint8Array(keep + count)
    joined.set(tail)
    joined.set(next.subarray(HEADROOM_OCTETS, HEADROOM_OCTETS + count), keep)
    this.show(joined, 0, keep + count)
  }

  private shrink(keep: number): false {
    const { buffer, byteOffset, length } = this.bytes
    this.offset += length - keep
    this.bytes = new Uint8Array(buffer, byteOffset + length - keep, keep)
    this.view = new DataView(buffer, byteOffset + length - keep, keep)
    return false
  }

  private show(buffer: Uint8Array, at: number, length: number): void {
    this.bytes = buffer.subarray(at, at + length)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, length)
  }
}
