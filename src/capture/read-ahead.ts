import type { Arena, ByteSource } from './byte-source.ts'

/** Octets asked for at a time, and how many pieces there are: one is looked at while the others are being filled. */
const PIECE_OCTETS = 1024 * 1024
const PIECES = 6
/** A shorter file is over before reading ahead has paid for itself. */
const WORTH_OCTETS = 16 * 1024 * 1024

/** Reads `into` from `position` on. @returns how many octets, fewer than asked for only at the end, 0 = the end */
type ReadAt = (into: Uint8Array, position: number) => Promise<number>

interface Piece {
  readonly buffer: Uint8Array
  at: number
  pending: Promise<number>
}

/**
 * A long file read by other threads while this one computes. Several pieces are under way at a time, because waking a
 * thread and hearing of its end cost more than copying a piece. Measured on 334 MB in the page cache, two cores: copying in
 * the thread that computes took 75 ms of 430, this leaves 20; smaller or larger pieces, and more of them, make no difference.
 */
export class ReadAhead {
  private readonly readAt: ReadAt
  private readonly headroom: number
  private readonly queue: Piece[] = []
  private held: Piece | null = null
  /** Where the next octets to be handed out lie, and those to be asked for. */
  private position = 0
  private askAt = 0
  /** After a short read: the file ends there, or is being written, and what was read beyond may leave a hole. */
  private inTurn = false

  /** @param headroom octets left free in front of each piece */
  constructor(readAt: ReadAt, arena: Arena, headroom: number) {
    this.readAt = readAt
    this.headroom = headroom
    for (let i = 0; i < PIECES; i++) {
      const buffer = arena.allocate(headroom + PIECE_OCTETS)
      this.ask({ buffer, at: 0, pending: Promise.resolve(0) })
    }
  }

  /** @returns null where it would not pay or cannot be had */
  static over(source: ByteSource, arena: Arena, headroom: number): ReadAhead | null {
    const { readAt, size } = source
    if (readAt === undefined || size === null || size < WORTH_OCTETS) return null
    return new ReadAhead(readAt, arena, headroom)
  }

  /**
   * The next octets. Those handed out before stay valid until `release`.
   * @returns the buffer, they begin behind its headroom; count 0 = the end
   * @throws what `readAt` throws
   */
  async next(): Promise<{ buffer: Uint8Array; count: number; release: () => void }> {
    const piece = this.queue.shift()!
    let count = await piece.pending
    // An end that was met ahead of time may have moved since.
    if (piece.at !== this.position || (count === 0 && !this.inTurn)) {
      piece.at = this.position
      count = await this.readAt(piece.buffer.subarray(this.headroom), this.position)
    }
    this.position += count
    if (count < PIECE_OCTETS) this.inTurn = true
    const before = this.held
    this.held = piece
    return { buffer: piece.buffer, count, release: () => this.release(before) }
  }

  private release(piece: Piece | null): void {
    if (piece === null) return
    if (this.inTurn) {
      piece.at = -1 // to be read when its turn comes
      piece.pending = Promise.resolve(0)
      this.queue.push(piece)
    } else this.ask(piece)
  }

  private ask(piece: Piece): void {
    piece.at = this.askAt
    piece.pending = this.readAt(piece.buffer.subarray(this.headroom), this.askAt)
    // Met by whoever takes the piece; nobody may come, so it must not count as unhandled.
    piece.pending.catch(() => {})
    this.askAt += PIECE_OCTETS
    this.queue.push(piece)
  }
}
