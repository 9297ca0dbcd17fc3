import type { EventGroup, EventsFacts, KernelEvent, TraceTask } from '../events.ts'
import type { Endpoint } from '../facts.ts'
import type { TcpState } from '../kernel/tcp-states.ts'
import { type Classified, classify } from './classify.ts'
import { EstablishedTally } from './established.ts'
import { decodeEvents } from './events.ts'
import type { PageLayout, TraceFormat } from './format.ts'

export interface CollectFrom {
  layout: PageLayout
  /** By the number that records begin with. */
  formats: ReadonlyMap<number, { event: string; format: TraceFormat }>
  littleEndian: boolean
  /** As process.arch. */
  arch: string
  /** Who that was, asked at once: a moment later it may be gone. */
  task(tid: number): TraceTask | null
}

export interface CollectLimits {
  /** Kept of each group; all are counted. */
  perGroup: number
  groups: number
}

export const COLLECT_LIMITS: CollectLimits = { perGroup: 20, groups: 2_000 }

/** Enough for the processes that end within a watch; the oldest are forgotten. */
const MAX_EXITS = 16_384
const MAX_SOCKETS = 65_536
const MAX_RECEIVED = 4_096
const AT_ONCE_NS = 1_000_000n

export type Collected = Pick<
  EventsFacts,
  'events' | 'groups' | 'counts' | 'odd' | 'established'
> & {
  /** As the pages tell. The statistics of the buffers tell it too. */
  lost: number
}

/** Adds up pages as they come; the memory it takes is bounded whatever they hold. */
export class EventsCollector {
  private readonly kept: Kept[] = []
  private readonly groups = new Map<string, EventGroup>()
  private readonly counts = new Map<string, number>()
  private readonly exits = new Map<number, Classified>()
  private readonly sockets = new Sockets()
  private readonly received = new Map<bigint, Kept>()
  private lost = 0
  private odd = 0
  private readonly from: CollectFrom
  private readonly limits: CollectLimits
  private readonly plain: ReadonlyMap<number, TraceFormat>
  private readonly names: ReadonlyMap<string, string>
  private readonly statesId: number
  private readonly tally: EstablishedTally
  private establishedUntil: bigint | null = null

  constructor(from: CollectFrom, limits: CollectLimits = COLLECT_LIMITS) {
    this.from = from
    this.limits = limits
    this.plain = new Map([...from.formats].map(([id, { format }]) => [id, format]))
    const watched = [...from.formats.values()]
    this.names = new Map(watched.map(({ event, format }) => [format.name, event]))
    const states = watched.find(({ event }) => event === STATES)?.format
    this.statesId = states?.id ?? NO_ID
    this.tally = new EstablishedTally(states, from.littleEndian)
  }

  /** @param octets  pages of one processor, in the order in which they were read */
  addPages(octets: Uint8Array): void {
    const { layout, littleEndian, arch } = this.from
    const of = { layout, littleEndian, formats: this.plain }
    const result = decodeEvents(
      octets,
      of,
      (trace) => {
        const event = this.names.get(trace.name) ?? trace.name
        const classified = classify(trace, { event, littleEndian, arch })
        if (classified === null) this.odd++
        else this.add(classified)
      },
      (id, timeNs, record, view) => id === this.statesId && this.tally.take(timeNs, record, view),
    )
    this.lost += result.lost
    this.odd += result.odd + result.unknown
    // At least one: the page did not say how many.
    if (result.lostUncounted) this.lost++
  }

  /** Of all events so far, by "KIND REASON". */
  get counted(): ReadonlyMap<string, number> {
    return this.counts
  }

  /** Handshakes that ended, so far. */
  get established(): number {
    return this.tally.counted
  }

  /** Counts those of this time only. `untilNs` null: they are not to be told at all. */
  countEstablished(fromNs: bigint | null, untilNs: bigint | null): void {
    this.tally.between(fromNs, untilNs)
    this.establishedUntil = untilNs
  }

