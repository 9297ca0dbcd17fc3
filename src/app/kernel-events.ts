import type { EventsFacts, EventsMissing, EventsRecording } from '../host/events.ts'
import { COLLECT_LIMITS, type CollectLimits, EventsCollector } from '../host/tracefs/collect.ts'
import type { TraceFormat } from '../host/tracefs/format.ts'
import { maskPointers, PointerMask } from '../host/tracefs/mask.ts'
import { noEvents } from '../host/tracefs/replay.ts'
import { mountDetached } from './kernel/detached-mount.ts'
import { Tasks } from './kernel/tasks.ts'
import { nodeHost } from './node-host.ts'
import { nodeTraceFiles, type PageReader } from './trace-files.ts'
import {
  type Machine,
  makeInstance,
  openLateReaders,
  overrunOf,
  removeInstance,
  type TraceInstance,
} from './trace-instance.ts'

/** Often enough for a thread's name to be there still, seldom enough to cost nothing. */
const POLL_MS = 250
/** Of one core. What comes faster waits in the buffers, or is overwritten and counted, rather than that the host pays for it. */
const CPU_SHARE = 0.02
/**
 * So many handshakes that ended are counted, and the kernel tells of no more then: at 1,000 a second those of 10 s. Their rate is
 * known by then, and what is out of the ordinary must not be overwritten by what is not.
 */
const MAX_ESTABLISHED = 10_000

export interface WatchOptions {
  limits?: CollectLimits
  /** Keep so many octets of raw pages, for recording(). */
  recordOctets?: number
  pollMs?: number
  maxEstablished?: number
}

export interface KernelWatch {
  /** So far, by "KIND REASON". Reads what has come in. */
  counts(): ReadonlyMap<string, number>
  /** Ends the watch, leaves nothing behind. The same facts when called again. */
  stop(): EventsFacts
  /** Stops, and gives what the facts were made from: of the pages as many as recordOctets allowed. */
  recording(): EventsRecording
}

export function thisMachine(): Machine {
  const mountTracefs = () => mountDetached('tracefs')
  return { host: nodeHost(), files: nodeTraceFiles(), arch: process.arch, mountTracefs }
}

/**
 * Watches what the kernel tells about connections through a trace instance of its own, until stop(). Never throws and never
 * ends the run: what cannot be watched is in `missing`. The instance is removed at stop(), and when the process ends by
 * itself or by a signal; after a SIGKILL by the next run.
 */
export function watchKernelEvents(
  options: WatchOptions = {},
  machine: Machine = thisMachine(),
): KernelWatch {
  const made = makeInstance(machine)
  if (made.is === 'missing') return unwatched(machine, made.missing)
  return new Watch(made.instance, machine, options)
}

function unwatched(machine: Machine, missing: EventsMissing): KernelWatch {
  const facts = noEvents([missing])
  const recording: EventsRecording = {
    littleEndian: machine.host.endianness() === 'LE',
    arch: machine.arch,
    headerPage: '',
    formats: {},
    pages: [],
    pagesLeftOut: 0,
    tasks: {},
    overrun: 0,
    fromNs: null,
    toNs: null,
    realtimeOffsetNs: null,
    establishedUntilNs: null,
    missing: facts.missing,
  }
  return { counts: () => facts.counts, stop: () => facts, recording: () => recording }
}

class Watch implements KernelWatch {
  private readonly instance: TraceInstance
  private readonly machine: Machine
  private readonly collector: EventsCollector
  private readonly tasks: Tasks
  private readonly formats: ReadonlyMap<number, { event: string; format: TraceFormat }>
  private readonly mask = new PointerMask()
  private readonly page: Uint8Array
  private readonly pages: { cpu: number; octets: Uint8Array }[] = []
  private readonly timer: NodeJS.Timeout
  private readonly fromNs = process.hrtime.bigint()
  private readonly forget: () => void
  private readonly pollMs: number
  private readonly maxEstablished: number
  /** When the kernel was told to tell of no more handshakes; 'never' where they cannot be counted then. */
  private enough: bigint | 'never' | null = null
  private room: number
  private leftOut = 0
  private facts: EventsFacts | null = null
  private overrun = 0

  constructor(instance: TraceInstance, machine: Machine, options: WatchOptions) {
    const { layout, events } = instance
    this.instance = instance
    this.machine = machine
    this.tasks = new Tasks(machine.host)
    this.formats = new Map(events.map(({ event, format }) => [format.id, { event, format }]))
    this.collector = new EventsCollector(
      {
        layout,
        formats: this.formats,
        littleEndian: machine.host.endianness() === 'LE',
        arch: machine.arch,
        task: (tid) => this.tasks.of(tid),
      },
      options.limits ?? COLLECT_LIMITS,
    )
    this.maxEstablished = options.maxEstablished ?? MAX_ESTABLISHED
    this.collector.countEstablished(this.countedFrom(), null)
    this.page = new Uint8Array(layout.pageSize)
    this.room = options.recordOctets ?? 0
    this.pollMs = options.pollMs ?? POLL_MS
    this.timer = setInterval(() => this.poll(this.pollMs * CPU_SHARE), this.pollMs)
    this.timer.unref()
    this.forget = atEnd(() => this.remove())
  }

  counts(): ReadonlyMap<string, number> {
    if (this.facts !== null) return this.facts.counts
    this.poll(this.pollMs * CPU_SHARE)
    return this.collector.counted
  }

