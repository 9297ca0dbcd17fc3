// Magic numbers: RFC 1952 §2.3.1 (gzip), RFC 8878 §3.1.1 (zstd), LZ4 Frame Format 1.6.4.
import type * as zlib from 'node:zlib'
import type { ByteSource } from './byte-source.ts'

export type Compression = 'gzip' | 'lz4' | 'zstd'

/** Which compression these octets begin with, by content. */
export function compressionOf(head: Uint8Array): Compression | null {
  const at = firstFrame(head)
  if (at + 4 > head.length) return null
  const magic = littleEndian(head, at)
  if ((magic & 0xff_ffff) === 0x08_8b1f) return 'gzip'
  if (magic === 0xfd2f_b528) return 'zstd'
  return magic === 0x184d_2204 ? 'lz4' : null
}

/** Whether a frame comes first that zstd and lz4 pass over; pzstd writes one before each of its parts. RFC 8878 §3.1.2. */
export function isSkippable(head: Uint8Array): boolean {
  return head.length >= 4 && (littleEndian(head, 0) & 0xffff_fff0) === 0x184d_2a50
}

/** Where the first frame is that is none of these. */
function firstFrame(head: Uint8Array): number {
  let at = 0
  while (at + 8 <= head.length && isSkippable(head.subarray(at))) {
    at += 8 + littleEndian(head, at + 4)
  }
  return at
}

function littleEndian(octets: Uint8Array, at: number): number {
  return new DataView(octets.buffer, octets.byteOffset + at, 4).getUint32(0, true)
}

/** Compressed octets in, plain octets out, piece by piece. Both throw on what cannot be decoded. */
export interface StreamDecoder {
  push(chunk: Uint8Array, emit: (piece: Uint8Array) => void): void | Promise<void>
  /** Says that no more comes: throws when that is too early. */
  end(emit: (piece: Uint8Array) => void): void | Promise<void>
  close?(): void
}

export type NoteFault = (name: string, text: string) => void

/** Compressed octets read at once. */
const INPUT_OCTETS = 64 * 1024
/** Compressed octets unpacked at once: a bomb (1 : 1032 for deflate, 1 : 255 for lz4, 1 : 32768 for zstd) then fills 128 MiB, not the machine. */
const STEP_OCTETS: Readonly<Record<Compression, number>> = {
  gzip: INPUT_OCTETS,
  lz4: INPUT_OCTETS,
  zstd: 4096,
}
/** zlib keeps back what it unpacked in the step in which it meets what it cannot read: at the end of a file often something else. */
const LAST_STEP_OCTETS = 256
/** The same for each piece of output; larger ones are no faster (measured: 119 MB in 0.27 s with 32 KiB, 0.33 s with 256). */
const OUTPUT_OCTETS = 32 * 1024
/** zstd's own limit without --long=28 and above: ZSTD_WINDOWLOG_LIMIT_DEFAULT. */
const MAX_WINDOW_OCTETS = 128 * 1024 * 1024

/**
 * What `source` holds, decompressed as it is read. Where the octets are cut or broken the plain ones end, after `note`
 * was told: 'cut-compression' or 'corrupt-compression'.
 */
export async function decompressed(
  kind: Compression,
  source: ByteSource,
  note: NoteFault,
): Promise<ByteSource> {
  const decoder = await decoderOf(kind, note)
  return new DecodedSource(source, decoder, kind, note)
}

async function decoderOf(kind: Compression, note: NoteFault): Promise<StreamDecoder> {
  // Loaded only for compressed captures: it takes 2.5 ms of every start.
  const { createGunzip, ...others } = await import('node:zlib')
  if (kind === 'gzip') return zlibDecoder(createGunzip({ chunkSize: OUTPUT_OCTETS }))
  if (kind === 'lz4') {
    const [{ default: lz4 }, { Lz4Decoder }] = await Promise.all([
      import('lz4js').then((module) => module as unknown as { default: typeof module }),
      import('./lz4-frames.ts'),
    ])
    noteUnverified(note)
    return new Lz4Decoder(lz4.decompressBlock)
  }
  // Node has zstd from 22.15 on; types of Node 20 do not know it.
  const { createZstdDecompress, zstdDecompressSync } = others as unknown as {
    createZstdDecompress?: (options: object) => zlib.Gunzip
    zstdDecompressSync: (octets: Uint8Array) => unknown
  }
  if (createZstdDecompress !== undefined && namesCuts(zstdDecompressSync)) {
    return zlibDecoder(createZstdDecompress({ chunkSize: OUTPUT_OCTETS }))
  }
  noteUnverified(note)
  return fzstdDecoder()
}

const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)

/** Node 22 and 25 take a frame that was cut for a whole one: a cut capture would be told as if it were all. */
export function namesCuts(unpack: (octets: Uint8Array) => unknown): boolean {
  try {
    unpack(ZSTD_MAGIC)
    return false
  } catch {
    return true
  }
}

function noteUnverified(note: NoteFault): void {
  note('checksum-not-verified', 'The checksums of the compressed file were not verified.')
}

const IN_FIRST_BLOCK = 'within its first block, of which no tool can unpack a part'