  collected(): Collected {
    const { exits, sockets } = this
    const states = this.lost === 0 && [...this.names.values()].includes(STATES)
    const events = this.kept.map((kept) => finished(kept, { exits, sockets, states }))
    for (const tid of new Set(this.kept.filter((kept) => isDying(kept, exits)).map(tidOf))) {
      events.push(exitEvent(exits.get(tid!)!))
    }
    events.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0))
    return {
      events,
      groups: [...this.groups.values()],
      counts: this.counts,
      established: this.establishedFacts(),
      lost: this.lost,
      odd: this.odd,
    }
  }

  private establishedFacts(): EventsFacts['established'] {
    const { establishedUntil: untilNs, tally } = this
    if (untilNs === null || this.statesId === NO_ID) return null
    return { untilNs, ends: tally.facts(), unlisted: tally.left }
  }

  private add(classified: Classified): void {
    if (classified.exitOf !== null) {
      this.addExit(classified)
      return
    }
    const { kind, tid } = classified
    const label = labelOf(classified)
    count(this.counts, label === null ? kind : `${kind} ${label}`)
    const socket = this.sockets.of(classified)
    this.endReceived(classified)
    if (this.room(classified, label)) {
      const task = tid === null ? null : this.from.task(tid)
      const kept: Kept = { classified, task, socket, ended: null }
      this.kept.push(kept)
      if (kind === 'reset-received') remember(this.received, classified.sock, kept, MAX_RECEIVED)
    }
  }

  /** A socket that gets a reset tells of it, and right after that of its way to CLOSE: from where that is not everyday. */
  private endReceived({ kind, sock, from, state, timeNs }: Classified): void {
    const kept = kind === 'state' ? this.received.get(sock) : undefined
    if (kept === undefined) return
    this.received.delete(sock)
    // Its memory may be the next one's already, which begins to listen, say.
    const ends = state === 'CLOSED' && timeNs - kept.classified.timeNs < AT_ONCE_NS
    if (ends) kept.ended = from
  }

  private addExit(classified: Classified): void {
    remember(this.exits, classified.exitOf!.pid, classified, MAX_EXITS)
  }

  /** One process that fails again and again must not hide another that fails too. */
  private callerOf({ kind, tid }: Classified): number | null {
    if (tid === null || !kind.endsWith('-failed')) return null
    return this.from.task(tid)?.pid ?? tid
  }

  /** Counts the event into its group. @returns whether it is one of the first */
  private room(classified: Classified, label: string | null): boolean {
    const { kind, timeNs } = classified
    const { service, side } = serviceOf(classified)
    const pid = this.callerOf(classified)
    const key = `${kind} ${label} ${side} ${service?.address} ${service?.port} ${pid}`
    const group = this.groups.get(key)
    if (group === undefined) {
      if (this.groups.size >= this.limits.groups) return false
      const reason = label
      const first = { kind, reason, service, side, pid, count: 1, firstNs: timeNs, lastNs: timeNs }
      this.groups.set(key, first)
      return true
    }
    group.count++
    // Processors are read one after another, so times do not only rise.
    if (timeNs < group.firstNs) group.firstNs = timeNs
    if (timeNs > group.lastNs) group.lastNs = timeNs
    return group.count <= this.limits.perGroup * (isPaired(classified) ? PAIRED : 1)
  }
}

interface Kept {
  classified: Classified
  task: TraceTask | null
  socket: number | null
  /** For 'reset-received': the state that it ended. */
  ended: TcpState | null
}

/** The oldest are forgotten. */
function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value!)
}

/** What is told one by one, to be joined by its moment: SYNs that are repeated, and packets that a filter drops. */
function isPaired({ kind, reason, state }: Classified): boolean {
  return kind === 'drop'
    ? reason === 'NETFILTER_DROP'
    : kind === 'retransmit' && state === 'SYN-SENT'
}

/** So many times as many of these are kept. */
const PAIRED = 25

function labelOf({ kind, reason, from, state }: Classified): string | null {
  return kind === 'state' ? `${from} > ${state}` : reason
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function serviceOf({ local, remote }: Pick<KernelEvent, 'local' | 'remote'>): {
  service: Endpoint | null
  side: EventGroup['side']
} {
  if (local === null && remote === null) return { service: null, side: null }
  if (remote === null || (local !== null && local.port <= remote.port)) {
    return { service: local, side: 'local' }
  }
  return { service: remote, side: 'remote' }
}

interface Joins {
  exits: ReadonlyMap<number, Classified>
  sockets: Sockets
  /** Every change of state that is not everyday was seen. */
  states: boolean
}

const STATES = 'sock/inet_sock_set_state'
/** Of no event. */
const NO_ID = -1

function finished(kept: Kept, { exits, sockets, states }: Joins): KernelEvent {
  const { classified, task, socket } = kept
  const { tid, sock: _sock, exitOf: _exitOf, ...event } = classified
  const dying = isDying(kept, exits)
  // One that ended before it could be asked told its name when it ended.
  const ended = tid === null ? null : exits.get(tid)?.exitOf
  return {
    ...event,
    pid: tid === null ? null : (task?.pid ?? tid),
    command: task?.command ?? ended?.command ?? null,
    local: event.local ?? (event.kind === 'drop' ? sockets.localOf(socket) : null),
    ...(event.kind === 'reset-received' ? { state: kept.ended } : {}),
    afterFin: event.kind !== 'reset-received' || !states ? null : kept.ended === null,
    socket,
    dying,
  }
}

function tidOf({ classified }: Kept): number | null {
  return classified.tid
}

/** A task closes its files after it told of its end. */
function isDying({ classified }: Kept, exits: ReadonlyMap<number, Classified>): boolean {
  const exit = classified.tid === null ? undefined : exits.get(classified.tid)
  return exit !== undefined && exit.timeNs <= classified.timeNs
}

function exitEvent({ tid: _tid, sock: _sock, exitOf, ...event }: Classified): KernelEvent {
  return { ...event, ...exitOf!, afterFin: null, socket: null, dying: true }
}

/** Numbers for the kernel's sockets: their addresses, which help an attacker, stay in here. */
class Sockets {
  private readonly byAddress = new Map<bigint, { number: number; ends: string | null }>()
  private readonly locals = new Map<number, Endpoint>()
  private next = 1

  of({ sock, local, remote }: Classified): number | null {
    if (sock === 0n) return null
    const ends =
      local === null || remote === null
        ? null
        : `${local.address} ${local.port} ${remote.address} ${remote.port}`
    const known = this.byAddress.get(sock)
    // The kernel gives the memory of a socket to the next one.
    const same =
      known !== undefined && (ends === null || known.ends === null || known.ends === ends)
    const number = same ? known.number : this.add(sock, ends)
    if (number !== null && local !== null) this.locals.set(number, local)
    return number
  }

  localOf(number: number | null): Endpoint | null {
    return number === null ? null : (this.locals.get(number) ?? null)
  }

  private add(sock: bigint, ends: string | null): number | null {
    if (this.next > MAX_SOCKETS) return null
    const number = this.next++
    this.byAddress.set(sock, { number, ends })
    return number
  }
}
