import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { assert, assertNever } from '../../base/assert.ts'
import { TcpwhyError } from '../../base/errors.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { captureWords as words } from '../../messages/en/capture.ts'
import { render } from '../../messages/render.ts'
import { nodeHost } from '../node-host.ts'
import { droppedOf, FileSink } from './headers.ts'
import { closeWaitTrigger, listenersIn, overflowTrigger } from './host-triggers.ts'
import { logTrigger } from './log-trigger.ts'
import { isFull, PacketFile, refuseExisting } from './packet-file.ts'
import { ResetWatch } from './reset-watch.ts'
import { Ring } from './ring.ts'
import {
  type EndedBy,
  type PacketSink,
  type RunningSession,
  runSession,
  type SessionResult,
} from './session.ts'
import { resolveTarget, type Target, type TargetAsk } from './target.ts'
import { makeTemporary, removeTemporary } from './temporary.ts'
import type { Fired, PolledTrigger, TriggerSpec } from './triggers.ts'

export interface CaptureOptions extends TargetAsk {
  /** Default: all interfaces. */
  interface: string
  snapLen: number
  filter: string
  promiscuous: boolean
  /** A path, or what takes the octets (standard output). */
  output: string | ((octets: Uint8Array) => Promise<void>)
  maxOctets: number
  /** Keeps only so much, until a trigger or the end. */
  ringMs: number | null
  triggers: readonly TriggerSpec[]
  /** How long it goes on after a trigger. */
  tailMs: number
  /** So many triggers, each with a file of its own. */
  times: number
  forMs: number | null
  signal?: AbortSignal
  onEvent?: (event: CaptureEvent) => void
  host?: HostFiles
}

export type CaptureEvent =
  | { kind: 'listening'; target: Target; folder: string | null }
  | { kind: 'progress'; packets: number; octets: number }
  | { kind: 'fired'; fired: Fired }
  | { kind: 'saved'; file: CapturedFile }
  | { kind: 'log-too-slow' }
  | { kind: 'ring-cut' }

export interface CapturedFile {
  /** Null: standard output. */
  path: string | null
  packets: number
  octets: number
  /** What made it be kept; null: the end. */
  fired: Fired | null
}

export interface CaptureResult {
  files: CapturedFile[]
  /** Lost before they could be read, over all; null: not told. */
  dropped: number | null
  /** 'full': --max-size was reached. */
  endedBy: Exclude<EndedBy, 'sink'> | 'full' | 'disk-full' | 'triggers'
  /** What tcpdump said last, when it ended by itself. */
  lastWords: string
  startMs: number
  endMs: number
}

const POLL_MS = 1000

/**
 * `tcpwhy capture`. However it ends, the file is valid, tcpdump is gone, and no temporary folder is left.
 * @throws TcpwhyError CAPTURE_*, TARGET_*, OUTPUT_UNWRITABLE, BAD_ARGUMENT; what `output` throws, when it is a function
 */
export async function capture(options: CaptureOptions): Promise<CaptureResult> {
  assert(options.triggers.length === 0 || options.ringMs !== null, 'a trigger without a ring')
  const host = options.host ?? nodeHost()
  return new Capture(host, resolveTarget(host, options), options).run()
}

class Capture {
  private readonly host: HostFiles
  private readonly target: Target
  private readonly options: CaptureOptions
  private readonly watch: ResetWatch
  private readonly files: CapturedFile[] = []
  private ring: Ring | null = null
  private file: FileSink | null = null
  private folder: string | null = null
  private session: RunningSession | null = null
  private polled: PolledTrigger[] = []
  private listeners = new Map<number, string>()
  private fired: Fired | null = null
  private tailTimer: NodeJS.Timeout | null = null
  private reason: 'full' | 'triggers' | null = null
  private trailer: Uint8Array = new Uint8Array(0)
  private slowTold = false
  private cutTold = false
  private packets = 0
  private octets = 0

  constructor(host: HostFiles, target: Target, options: CaptureOptions) {
    this.host = host
    this.target = target
    this.options = options
    this.watch = new ResetWatch({
      burst: options.triggers.find((trigger) => trigger.kind === 'reset-burst') ?? null,
      onBurst: (fired) => this.fire(fired),
      listenerAt: (port) => this.listeners.get(port),
    })
  }

  async run(): Promise<CaptureResult> {
    const { options, host, target } = this
    let timer: NodeJS.Timeout | null = null
    try {
      const sink = this.makeSink()
      // Before packets come: looking through all processes takes its time.
      this.listeners = listenersIn(host, target.netns)
      timer = setInterval(() => this.poll(), POLL_MS)
      const result = await runSession({
        ...options,
        host,
        target,
        sink: this.counted(sink),
        inspector: this.watch,
        comments: [render(words.section, { target: target.label })],
        onListening: (session) => this.begin(session),
      })
      return this.finish(result)
    } finally {
      if (timer !== null) clearInterval(timer)
      if (this.tailTimer !== null) clearTimeout(this.tailTimer)
      for (const trigger of this.polled) trigger.close?.()
      if (this.folder !== null) removeTemporary(this.folder)
    }
  }

  private makeSink(): PacketSink {
    const { output, maxOctets, ringMs } = this.options
    if (ringMs !== null) return this.makeRing(ringMs)
    if (typeof output !== 'string') return streamSink(output)
    this.file = new FileSink(() => new PacketFile(output), maxOctets)
    this.file.onFull = () => this.stop('full')
    return this.file
  }

