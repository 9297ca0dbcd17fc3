// Format: LZ4 Frame Format Description 1.6.4 (https://github.com/lz4/lz4/blob/v1.10.0/doc/lz4_Frame_format.md).
import type { StreamDecoder } from './decompress.ts'

const FRAME_MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50 // the low 4 bits are free
const HISTORY_OCTETS = 65_536
/** Largest block by its code in the frame descriptor. */
const BLOCK_OCTETS: Partial<Record<number, number>> = {
  4: 65_536,
  5: 262_144,
  6: 1_048_576,
  7: 4_194_304,
}

type DecompressBlock = (
  src: Uint8Array,
  dst: Uint8Array,
  sIndex: number,
  sLength: number,
  dIndex: number,
) => number

/**
 * Walks the frames; lz4js, which can only decode a whole file at once, decodes the blocks one by one. Holds one block
 * and 64 KiB of history. Checksums are not verified.
 */
export class Lz4Decoder implements StreamDecoder {
  private readonly decompressBlock: DecompressBlock
  private held: Uint8Array = new Uint8Array(0)
  private skip = 0
  private inFrame = false
  private blockOctets = 0
  private blockChecksum = false
  private contentChecksum = false
  private output: Uint8Array = new Uint8Array(0)
  private history = 0

  constructor(decompressBlock: DecompressBlock) {
    this.decompressBlock = decompressBlock
  }

  push(chunk: Uint8Array, emit: (piece: Uint8Array) => void): void {
    const octets = joined(this.held, chunk)
    let at = 0
    for (;;) {
      const passed = Math.min(this.skip, octets.length - at)
      this.skip -= passed
      at += passed
      if (this.skip > 0) break
      const used = this.inFrame
        ? this.block(octets.subarray(at), emit)
        : this.frameHeader(octets.subarray(at))
      if (used === 0) break
      at += used
    }
    this.held = octets.slice(at)
  }

  end(): void {
    if (this.held.length > 0 || this.skip > 0 || this.inFrame) throw new Lz4Cut()
  }

  /** @returns octets used, 0 when more are needed. */
  private frameHeader(octets: Uint8Array): number {
    if (octets.length < 8) return 0
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const magic = view.getUint32(0, true)
    if ((magic & ~15) >>> 0 === SKIPPABLE_MAGIC) {
      this.skip = view.getUint32(4, true)
      return 8
    }
    if (magic !== FRAME_MAGIC) throw new Error('no frame begins where one should')
    const flags = octets[4]!
    const blockOctets = BLOCK_OCTETS[(octets[5]! >> 4) & 7]
    if (flags >> 6 !== 1 || blockOctets === undefined) throw new Error('an unknown kind of frame')
    if (flags & 1) throw new Error('a frame that needs a dictionary')
    const length = 7 + (flags & 8 ? 8 : 0)
    if (octets.length < length) return 0
    this.inFrame = true
    this.history = 0
    this.blockOctets = blockOctets
    this.blockChecksum = (flags & 16) !== 0
    this.contentChecksum = (flags & 4) !== 0
    if (this.output.length !== HISTORY_OCTETS + blockOctets) {
      this.output = new Uint8Array(HISTORY_OCTETS + blockOctets)
    }
    return length
  }

  private block(octets: Uint8Array, emit: (piece: Uint8Array) => void): number {
    if (octets.length < 4) return 0
    const field = new DataView(octets.buffer, octets.byteOffset, 4).getUint32(0, true)
    if (field === 0) {
      this.inFrame = false
      this.skip = this.contentChecksum ? 4 : 0
      return 4
    }
    const length = field & 0x7fff_ffff
    if (length > this.blockOctets) throw new Error('a block larger than its frame allows')
    if (octets.length < 4 + length) return 0
    this.decode(octets.subarray(4, 4 + length), field >>> 31 === 1, emit)
    this.skip = this.blockChecksum ? 4 : 0
    return 4 + length
  }

  private decode(data: Uint8Array, stored: boolean, emit: (piece: Uint8Array) => void): void {
    const { output, history, decompressBlock } = this
    let end = history + data.length
    if (stored) output.set(data, history)
    else end = decompressBlock(data, output, 0, data.length, history)
    if (!(end >= history && end <= history + this.blockOctets)) throw new Error('a broken block')
    emit(output.slice(history, end))
    const kept = Math.min(end, HISTORY_OCTETS)
    output.copyWithin(0, end - kept, end)
    this.history = kept
  }
}

/** The octets ended inside a frame. */
export class Lz4Cut extends Error {}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}
