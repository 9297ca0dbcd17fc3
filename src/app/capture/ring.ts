import { readFileSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { appendPackets, isFull, PacketFile, refuseExisting } from './packet-file.ts'
import type { PacketSink } from './session.ts'

/** A ring is this many pieces or more: the oldest leaves as a whole. */
const PIECES = 20
const MIN_PIECE_MS = 1000
/** A piece is read whole when it goes into the file. */
const MAX_PIECE_OCTETS = 64_000_000

export interface RingOptions {
  /** Of this ring alone, on the same disk as the files that it becomes. */
  folder: string
  keepMs: number
  /** Of all pieces together. */
  maxOctets: number
  /** Monotonic milliseconds. */
  nowMs: () => number
}

interface Piece {
  file: PacketFile
  /** Where the packets begin. */
  bodyAt: number
  openedMs: number
  packets: number
}

export interface SavedRing {
  path: string
  packets: number
  octets: number
}

/**
 * The last minutes of packets, in pieces of which each is a valid capture at any moment. `save` makes one file of them. Once
 * frozen, only what is older than the moment of freezing may still leave, and `onFull` tells when there is nothing left of it.
 */
export class Ring implements PacketSink {
  onFull: () => void = () => {}
  /** Pieces left because of the size, before their time. */
  cutBySize = 0
  private header: () => Uint8Array = () => new Uint8Array(0)
  private pieces: Piece[] = []
  private nth = 0
  /** The piece that was open when it was frozen. */
  private frozen: PacketFile | null = null
  private readonly options: RingOptions

  constructor(options: RingOptions) {
    this.options = options
  }

  get octets(): number {
    return this.pieces.reduce((sum, { file }) => sum + file.octets, 0)
  }

  begin(header: () => Uint8Array): void {
    this.header = header
    this.newPiece()
  }

  /** The header of a new piece has them all. */
  interfaces(): void {
    this.newPiece()
  }

  packets(blocks: Uint8Array, { count }: { count: number }): void {
    const { keepMs, maxOctets, nowMs } = this.options
    const current = this.pieces.at(-1)!
    const isOld = nowMs() - current.openedMs > Math.max(keepMs / PIECES, MIN_PIECE_MS)
    const isLarge = current.file.octets > Math.min(maxOctets / PIECES, MAX_PIECE_OCTETS)
    if (isOld || isLarge) this.newPiece()
    this.forget()
    if (!this.makeRoom(blocks.length)) return
    const piece = this.pieces.at(-1)!
    appendPackets(piece.file, blocks, {
      count,
      add: (packets) => {
        piece.packets += packets
      },
    })
  }

  /** From now on nothing that is kept may leave by its age. */
  freeze(): void {
    this.frozen = this.pieces.at(-1)!.file
  }

  /** Nothing: `save` gets the trailer. */
  end(): void {}

  /**
   * Makes one capture of what is kept, and begins anew. Takes no more room than one piece: the first becomes the file, and each
   * next one is removed once it is in it.
   * @param wasFull  the disk is: the oldest piece makes room   @throws TcpwhyError OUTPUT_UNWRITABLE
   */
  save(path: string, trailer: Uint8Array, wasFull = false): SavedRing {
    const { pieces } = this
    this.pieces = []
    this.frozen = null
    refuseExisting(path)
    if (wasFull && pieces.length > 1) remove(pieces.shift()!)
    const first = pieces.shift()!
    renameSync(first.file.path, path)
    let packets = first.packets
    for (const piece of pieces) {
      append(first, piece)
      packets += piece.packets
    }
    finish(first.file, trailer)
    return { path, packets, octets: first.file.octets }
  }

  /** After `save`, for the next event. */
  restart(): void {
    this.newPiece()
  }

  private newPiece(): void {
    const { folder, nowMs } = this.options
    const name = `${String(this.nth++).padStart(8, '0')}.pcapng`
    const file = new PacketFile(join(folder, name))
    const header = this.header()
    const previous = this.pieces.at(-1)
    this.pieces.push({ file, bodyAt: header.length, openedMs: nowMs(), packets: 0 })
    file.append(header)
    // One without packets is no loss.
    if (previous?.packets === 0 && previous.file !== this.frozen) this.drop(previous)
  }

  private forget(): void {
    const { keepMs, nowMs } = this.options
    while (this.pieces.length > 1 && this.frozen === null) {
      if (nowMs() - this.pieces[1]!.openedMs <= keepMs) return
      this.drop(this.pieces[0]!)
    }
  }

  private makeRoom(octets: number): boolean {
    while (this.octets + octets > this.options.maxOctets) {
      const oldest = this.pieces[0]!
      if (oldest.file === this.frozen || this.pieces.length === 1) {
        this.onFull()
        return false
      }
      this.cutBySize++
      this.drop(oldest)
    }
    return true
  }

  private drop(piece: Piece): void {
    this.pieces = this.pieces.filter((one) => one !== piece)
    remove(piece)
  }
}

function remove({ file }: Piece): void {
  file.close()
  unlinkSync(file.path)
}

/** The interfaces that `to` does not know yet, and the packets. */
function append(to: Piece, from: Piece): void {
  from.file.close()
  const octets = readFileSync(from.file.path)
  to.file.append(newerInterfaces(octets.subarray(0, from.bodyAt), to.bodyAt))
  to.bodyAt = Math.max(to.bodyAt, from.bodyAt)
  to.file.append(octets.subarray(from.bodyAt, from.file.octets))
  unlinkSync(from.file.path)
}

/** Every header is a longer one of the same beginning. */
function newerInterfaces(header: Uint8Array, known: number): Uint8Array {
  return header.subarray(Math.min(known, header.length))
}

function finish(file: PacketFile, trailer: Uint8Array): void {
  try {
    file.append(trailer)
  } catch (cause) {
    // The packets are there; only what was lost is not told.
    if (!isFull(cause)) throw cause
  } finally {
    file.close()
  }
}
