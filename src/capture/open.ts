import { TcpwhyError } from '../base/errors.ts'
import { type Arena, type ByteSource, heap } from './byte-source.ts'
import { CHUNK_OCTETS, ChunkInput } from './chunks.ts'
import { compressionOf, decompressed, isSkippable } from './decompress.ts'
import type { CaptureFormat, RecordStream } from './formats/format.ts'
import { captureFormats } from './formats/index.ts'
import { TimeJoin } from './join.ts'
import { notCaptureError } from './not-a-capture.ts'
import { newSourceState, type SourceState } from './source-state.ts'
import type { CaptureReader, RecordBatch } from './types.ts'
import { fromUtf16, isUtf16 } from './utf16.ts'

/** Octets looked at to say what a file is; a shorter file is looked at whole. */
const SNIFF_OCTETS = 4096
/** Every magic number is this long. */
const MAGIC_OCTETS = 4
/** Records at least, for two captures to be called the same by their content. */
const SAME_RECORDS = 8

export interface CaptureInput {
  /** As the user wrote it; "-" for standard input. */
  name: string
  bytes: ByteSource
}

export interface OpenOptions {
  /** Octets read at once. Small ones are for tests. */
  chunkOctets?: number
  /** Where the octets and columns of batches shall lie. */
  arena?: Arena
}

/** One source opened, with its first batch read so that its first time is known. */
interface OpenSource {
  state: SourceState
  input: ChunkInput
  stream: RecordStream
  ahead: RecordBatch | null
  /** Of its file, see ByteSource. */
  identity: string | null
}

/**
 * Opens captures of any format and reads their first records. The inputs are closed by the reader's `close`, or here
 * when one of them cannot be used.
 * @throws TcpwhyError CAPTURE_EMPTY, CAPTURE_UNKNOWN_FORMAT, CAPTURE_UNSUPPORTED_COMPRESSION, CAPTURE_UNREADABLE
 */
export async function openCaptures(
  inputs: readonly CaptureInput[],
  options: OpenOptions = {},
): Promise<CaptureReader> {
  const meter = new Meter(inputs)
  try {
    const sources: OpenSource[] = []
    const empty: TcpwhyError[] = []
    for (const [index, input] of inputs.entries()) {
      const source = await openSource(index, input.name, meter.watch(input.bytes), options)
      if (source instanceof TcpwhyError) empty.push(source)
      sources.push(source instanceof TcpwhyError ? nothingOf(index, input) : source)
    }
    // The newest piece of a ring is empty until tcpdump writes to it: no reason to read none of them.
    const [nothing] = empty
    if (nothing !== undefined && empty.length === inputs.length) throw nothing
    return new Reader(sources, meter)
  } catch (cause) {
    await Promise.all(inputs.map((input) => input.bytes.close().catch(() => {})))
    throw cause
  }
}

/** A file without any octet among others. */
function nothingOf(index: number, { name, bytes }: CaptureInput): OpenSource {
  const state = newSourceState(index, name)
  state.faults.note('empty-file', { frame: 0, offset: 0 }, 'The file is empty.')
  const stream = { next: async () => null }
  return { state, input: new ChunkInput(bytes), stream, ahead: null, identity: null }
}

/** @returns the source, or the error that it is empty, which does no harm among others */
async function openSource(
  index: number,
  name: string,
  bytes: ByteSource,
  options: OpenOptions,
): Promise<OpenSource | TcpwhyError> {
  const state = newSourceState(index, name)
  const chunkOctets = options.chunkOctets ?? CHUNK_OCTETS
  const arena = options.arena ?? heap
  const outer = new ChunkInput(bytes, chunkOctets, arena)
  const wide = isUtf16(await headOf(outer, MAGIC_OCTETS))
  const input = wide
    ? new ChunkInput(fromUtf16(outer.rest()), chunkOctets, arena)
    : await unwrap(outer, state, chunkOctets)
  const format = await recognise(state, input)
  if (format === undefined) throw notCaptureError(name, input.bytes, wide)
  if (format instanceof TcpwhyError) return format
  state.info.format = format.id
  const stream = format.read(input, state)
  return { state, input, stream, ahead: await stream.next(), identity: bytes.identity }
}

/** The octets inside a compressed file; one layer, for nobody compresses twice and a bomb might. */
async function unwrap(
  outer: ChunkInput,
  state: SourceState,
  chunkOctets: number,
): Promise<ChunkInput> {
  let head = await headOf(outer, MAGIC_OCTETS)
  if (isSkippable(head)) head = await headOf(outer, SNIFF_OCTETS)
  const compression = compressionOf(head)
  if (compression === null) return outer
  state.info.compression = compression
  const inner = await decompressed(compression, outer.rest(), (fault, text) => {
    state.faults.note(fault, { frame: state.info.records, offset: -1 }, text)
  })
  return new ChunkInput(inner, chunkOctets, outer.arena)
}

/** At least so many of the first octets, unless the source is shorter. */
async function headOf(input: ChunkInput, octets: number): Promise<Uint8Array> {
  while (input.bytes.length < octets && (await input.advance(input.bytes.length)));
  return input.bytes
}

