import { AddressBook } from '../base/addresses.ts'
import { type CaptureInput, openCaptures } from '../capture/open.ts'
import type { CaptureReader, CaptureSourceInfo, RecordBatch } from '../capture/types.ts'
import { FlowAnalysis, type FlowResult } from '../flow/analysis.ts'
import type { Core } from '../flow/core/core.ts'
import { WHY_DECODE, WHY_ENDS, WHY_EXPIRES } from '../flow/core/layout.ts'
import type { ConnectionFacts } from '../flow/facts.ts'
import { Decoder } from '../packet/decode.ts'
import {
  KIND_FRAGMENT,
  KIND_ICMP_ERROR,
  KIND_TCP,
  KIND_UNREADABLE,
  Packet,
} from '../packet/packet.ts'
import { hasPayload } from '../packet/payload.ts'
import { coreForReading } from './core.ts'
import { FrameMap } from './frame-map.ts'

/** Records of another sort in a row (IPv6, tunnels, UDP) after which the core is not asked again for the batch. */
const FOREIGN_MAX = 16

interface Counts {
  tcp: number
  fragments: number
  icmpErrors: number
  unreadable: number
  other: number
}

const BATCHES_A_TURN = 32

export interface ReadOptions {
  onConnection?: (facts: ConnectionFacts) => void
  /** See FlowOptions. */
  allAnswers?: boolean
  /** Called after each batch with octets done and in all (null when not known). */
  onProgress?: (done: number, total: number | null) => void
  /** Looked at between batches: true ends the reading early, as if the input had ended. */
  stopped?: () => boolean
  /** Makes the filter once the capture's clock and addresses are known; null = everything is analysed. */
  filter?: (
    addresses: AddressBook,
    originNs: bigint,
  ) => ((packet: Packet, tNs: number) => boolean) | null
  /** Where numbering goes on and which instant is time zero, when this is not the first capture of a comparison. */
  base?: { frame: number; connection: number; originNs: bigint }
  /** Ends the reading as soon as connections seem to be there twice: it has to be read otherwise. Files only. */
  leaveAtBothSides?: boolean
  /** Does what it can of the work; null = nothing. Left out: the one that was built, where there is one. */
  core?: Core | null
  /** Awaited after each batch, for whoever writes connections out as they end. */
  drain?: () => Promise<void>
}

export interface FlowsRead {
  flows: FlowResult
  /** It was not read to its end (`leaveAtBothSides`). */
  left: boolean
  frames: FrameMap
  /** Unix time of millisecond 0. */
  originNs: bigint
  /** Nanoseconds between millisecond 0 and the first record of this reading. */
  shiftNs: number
  /** Running number of the first frame. */
  firstFrame: number
  sources: readonly CaptureSourceInfo[]
  /** Per source: frames that were TCP, fragments, ICMP errors, unreadable. */
  counts: {
    tcp: number
    fragments: number
    icmpErrors: number
    unreadable: number
    other: number
  }[]
  /** Segments of which more payload was captured than a header-only capture keeps. */
  payloadFrames: number
  addresses: AddressBook
  /** What was left out; of the packets of one connection perhaps some. */
  filter: ReadOptions['filter']
}

/** Tier 1 over one joined input: every record decoded once, every segment tracked. */
export async function readFlows(
  inputs: readonly CaptureInput[],
  options: ReadOptions = {},
): Promise<FlowsRead> {
  const core = options.core === undefined ? coreForReading(octetsOf(inputs)) : options.core
  const reader = await openCaptures(inputs, core === null ? {} : { arena: core })
  try {
    const leaves = options.leaveAtBothSides === true && octetsOf(inputs) !== null
    return await readAll(reader, options, core, leaves)
  } finally {
    await reader.close()
  }
}

function octetsOf(inputs: readonly CaptureInput[]): number | null {
  return inputs.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes.size === null ? null : sum + bytes.size),
    0,
  )
}

