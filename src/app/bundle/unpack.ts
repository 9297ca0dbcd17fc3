import { createGunzip, type Gunzip } from 'node:zlib'
import type { ParsedTarEntry } from 'modern-tar'
import { TcpwhyError } from '../../base/errors.ts'
import type { ByteSource } from '../../capture/byte-source.ts'
import type { BundleFiles } from '../../host/bundle/look-files.ts'
import { isPlainName } from '../../host/bundle/names.ts'

export interface UnpackLimits {
  /** Of all files together, unpacked. */
  octets: number
  /** Of one file. */
  fileOctets: number
  files: number
  /** How often more octets may come out than go in, once `ratioFrom` have come out. */
  ratio: number
  ratioFrom: number
}

const MIB = 1024 * 1024

/** A bundle of 100,000 sockets unpacks to some 130 MiB, at a ratio of 12. */
export const UNPACK_LIMITS: UnpackLimits = {
  octets: 768 * MIB,
  fileOctets: 256 * MIB,
  files: 50_000,
  ratio: 200,
  ratioFrom: 16 * MIB,
}

/**
 * All files of a bundle, by their names below its one folder. Nothing is written anywhere. A source that is not
 * compressed any more (browsers unpack what they download) is taken too.
 * @param name  of the bundle, for the message of an error
 * @throws TcpwhyError BUNDLE_DAMAGED, BUNDLE_TOO_BIG, BUNDLE_UNSAFE
 */
export async function unpackBundle(
  source: ByteSource,
  name: string,
  limits: UnpackLimits = UNPACK_LIMITS,
): Promise<BundleFiles> {
  const files: BundleFiles = new Map()
  const room = new Room(name, limits)
  // Here and not above: the command is one script, and would load the package at every start.
  const { createTarDecoder } = await import('modern-tar')
  const decoder = createTarDecoder({ strict: true })
  const stop = new AbortController()
  const feeding = feed(source, decoder.writable.getWriter(), room, stop.signal)
  feeding.catch(() => {})
  try {
    // A ReadableStream can be iterated in Node; the library's own types are those of browsers.
    const entries = decoder.readable as unknown as AsyncIterable<ParsedTarEntry>
    for await (const entry of entries) await addEntry(entry, files, room)
    await feeding
    return withoutFolder(files, name)
  } catch (cause) {
    throw cause instanceof TcpwhyError ? cause : await damaged(name, feeding, cause)
  } finally {
    stop.abort()
  }
}

async function addEntry(
  { header, body }: ParsedTarEntry,
  files: BundleFiles,
  room: Room,
): Promise<void> {
  const { type = 'file', size } = header
  if (type === 'directory') {
    room.takeEntry(0)
    await body.cancel()
    return
  }
  const name = header.name.replace(/^(\.\/)+/, '')
  if (type !== 'file') throw room.unsafe(`it holds a ${type} (${shown(name)})`)
  if (!isPlainName(name)) throw room.unsafe(`it holds a file called ${shown(name)}`)
  if (files.has(name)) throw room.unsafe(`it holds ${shown(name)} twice`)
  room.takeEntry(size)
  files.set(name, await octetsOf(body as unknown as AsyncIterable<Uint8Array>, size))
}

/** Exactly `size` octets: the decoder ends a body there, or fails. */
async function octetsOf(body: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const octets = new Uint8Array(size)
  let at = 0
  for await (const piece of body) {
    octets.set(piece, at)
    at += piece.length
  }
  return octets
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80))
}

/** Names below the one folder that all files are in; without such a folder as they are. */
function withoutFolder(files: BundleFiles, name: string): BundleFiles {
  const [first = ''] = files.keys()
  const folder = first.slice(0, first.indexOf('/') + 1)
  // What Finder adds to archives.
  const own = [...files].filter(([path]) => !/(^|\/)\._[^/]*$|(^|\/)\.DS_Store$/.test(path))
  if (own.length === 0) throw damagedError(name, 'it is empty')
  if (folder === '' || own.some(([path]) => !path.startsWith(folder))) return new Map(own)
  return new Map(own.map(([path, octets]) => [path.slice(folder.length), octets]))
}