  stop(): EventsFacts {
    if (this.facts !== null) return this.facts
    clearInterval(this.timer)
    const { machine, instance } = this
    machine.files.write(`${instance.path}/tracing_on`, '0')
    const toNs = process.hrtime.bigint()
    this.collector.countEstablished(this.countedFrom(), this.establishedUntil(toNs))
    openLateReaders(machine, instance)
    this.poll(Number.POSITIVE_INFINITY)
    this.overrun = overrunOf(machine.host, instance)
    this.remove()
    this.forget()
    this.facts = this.factsUntil(toNs)
    return this.facts
  }

  recording(): EventsRecording {
    const { pages, instance, machine, tasks } = this
    const { fromNs, toNs, realtimeOffsetNs, established, missing } = this.stop()
    return {
      littleEndian: machine.host.endianness() === 'LE',
      arch: machine.arch,
      headerPage: instance.headerPage,
      formats: Object.fromEntries(instance.events.map(({ event, text }) => [event, text])),
      pages,
      pagesLeftOut: this.leftOut,
      tasks: tasks.all(),
      overrun: this.overrun,
      fromNs,
      toNs,
      realtimeOffsetNs,
      establishedUntilNs: established?.untilNs ?? null,
      missing,
    }
  }

  private factsUntil(toNs: bigint): EventsFacts {
    const { instance, fromNs } = this
    const { missing, monotonic, plan } = instance
    const collected = this.collector.collected()
    return {
      ...collected,
      lost: Math.max(collected.lost, this.overrun),
      fromNs,
      toNs,
      realtimeOffsetNs: monotonic ? realtimeOffset() : null,
      resetReasons: plan.resetReasons,
      dropReasons: plan.dropReasons,
      missing,
    }
  }

  /** One page of each processor in turn, so that a busy one does not starve the others, for so long or until none is left. */
  private poll(forMs: number): void {
    const until = this.machine.host.nowMs() + forMs
    let readers = this.instance.readers
    while (readers.length > 0 && this.machine.host.nowMs() <= until) {
      readers = readers.filter(({ cpu, reader }) => this.readPage(cpu, reader))
    }
    const many = this.collector.established >= this.maxEstablished
    if (many && this.enough === null && Number.isFinite(forMs)) this.rareOnly()
  }

  /** No more of what comes with every connection. */
  private rareOnly(): void {
    const { machine, instance } = this
    const told = instance.events.find(({ rareFilter }) => rareFilter !== undefined)
    if (told === undefined) return
    const now = process.hrtime.bigint()
    const refused = machine.files.write(
      `${instance.path}/events/${told.event}/filter`,
      told.rareFilter!,
    )
    if (refused !== null) return
    this.enough = instance.monotonic ? now : 'never'
    this.collector.countEstablished(this.countedFrom(), this.establishedUntil(now))
  }

  private countedFrom(): bigint | null {
    return this.instance.monotonic ? this.fromNs : null
  }

  private establishedUntil(toNs: bigint): bigint | null {
    return this.enough === 'never' ? null : (this.enough ?? toNs)
  }

  /** @returns false when there was none */
  private readPage(cpu: number, reader: PageReader): boolean {
    const length = reader.read(this.page)
    if (length === 0) return false
    const octets = this.page.subarray(0, length)
    this.collector.addPages(octets)
    this.keep(cpu, octets)
    return true
  }

  private keep(cpu: number, page: Uint8Array): void {
    if (this.room === 0) return
    const littleEndian = this.machine.host.endianness() === 'LE'
    const octets = usedOf(page, this.instance, littleEndian)
    const { layout } = this.instance
    maskPointers(octets, { layout, formats: this.formats, littleEndian }, this.mask)
    if (octets.length > this.room) this.leftOut++
    else {
      this.room -= octets.length
      this.pages.push({ cpu, octets })
    }
  }

  private remove(): void {
    removeInstance(this.machine, this.instance)
  }
}

/** A copy without what follows the data and the count of lost events. */
function usedOf(page: Uint8Array, { layout }: TraceInstance, littleEndian: boolean): Uint8Array {
  const { commitAt, commitSize, dataAt } = layout
  const low = commitAt + (littleEndian ? 0 : commitSize - 4)
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const used = view.getUint32(low, littleEndian) & 0x3fff_ffff
  return page.slice(0, Math.min(page.length, dataAt + used + 8))
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Removes when the process ends, by itself or by a signal that nobody else handles. Whoever handles signals stops the watch,
 * or ends the process, and then it is removed too.
 * @returns what takes this back
 */
export function atEnd(remove: () => void): () => void {
  const signalled = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) > 1) return
    remove()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    process.off('exit', remove)
    for (const signal of ENDING_SIGNALS) process.off(signal, signalled)
  }
  process.on('exit', remove)
  // Before the others, who may take themselves off when they are called: they would not be counted.
  for (const signal of ENDING_SIGNALS) process.prependListener(signal, signalled)
  return forget
}

const MS = 1_000_000n
const NARROW_NS = 20_000n
const MAX_LOOKS = 200_000

/**
 * CLOCK_REALTIME minus CLOCK_MONOTONIC. Each look at both narrows it down; the one at which Date.now() changes does so to
 * microseconds, unless something else ran in between: then the next one, a millisecond later.
 */
function realtimeOffset(): bigint {
  let least = -(1n << 62n)
  let most = 1n << 62n
  for (let n = 0; n < MAX_LOOKS && most - least > NARROW_NS; n++) {
    const before = process.hrtime.bigint()
    const now = BigInt(Date.now()) * MS
    const after = process.hrtime.bigint()
    if (now - after > least) least = now - after
    if (now + MS - before < most) most = now + MS - before
  }
  return (least + most) / 2n
}
