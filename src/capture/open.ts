import { TcpwhyError } from '../base/errors.ts'
import type { ByteSource } from './byte-source.ts'
import { CHUNK_OCTETS, ChunkInput } from './chunks.ts'
import { compressionOf, decompressed } from './decompress.ts'
import type { CaptureFormat, RecordStream } from './formats/format.ts'
import { captureFormats } from './formats/index.ts'
import { notCaptureError } from './not-a-capture.ts'
import { newSourceState, type SourceState } from './source-state.ts'
import type { CaptureReader, RecordBatch } from './types.ts'

/** Octets looked at to say what a file is; a shorter file is looked at whole. */
const SNIFF_OCTETS = 4096

export interface CaptureInput {
  /** As the user wrote it; "-" for standard input. */
  name: string
  bytes: ByteSource
}

export interface OpenOptions {
  /** Octets read at once. Small ones are for tests. */
  chunkOctets?: number
}

/** One source opened, with its first batch read so that its first time is known. */
interface OpenSource {
  state: SourceState
  input: ChunkInput
  stream: RecordStream
  ahead: RecordBatch | null
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
    for (const [index, input] of inputs.entries()) {
      sources.push(await openSource(index, input.name, meter.watch(input.bytes), options))
    }
    return new Reader(sources, meter)
  } catch (cause) {
    await Promise.all(inputs.map((input) => input.bytes.close().catch(() => {})))
    throw cause
  }
}

async function openSource(
  index: number,
  name: string,
  bytes: ByteSource,
  options: OpenOptions,
): Promise<OpenSource> {
  const state = newSourceState(index, name)
  const chunkOctets = options.chunkOctets ?? CHUNK_OCTETS
  const outer = new ChunkInput(bytes, chunkOctets)
  const input = await unwrap(outer, state, chunkOctets)
  const format = await recognise(state, input)
  state.info.format = format.id
  const stream = format.read(input, state)
  return { state, input, stream, ahead: await stream.next() }
}

/** The octets inside a compressed file; one layer, for nobody compresses twice and a bomb might. */
async function unwrap(
  outer: ChunkInput,
  state: SourceState,
  chunkOctets: number,
): Promise<ChunkInput> {
  const head = await headOf(outer)
  const compression = compressionOf(head)
  if (compression === null) return outer
  state.info.compression = compression
  const inner = await decompressed(compression, outer.rest(), (fault, text) => {
    state.faults.note(fault, { frame: state.info.records, offset: -1 }, text)
  })
  return new ChunkInput(inner, chunkOctets)
}

async function headOf(input: ChunkInput): Promise<Uint8Array> {
  while (input.bytes.length < SNIFF_OCTETS && (await input.advance(input.bytes.length)));
  return input.bytes
}

async function recognise(state: SourceState, input: ChunkInput): Promise<CaptureFormat> {
  const { name, compression, faults } = state.info
  const head = await headOf(input)
  const broken = faults.find((fault) => fault.name !== 'checksum-not-verified')
  if (head.length === 0 && compression !== null && broken !== undefined) {
    const message = `Nothing in ${name} can be read. ${broken.text}`
    throw new TcpwhyError('CAPTURE_UNREADABLE', message, 'Copy or download the file again.')
  }
  if (head.length === 0) {
    const todo = 'If tcpdump is still writing it, use tcpdump -U or wait for it to end.'
    throw new TcpwhyError('CAPTURE_EMPTY', `${name} is empty.`, todo)
  }
  const format = captureFormats.find((candidate) => candidate.sniff(head))
  if (format === undefined) throw notCaptureError(name, head)
  return format
}

/** Counts the octets taken from the inputs, for a progress bar. */
class Meter {
  done = 0
  readonly total: number | null

  constructor(inputs: readonly CaptureInput[]) {
    let total: number | null = 0
    for (const { bytes } of inputs) {
      total = total === null || bytes.size === null ? null : total + bytes.size
    }
    this.total = total
  }

  watch(source: ByteSource): ByteSource {
    return {
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
  private readonly queue: OpenSource[]

  constructor(open: OpenSource[], meter: Meter) {
    this.open = open
    this.meter = meter
    this.sources = open.map((source) => source.state.info)
    const origins = open.map((source) => source.state.clock.originNs)
    const known = origins.filter((origin) => origin !== null)
    this.clock = { originNs: known.reduce((a, b) => (b < a ? b : a), known[0] ?? 0n) }
    for (const source of open) moveOrigin(source, this.clock.originNs)
    this.queue = open.filter((source) => source.ahead !== null)
    this.queue.sort((a, b) => a.state.info.firstNs - b.state.info.firstNs)
  }

  async next(): Promise<RecordBatch | null> {
    for (;;) {
      const source = this.queue[0]
      if (source === undefined) return null
      const batch = source.ahead ?? (await source.stream.next())
      source.ahead = null
      if (batch !== null) return batch
      this.queue.shift()
    }
  }

  progress(): { done: number; total: number | null } {
    return { done: this.meter.done, total: this.meter.total }
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((source) => source.input.close()))
  }
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