/** Counts before anything is taken for granted. */
class Room {
  private readonly name: string
  private readonly limits: UnpackLimits
  private files = 0
  private octets = 0
  private packed = 0
  private unpacked = 0

  constructor(name: string, limits: UnpackLimits) {
    this.name = name
    this.limits = limits
  }

  takeEntry(size: number): void {
    const { files, octets, fileOctets } = this.limits
    this.files++
    this.octets += size
    if (this.files > files) throw this.tooBig(`more than ${files} files`)
    if (size > fileOctets) throw this.tooBig(`a file of ${size} octets`)
    if (this.octets > octets) throw this.tooBig(`more than ${octets} octets`)
  }

  in(count: number): void {
    this.packed += count
  }

  out(count: number): void {
    const { octets, ratio, ratioFrom, files } = this.limits
    this.unpacked += count
    // Headers and padding come on top of what the files hold.
    if (this.unpacked > octets + files * 1024) throw this.tooBig(`more than ${octets} octets`)
    if (this.unpacked > ratioFrom && this.unpacked > this.packed * ratio) {
      throw this.tooBig(`${this.unpacked} octets out of ${this.packed}`)
    }
  }

  unsafe(what: string): TcpwhyError {
    return new TcpwhyError(
      'BUNDLE_UNSAFE',
      `${this.name} is no bundle that tcpwhy made: ${what}`,
      'Bundles hold plain files in one folder. Do not unpack this one before you know where it is from.',
    )
  }

  private tooBig(what: string): TcpwhyError {
    return new TcpwhyError(
      'BUNDLE_TOO_BIG',
      `${this.name} unpacks to more than a bundle holds: ${what}`,
      'Was it made by tcpwhy snapshot? Make it again with --pid, --port or a smaller --max-size.',
    )
  }
}

const READ_OCTETS = 256 * 1024

async function feed(
  source: ByteSource,
  to: WritableStreamDefaultWriter<Uint8Array>,
  room: Room,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const piece of unpacked(source, room)) {
      room.out(piece.length)
      if (signal.aborted) return
      await to.write(piece)
    }
    await to.close()
  } catch (cause) {
    await to.abort(cause).catch(() => {})
    throw cause
  }
}

async function* unpacked(source: ByteSource, room: Room): AsyncGenerator<Uint8Array> {
  let gunzip: Gunzip | null = null
  const pieces = piecesOf(source, room)
  const first = await pieces.next()
  if (first.done) return
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield first.value
    yield* pieces
    return
  }
  gunzip = createGunzip({ chunkSize: 256 * 1024 })
  try {
    const writing = write(gunzip, first.value, pieces)
    writing.catch((cause) => gunzip?.destroy(cause))
    yield* gunzip as AsyncIterable<Uint8Array>
    await writing
  } finally {
    gunzip.destroy()
  }
}

async function write(
  gunzip: Gunzip,
  first: Uint8Array,
  pieces: AsyncGenerator<Uint8Array>,
): Promise<void> {
  const put = (piece: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      gunzip.write(piece, (cause) => (cause ? reject(cause) : resolve()))
    })
  await put(first)
  for await (const piece of pieces) await put(piece)
  gunzip.end()
}

async function* piecesOf(source: ByteSource, room: Room): AsyncGenerator<Uint8Array> {
  for (;;) {
    const into = new Uint8Array(READ_OCTETS)
    const count = await source.read(into)
    if (count === 0) return
    room.in(count)
    yield into.subarray(0, count)
  }
}

/** The feeding side knows best what was wrong: the archive, its compression, or the limits. */
async function damaged(name: string, feeding: Promise<void>, cause: unknown): Promise<TcpwhyError> {
  const fed = await feeding.then(
    () => null,
    (failed: unknown) => failed,
  )
  if (fed instanceof TcpwhyError) return fed
  const told = fed ?? cause
  return damagedError(name, told instanceof Error ? told.message : String(told), told)
}

function damagedError(name: string, what: string, cause?: unknown): TcpwhyError {
  return new TcpwhyError(
    'BUNDLE_DAMAGED',
    `${name} cannot be unpacked: ${what.replace(/\.$/, '')}`,
    'It was cut off or changed on its way: copy it again, and compare its size (ls -l) on both sides.',
    { cause },
  )
}