  private makeRing(keepMs: number): Ring {
    const { output, maxOctets } = this.options
    if (typeof output !== 'string' || (existsSync(output) && !statSync(output).isFile())) {
      throw new TcpwhyError(
        'BAD_ARGUMENT',
        'A ring becomes a file: it cannot be written to a pipe or device',
        'Name a file: -w incident.pcapng.',
      )
    }
    refuseExisting(output)
    this.folder = makeTemporary(this.host, dirname(resolve(output)))
    const nowMs = () => this.host.nowMs()
    this.ring = new Ring({ folder: this.folder, keepMs, maxOctets, nowMs })
    this.ring.onFull = () => this.endOfTail()
    return this.ring
  }

  private counted(sink: PacketSink): PacketSink {
    return {
      begin: (header) => sink.begin(header),
      interfaces: (blocks) => sink.interfaces(blocks),
      packets: (blocks, of) => {
        this.packets += of.count
        this.octets += blocks.length
        return sink.packets(blocks, of)
      },
      end: (trailer) => {
        this.trailer = trailer.slice()
        return sink.end(trailer)
      },
    }
  }

  private begin(session: RunningSession): void {
    this.session = session
    const { triggers } = this.options
    this.polled = triggers.flatMap((spec) => this.triggerOf(spec, session.pid) ?? [])
    this.tell({ kind: 'listening', target: this.target, folder: this.folder })
  }

  private triggerOf(spec: TriggerSpec, pid: number): PolledTrigger | null {
    switch (spec.kind) {
      case 'reset-burst':
        return null // the packets themselves tell: ResetWatch
      case 'overflow':
        return overflowTrigger(this.host, pid)
      case 'close-wait':
        return closeWaitTrigger(this.host, pid, spec.count)
      case 'log':
        return logTrigger(spec.path, spec.pattern, () => this.tooSlow())
      default:
        return assertNever(spec)
    }
  }

  private poll(): void {
    if (this.session === null) return
    for (const trigger of this.polled) {
      const fired = trigger.poll()
      if (fired !== null) this.watch.pending = this.fire(fired)
    }
    if (this.ring !== null && this.ring.cutBySize > 0 && !this.cutTold) {
      this.cutTold = true
      this.tell({ kind: 'ring-cut' })
    }
    this.tell({ kind: 'progress', packets: this.packets, octets: this.octets })
  }

  /** @returns what is to stand at the packet of that moment */
  private fire(fired: Fired): string {
    const what = render(words.fired[fired.kind], fired.values)
    if (this.fired === null) {
      this.fired = fired
      this.tell({ kind: 'fired', fired })
      // Not in the middle of a batch: its packets are still to come into the ring.
      setImmediate(() => this.beginTail())
    }
    return render(words.moment, { what })
  }

  private beginTail(): void {
    this.ring?.freeze()
    this.session?.askCounts()
    this.tailTimer = setTimeout(() => this.endOfTail(), this.options.tailMs)
  }

  private endOfTail(): void {
    if (this.fired === null || this.ring === null) return
    if (this.files.length + 1 >= this.options.times) {
      this.stop('triggers')
      return
    }
    if (this.tailTimer !== null) clearTimeout(this.tailTimer)
    this.save(this.ring, { trailer: this.session!.trailer(), wasFull: false })
    this.ring.restart()
    this.watch.restart()
    this.fired = null
  }

  private stop(reason: 'full' | 'triggers'): void {
    this.reason ??= reason
    this.session?.stop()
  }

  private finish(result: SessionResult): CaptureResult {
    const { failure } = result
    const isDiskFull = failure !== null && isFull(failure)
    // A watch that saw nothing more since its last file has nothing to keep.
    if (this.ring !== null && (this.files.length === 0 || this.fired !== null)) {
      this.save(this.ring, { trailer: this.trailer, wasFull: isDiskFull })
    } else if (this.ring === null) {
      const path = typeof this.options.output === 'string' ? this.options.output : null
      const { count, octets } = this.file ?? { count: this.packets, octets: this.octets }
      this.saved({ path, packets: count, octets, fired: null })
    }
    if (failure !== null && !isDiskFull) throw failure
    return {
      files: this.files,
      dropped: droppedOf(result.counts),
      endedBy: isDiskFull ? 'disk-full' : endedBy(result.endedBy, this.reason),
      lastWords: result.lastWords,
      startMs: Number(result.startNs / 1_000_000n),
      endMs: Number(result.endNs / 1_000_000n),
    }
  }

  private save(ring: Ring, { trailer, wasFull }: { trailer: Uint8Array; wasFull: boolean }): void {
    const { packets, octets, path } = ring.save(this.nextPath(), trailer, wasFull)
    this.saved({ path, packets, octets, fired: this.fired })
  }

  private saved(file: CapturedFile): void {
    this.files.push(file)
    this.tell({ kind: 'saved', file })
  }

  /** incident.pcapng, incident-2.pcapng, incident-3.pcapng. */
  private nextPath(): string {
    const path = this.options.output as string
    const nth = this.files.length + 1
    return nth === 1 ? path : path.replace(/(\.[^./]+)?$/, (ending) => `-${nth}${ending}`)
  }

  private tooSlow(): void {
    if (!this.slowTold) this.tell({ kind: 'log-too-slow' })
    this.slowTold = true
  }

  private tell(event: CaptureEvent): void {
    this.options.onEvent?.(event)
  }
}

function endedBy(by: EndedBy, reason: 'full' | 'triggers' | null): CaptureResult['endedBy'] {
  return by === 'sink' ? (reason ?? 'full') : by
}

function streamSink(write: (octets: Uint8Array) => Promise<void>): PacketSink {
  return {
    begin: (header) => write(header()),
    interfaces: write,
    packets: (blocks) => write(blocks),
    end: write,
  }
}
