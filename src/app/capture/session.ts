import { arch, cpus } from 'node:os'
import { version } from '../../base/version.ts'
import { ChunkInput } from '../../capture/chunks.ts'
import { pcap } from '../../capture/formats/pcap.ts'
import { newSourceState, type SourceState } from '../../capture/source-state.ts'
import type { RecordBatch } from '../../capture/types.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { interfaceNames } from './interfaces.ts'
import { Recorder } from './recorder.ts'
import { startTcpdump, type Tcpdump, type TcpdumpOptions } from './tcpdump.ts'
import type { TcpdumpCounts } from './tcpdump-words.ts'

/** Where the blocks of a capture go. Whatever it throws ends the capture. */
export interface PacketSink {
  /** @param header  begins a file, with all interfaces known now; the sink may ask again later */
  begin(header: () => Uint8Array): void | Promise<void>
  /** Descriptions of interfaces that packets come by for the first time. */
  interfaces(blocks: Uint8Array): void | Promise<void>
  /** @param blocks  valid until it returns */
  packets(blocks: Uint8Array, of: { count: number }): void | Promise<void>
  /** @param trailer  ends a file */
  end(trailer: Uint8Array): void | Promise<void>
}

/** Looks at packets before they are written; what it says becomes a comment of the packet. */
export interface PacketInspector {
  begin(batch: RecordBatch): void
  comment(i: number): string | undefined
}

export interface SessionOptions extends TcpdumpOptions {
  host: HostFiles
  sink: PacketSink
  inspector?: PacketInspector
  /** Comments of the section. */
  comments?: readonly string[]
  /** Since it listens; null: until it is ended. */
  forMs: number | null
  /** Ends it; what came so far is kept. */
  signal?: AbortSignal | undefined
  onListening?: (session: RunningSession) => void
}

export type EndedBy = 'time' | 'signal' | 'sink' | 'tcpdump'

export interface RunningSession {
  /** Of tcpdump, which is in the target's network namespace. */
  pid: number
  /** Ends it early, for a reason of the sink's. */
  stop(): void
  /** Has tcpdump print its counts, for a trailer a moment later. */
  askCounts(): void
  /** As the sink gets it at the end, with the counts known now. */
  trailer(): Uint8Array
}

export interface SessionResult {
  counts: TcpdumpCounts
  endedBy: EndedBy
  startNs: bigint
  endNs: bigint
  /** What tcpdump said last, when it ended by itself. */
  lastWords: string
  /** Of the sink; what it had taken before is whole. */
  failure: unknown
}

/**
 * Runs tcpdump until something ends it, and hands its packets to the sink as pcapng. However it ends, tcpdump is gone and
 * the sink was told the end.   @throws TcpwhyError as startTcpdump, before anything reached the sink
 */
export async function runSession(options: SessionOptions): Promise<SessionResult> {
  const tcpdump = await startTcpdump(options)
  const startNs = nowNs(options.host)
  const recorder = recorderOf(options, tcpdump)
  const ending = new Ending(tcpdump, options)
  let failure: unknown = null
  try {
    await options.sink.begin(() => recorder.header())
    options.onListening?.({
      pid: tcpdump.pid,
      stop: () => ending.by('sink'),
      askCounts: () => tcpdump.askCounts(),
      trailer: () =>
        recorder.trailer(tcpdump.words.counts, { startNs, endNs: nowNs(options.host) }),
    })
    await pump(tcpdump, recorder, options)
  } catch (cause) {
    failure = cause
    ending.by('sink')
    tcpdump.discard()
  }
  ending.by('tcpdump')
  await tcpdump.ended
  await tcpdump.octets.close()
  const endNs = nowNs(options.host)
  const { counts } = tcpdump.words
  try {
    await options.sink.end(recorder.trailer(counts, { startNs, endNs }))
  } catch (cause) {
    failure ??= cause
  }
  const { reason } = ending
  const lastWords = reason === 'tcpdump' ? tcpdump.words.complaint : ''
  return { counts, endedBy: reason ?? 'tcpdump', startNs, endNs, lastWords, failure }
}

async function pump(tcpdump: Tcpdump, recorder: Recorder, options: SessionOptions): Promise<void> {
  const { sink, inspector } = options
  const state: SourceState = newSourceState(0, 'tcpdump')
  const stream = pcap.read(new ChunkInput(tcpdump.octets), state)
  const comment = inspector === undefined ? null : (i: number) => inspector.comment(i)
  for (;;) {
    const batch = await stream.next()
    if (batch === null) {
      // Even when nothing came by, the file says where it was listened.
      const none = recorder.onlyInterface(state.info.interfaces[0]?.link ?? null)
      if (none !== null) await sink.interfaces(none)
      return
    }
    const originNs = state.clock.originNs ?? 0n
    const added = recorder.newInterfaces(batch)
    if (added !== null) await sink.interfaces(added)
    inspector?.begin(batch)
    const blocks = recorder.encode(batch, originNs, comment)
    await sink.packets(blocks, { count: batch.count })
  }
}

/** The first reason wins; tcpdump is told to end. */
class Ending {
  reason: EndedBy | null = null
  private readonly tcpdump: Tcpdump
  private readonly timer: NodeJS.Timeout | null
  private readonly signal: AbortSignal | undefined
  private readonly onAbort = () => this.by('signal')

  constructor(tcpdump: Tcpdump, { forMs, signal }: SessionOptions) {
    this.tcpdump = tcpdump
    this.timer = forMs === null ? null : setTimeout(() => this.by('time'), forMs)
    this.signal = signal
    signal?.addEventListener('abort', this.onAbort, { once: true })
    if (signal?.aborted) this.by('signal')
  }

  by(reason: EndedBy): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.signal?.removeEventListener('abort', this.onAbort)
    // Ctrl-C reaches tcpdump too, perhaps before us.
    this.reason ??= this.signal?.aborted ? 'signal' : reason
    this.tcpdump.stop()
  }
}

function recorderOf(options: SessionOptions, tcpdump: Tcpdump): Recorder {
  const { host, snapLen, filter, comments = [] } = options
  let names = new Map<number, string>()
  return new Recorder({
    section: {
      hardware: `${arch()} ${cpus()[0]?.model ?? ''}`.trim(),
      os: `Linux ${host.release()} (${host.hostName()})`,
      application: `tcpwhy ${version}`,
      comments,
    },
    interface: options.interface,
    snapLen,
    filter,
    nameOf(index) {
      if (!names.has(index)) names = interfaceNames(host, tcpdump.pid)
      return names.get(index) ?? null
    },
  })
}

function nowNs(host: HostFiles): bigint {
  return BigInt(host.epochMs()) * 1_000_000n
}