class DecodedSource implements ByteSource {
  readonly size = null
  readonly identity: string | null
  readonly seekable = false
  private readonly source: ByteSource
  private readonly decoder: StreamDecoder
  private readonly kind: Compression
  private readonly note: NoteFault
  private readonly compressed = new Uint8Array(INPUT_OCTETS)
  /** What was read and not unpacked yet, and how much of it is taken at once. */
  private left: Uint8Array = this.compressed.subarray(0, 0)
  private step = 0
  private readonly pieces: Uint8Array[] = []
  private ended = false
  /** Whether anything has been unpacked. */
  private given = false

  constructor(source: ByteSource, decoder: StreamDecoder, kind: Compression, note: NoteFault) {
    this.source = source
    this.identity = source.identity
    this.decoder = decoder
    this.kind = kind
    this.note = note
  }

  async read(into: Uint8Array): Promise<number> {
    let count = this.take(into, 0)
    while (count < into.length && !this.ended) {
      await this.decodeMore()
      count += this.take(into, count)
      // A pipe's octets are passed on as they come, a file's in full chunks.
      if (count > 0 && this.source.size === null) break
    }
    return count
  }

  async close(): Promise<void> {
    this.ended = true
    this.decoder.close?.()
    await this.source.close()
  }

  private async decodeMore(): Promise<void> {
    const isAtEnd = this.left.length === 0 && (await this.readMore()) === 0
    const part = this.left.subarray(0, this.step)
    this.left = this.left.subarray(part.length)
    const emit = (piece: Uint8Array) => {
      if (piece.length === 0) return
      this.given = true
      this.pieces.push(piece)
    }
    try {
      if (isAtEnd) await this.decoder.end(emit)
      else await this.decoder.push(part, emit)
    } catch (cause) {
      this.fail(isAtEnd, cause)
    }
    if (isAtEnd) this.ended = true
  }

  private async readMore(): Promise<number> {
    const count = await this.source.read(this.compressed)
    this.left = this.compressed.subarray(0, count)
    const isLast = this.kind === 'gzip' && count < INPUT_OCTETS
    this.step = isLast ? LAST_STEP_OCTETS : STEP_OCTETS[this.kind]
    return count
  }

  private fail(atEnd: boolean, cause: unknown): void {
    this.ended = true
    if (atEnd) {
      // gzip gives its octets as they come, the others a whole block (zstd at most 128 kB, lz4 4 MB of plain octets).
      const where = this.given || this.kind === 'gzip' ? 'too early' : IN_FIRST_BLOCK
      this.note('cut-compression', `The ${this.kind} data ends ${where}: the file was cut.`)
      return
    }
    const why = cause instanceof Error ? cause.message : String(cause)
    this.note('corrupt-compression', `The ${this.kind} data is broken (${why}): read up to there.`)
  }

  private take(into: Uint8Array, from: number): number {
    let at = from
    while (at < into.length && this.pieces.length > 0) {
      const piece = this.pieces[0]!
      const part = piece.subarray(0, into.length - at)
      into.set(part, at)
      at += part.length
      if (part.length === piece.length) this.pieces.shift()
      else this.pieces[0] = piece.subarray(part.length)
    }
    return at - from
  }
}

/** One of node:zlib's streams: it computes on the thread pool, beside us. */
function zlibDecoder(stream: zlib.Gunzip): StreamDecoder {
  let emitTo: (piece: Uint8Array) => void = () => {}
  let failure: Error | null = null
  let over = false
  let settle = () => {}
  stream.on('data', (piece: Uint8Array) => emitTo(piece))
  stream.on('error', (cause) => {
    failure = cause
    settle()
  })
  for (const event of ['end', 'close']) {
    stream.on(event, () => {
      over = true
      settle()
    })
  }
  const settled = (start: (done: () => void) => void, emit: (piece: Uint8Array) => void) => {
    emitTo = emit
    if (failure !== null) return Promise.reject(failure)
    if (over) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      settle = () => (failure === null ? resolve() : reject(failure))
      start(settle)
    })
  }
  return {
    push: (chunk, emit) => settled((done) => stream.write(chunk, done), emit),
    // The 'end' event, not the callback of end(): by then every piece has been handed out.
    end: (emit) => settled(() => stream.end(), emit),
    close: () => stream.destroy(),
  }
}

async function fzstdDecoder(): Promise<StreamDecoder> {
  const { Decompress } = await import('fzstd')
  let emitTo: (piece: Uint8Array) => void = () => {}
  const stream = new Decompress((piece) => emitTo(piece))
  let begun = false
  return {
    push(chunk, emit) {
      emitTo = emit
      if (!begun && zstdWindow(chunk.subarray(firstFrame(chunk))) > MAX_WINDOW_OCTETS)
        throw new Error('its window is too large')
      begun = true
      // fzstd keeps what it cannot use yet, and our buffer is used again. It calls itself for every frame in a chunk: few fit.
      stream.push(chunk.slice())
    },
    end(emit) {
      emitTo = emit
      stream.push(new Uint8Array(0), true)
    },
  }
}

/** Octets of history that the first frame asks for, RFC 8878 §3.1.1.1.2; 0 when too little of it is there. */
function zstdWindow(head: Uint8Array): number {
  if (head.length < 18) return 0
  const flags = head[4]!
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  if ((flags & 0x20) === 0) {
    const base = 2 ** (10 + (head[5]! >> 3))
    return base + (base / 8) * (head[5]! & 7)
  }
  const at = 5 + [0, 1, 2, 4][flags & 3]!
  const size = flags >> 6
  if (size === 0) return head[at]!
  if (size === 1) return view.getUint16(at, true) + 256
  return size === 2 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}