/** @returns undefined where no format claims the octets, an error where there are none */
async function recognise(
  state: SourceState,
  input: ChunkInput,
): Promise<CaptureFormat | TcpwhyError | undefined> {
  const { name, compression, faults } = state.info
  let head = await headOf(input, MAGIC_OCTETS)
  let format = sniffed(head, input.ended)
  while (format === undefined && head.length < SNIFF_OCTETS && !input.ended) {
    // A live pipe may be slow: look again whenever something came, rather than wait for the full number.
    head = await headOf(input, head.length + 1)
    format = sniffed(head, input.ended)
  }
  const broken = faults.find((fault) => fault.name !== 'checksum-not-verified')
  if (head.length === 0 && compression !== null && broken !== undefined) {
    const message = `Nothing in ${name} can be read. ${broken.text}`
    throw new TcpwhyError('CAPTURE_UNREADABLE', message, 'Copy or download the file again.')
  }
  if (head.length === 0) {
    const todo = 'If tcpdump is still writing it, use tcpdump -U or wait for it to end.'
    return new TcpwhyError('CAPTURE_EMPTY', `${name} is empty.`, todo)
  }
  return format
}

function sniffed(octets: Uint8Array, ended: boolean): CaptureFormat | undefined {
  const head = octets.subarray(0, SNIFF_OCTETS)
  const whole = ended && head.length === octets.length
  return captureFormats.find((format) => format.sniff(head, whole))
}

/** Counts the octets taken from the inputs, for a progress bar. */
class Meter {
  done = 0
  readonly total: number | null
  private readonly isAlone: boolean

  constructor(inputs: readonly CaptureInput[]) {
    let total: number | null = 0
    for (const { bytes } of inputs) {
      total = total === null || bytes.size === null ? null : total + bytes.size
    }
    this.total = total
    this.isAlone = inputs.length === 1
  }

  watch(source: ByteSource): ByteSource {
    const readNow = source.readNow?.bind(source)
    // The pieces of a ring are open all at once: 8 MB ahead of each would be memory without end.
    const readAt = this.isAlone ? source.readAt?.bind(source) : undefined
    const counted = (into: Uint8Array) => {
      const count = readNow!(into)
      this.done += count
      return count
    }
    let furthest = 0
    const countedAt = async (into: Uint8Array, position: number) => {
      const count = await readAt!(into, position)
      const end = count > 0 ? position + count : 0
      this.done += Math.max(0, end - furthest)
      furthest = Math.max(furthest, end)
      return count
    }
    return {
      ...(readNow === undefined ? {} : { readNow: counted }),
      ...(readAt === undefined ? {} : { readAt: countedAt }),
      size: source.size,
      identity: source.identity,
      seekable: source.seekable,
      read: async (into) => {
        const count = await source.read(into)
        this.done += count
        return count
      },
      close: () => source.close(),
    }
  }
}

class Reader implements CaptureReader {
  readonly clock: { originNs: bigint }
  readonly sources
  private readonly open: OpenSource[]
  private readonly meter: Meter
  private readonly join: TimeJoin

  constructor(open: OpenSource[], meter: Meter) {
    this.open = open
    this.meter = meter
    this.sources = open.map((source) => source.state.info)
    const origins = open.map((source) => source.state.clock.originNs)
    const known = origins.filter((origin) => origin !== null)
    this.clock = { originNs: known.reduce((a, b) => (b < a ? b : a), known[0] ?? 0n) }
    for (const source of open) moveOrigin(source, this.clock.originNs)
    noteSameFiles(open)
    this.join = new TimeJoin(
      open.flatMap(({ stream, ahead }) =>
        ahead === null ? [] : [{ source: stream, batch: ahead }],
      ),
    )
  }

  next(): Promise<RecordBatch | null> {
    return this.join.next()
  }

  progress(): { done: number; total: number | null } {
    return { done: this.meter.done, total: this.meter.total }
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((source) => source.input.close()))
  }
}

/** Says of a source that an earlier one is the same file, or begins with the same records. */
function noteSameFiles(open: readonly OpenSource[]): void {
  const text = 'The same capture was given more than once: every packet of it is counted again.'
  const seen = new Set<string>()
  for (const { state, identity, ahead } of open) {
    const marks = [identity, ahead === null ? null : beginning(ahead)].filter(
      (mark) => mark !== null,
    )
    if (marks.some((mark) => seen.has(mark))) {
      state.faults.note('same-file-twice', { frame: 0, offset: 0 }, text)
    }
    for (const mark of marks) seen.add(mark)
  }
}

/** A mark of a source's first batch: equal octets and times give an equal one. FNV-1a over at most 64 KiB. */
function beginning(batch: RecordBatch): string | null {
  // A few equal records (a keepalive, an ARP) are no proof.
  if (batch.count < SAME_RECORDS) return null
  let hash = 0x811c9dc5
  let octets = 0
  let i = 0
  for (; i < batch.count && octets < 65_536; i++) {
    const start = batch.starts[i]!
    const end = start + batch.capLens[i]!
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ batch.bytes[at]!, 0x01000193)
    octets += end - start
  }
  return `${batch.times[0]} ${batch.times[i - 1]} ${i} ${octets} ${hash}`
}

/** Puts a source, and the batch already read from it, on the common time zero. */
function moveOrigin(source: OpenSource, originNs: bigint): void {
  const { clock, info } = source.state
  const shift = clock.originNs === null ? 0 : Number(clock.originNs - originNs)
  clock.set(originNs)
  if (shift === 0 || source.ahead === null) return
  const { times, count } = source.ahead
  for (let i = 0; i < count; i++) times[i] = times[i]! + shift
  info.firstNs += shift
  info.lastNs += shift
}