async function readAll(
  reader: CaptureReader,
  options: ReadOptions,
  core: Core | null,
  leaves: boolean,
): Promise<FlowsRead> {
  const addresses = new AddressBook()
  const decoder = new Decoder(addresses)
  const analysis = new FlowAnalysis({
    addresses,
    core,
    allAnswers: options.allAnswers ?? false,
    ...(options.onConnection === undefined ? {} : { onConnection: options.onConnection }),
  })
  const frames = new FrameMap((options.base?.frame ?? 0) + 1)
  analysis.tracker.connections = options.base?.connection ?? 0
  const originNs = options.base?.originNs ?? reader.clock.originNs
  const shiftNs = Number(reader.clock.originNs - originNs)
  const accepts = options.filter?.(addresses, originNs) ?? null
  const consumer = new Consumer(analysis, decoder, accepts, core)
  let batches = 0
  let left = false
  const counts: Counts[] = reader.sources.map(() => ({
    tcp: 0,
    fragments: 0,
    icmpErrors: 0,
    unreadable: 0,
    other: 0,
  }))
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const count = counts[batch.source]!
    analysis.tracker.headerFieldsMissing = reader.sources[batch.source]!.headerFieldsMissing
    const first = frames.add(batch.source, batch.firstFrame, batch.count)
    if (shiftNs !== 0) for (let i = 0; i < batch.count; i++) batch.times[i]! += shiftNs
    consumer.consume(batch, first, count)
    left = leaves && analysis.holdsBothSides
    if (left) break
    if (options.onProgress !== undefined) {
      const { done, total } = reader.progress()
      options.onProgress(done, total)
    }
    if (options.drain !== undefined) await options.drain()
    if (options.stopped !== undefined && ++batches % BATCHES_A_TURN === 0) {
      // Files are read without waiting: without a turn of the event loop Ctrl-C would not be heard.
      await new Promise((resolve) => setImmediate(resolve))
      if (options.stopped()) break
    }
  }
  return {
    flows: analysis.finish(),
    left,
    frames,
    originNs,
    shiftNs,
    firstFrame: (options.base?.frame ?? 0) + 1,
    sources: reader.sources,
    counts,
    payloadFrames: consumer.payloadFrames,
    addresses,
    filter: options.filter,
  }
}

/** The loop over the records of a batch, in a function of its own: V8 compiles an async one less well. */
class Consumer {
  payloadFrames = 0
  private readonly packet = new Packet()
  private readonly core: Core | null
  private readonly analysis: FlowAnalysis
  private readonly decoder: Decoder
  private readonly accepts: ((packet: Packet, tNs: number) => boolean) | null

  constructor(
    analysis: FlowAnalysis,
    decoder: Decoder,
    accepts: ((packet: Packet, tNs: number) => boolean) | null,
    core: Core | null,
  ) {
    this.core = core

    this.analysis = analysis
    this.decoder = decoder
    this.accepts = accepts
  }

  consume(batch: RecordBatch, first: number, counts: Counts): void {
    const { core } = this
    if (core !== null && this.accepts === null && core.begin(batch)) {
      this.withCore(core, batch, first, counts)
    } else this.range(batch, { from: 0, to: batch.count }, first, counts)
    if (this.payloadFrames > 0) this.analysis.sawPayload()
  }

  /** The core goes through the records and stops at each that it cannot finish. */
  private withCore(core: Core, batch: RecordBatch, first: number, counts: Counts): void {
    const { packet, analysis } = this
    const { count } = batch
    let foreign = 0
    for (let i = core.run(0, first); i < count; i = core.run(i + 1, first)) {
      const { why } = core
      if (why === WHY_DECODE) {
        if (++foreign < FOREIGN_MAX) this.range(batch, { from: i, to: i + 1 }, first, counts)
        else {
          this.range(batch, { from: i, to: count }, first, counts)
          break
        }
        continue
      }
      foreign = 0
      core.read(packet)
      if (why === WHY_ENDS) analysis.settle(packet)
      else if (why === WHY_EXPIRES) analysis.expire(packet)
      else this.tcp(packet, counts)
    }
    const taken = analysis.catchUp()
    counts.tcp += taken.segments
    this.payloadFrames += taken.payloadFrames
  }

  private tcp(packet: Packet, counts: Counts): void {
    counts.tcp++
    if (hasPayload(packet)) this.payloadFrames++
    this.analysis.segment(packet)
  }

  private range(
    batch: RecordBatch,
    { from, to }: { from: number; to: number },
    first: number,
    counts: Counts,
  ): void {
    const { view, bytes, starts, capLens, wireLens, links, times } = batch
    const { packet, decoder, analysis, accepts } = this
    let tcp = 0
    let payloadFrames = 0
    for (let i = from; i < to; i++) {
      const start = starts[i]!
      const kind = decoder.decode(view, bytes, start, capLens[i]!, wireLens[i]!, links[i]!, packet)
      if (kind !== KIND_TCP) {
        this.other(kind, times[i]!, first + i, counts)
        continue
      }
      tcp++
      if (accepts !== null && !accepts(packet, times[i]!)) continue
      if (hasPayload(packet)) payloadFrames++
      packet.tNs = times[i]!
      packet.frame = first + i
      analysis.segment(packet)
    }
    counts.tcp += tcp
    this.payloadFrames += payloadFrames
  }

  private other(kind: number, tNs: number, frame: number, counts: Counts): void {
    const { packet, accepts } = this
    if (kind === KIND_ICMP_ERROR) {
      counts.icmpErrors++
      if (accepts !== null && !accepts(packet, tNs)) return
      packet.tNs = tNs
      packet.frame = frame
      this.analysis.icmpError(packet)
    } else if (kind === KIND_FRAGMENT) counts.fragments++
    else if (kind === KIND_UNREADABLE) counts.unreadable++
    else counts.other++
  }
}
