import type { CauseId } from '../causes/ids.ts'
import type { EventsFacts, KernelEvent } from '../host/events.ts'
import type { Endpoint } from '../host/facts.ts'
import { type ResetCause, resetStory } from '../host/reset-story.ts'
import type { KernelAgreement } from './report.ts'
import type { WireReset } from './stage/wire-resets.ts'

/** Made by something between the ends: no kernel of an end tells of it. */
type Maker = ResetCause | 'elsewhere'

const LATE_SEGMENT: readonly Maker[] = [
  'data-after-close',
  'data-after-full-close',
  'unknown-connection',
  'unknown-connection-at-listener',
]
const CLIENT_LEFT: readonly Maker[] = [...LATE_SEGMENT, 'close-with-unread-data', 'linger-zero']

/** What a kernel must have reset for, where a cause is true. Causes that are not here say nothing of resets. */
const MAKERS: { readonly [C in CauseId]?: readonly Maker[] } = {
  'accept-and-close': ['close-with-unread-data', 'linger-zero', ...LATE_SEGMENT],
  'accept-queue-overflow': ['accept-queue-overflow', ...CLIENT_LEFT],
  'admin-kill': ['killed-by-administrator'],
  'client-cancelled': CLIENT_LEFT,
  'client-timeout': CLIENT_LEFT,
  'close-wait-leak': CLIENT_LEFT,
  'close-with-unread-data': ['close-with-unread-data'],
  'conntrack-invalid': ['unknown-connection', 'unknown-connection-at-listener'],
  'data-after-close': LATE_SEGMENT,
  'descriptor-exhaustion': CLIENT_LEFT,
  'firewall-reject': ['elsewhere'],
  'health-check': ['linger-zero', 'close-with-unread-data'],
  'injected-reset': ['elsewhere'],
  'keep-alive-race': [...LATE_SEGMENT, 'close-with-unread-data'],
  'keepalive-timeout': ['keepalive-timeout'],
  'linger-zero': ['linger-zero', 'linger-zero-with-unsent-data'],
  'listener-closed': ['listener-closed'],
  'memory-pressure': ['out-of-memory'],
  'peer-restarted': ['unknown-connection', 'unknown-connection-at-listener'],
  'port-closed': ['syn-to-closed-port'],
  // Its listener closes with it, which resets who was not accepted yet.
  'process-killed': [
    'close-with-unread-data',
    'listener-closed',
    'syn-to-closed-port',
    ...LATE_SEGMENT,
  ],
  'reset-after-exchange': CLIENT_LEFT,
  'server-idle-timeout': [...LATE_SEGMENT, 'close-with-unread-data', 'linger-zero'],
  'server-stalled': CLIENT_LEFT,
  'time-wait-collision': ['answer-of-old-connection', 'answer-with-wrong-timestamp'],
  'wrong-host': ['unknown-connection', 'unknown-connection-at-listener', 'syn-to-closed-port'],
  'zero-window-stall': [...CLIENT_LEFT, 'out-of-memory'],
}

const OF_VARIANTS: Readonly<Record<string, readonly Maker[]>> = {
  'middlebox-idle-timeout/reset': ['elsewhere'],
  'middlebox-idle-timeout/nat-state-lost': ['unknown-connection', 'unknown-connection-at-listener'],
}

/** A frame and the event of it: how far their times are apart at most. */
const NEAR_MS = 5
/** The same frame at two places. */
const ON_THE_WAY_MS = 250

export interface Accused {
  cause: CauseId
  variant?: string
  /** Which end it accuses: 'client', 'server', or something else. */
  culprit?: string
  /** Ends of the connections that it explains, "10.64.1.2:40000" both. */
  connections: readonly { client: string; server: string }[]
}

/**
 * Whether the kernels that sent the resets of these connections did so for the reason that was concluded.
 * @param resets  what the captures hold
 */
export function kernelAgreement(
  accused: Accused | null,
  resets: readonly WireReset[],
  events: EventsFacts | null,
): KernelAgreement {
  const none = { fitting: 0, of: 0, makers: {} }
  if (events === null || events.fromNs === null) return { is: 'not-watched', ...none }
  if (accused === null) return { is: 'no-claim', ...none }
  const expected = makersOf(accused)
  const ours = new Map<string, WireReset[]>()
  const known = new Map(accused.connections.map((ends) => [pair(ends.client, ends.server), ends]))
  for (const reset of resets) {
    const key = pair(reset.from, reset.to)
    const ends = known.get(key)
    if (ends !== undefined && !isOfTheOther(reset, ends, accused))
      ours.set(key, [...(ours.get(key) ?? []), reset])
  }
  if (ours.size === 0) return { is: 'no-reset', ...none }
  const index = new EventIndex(events, resets)
  const makers: Record<string, number> = {}
  let fitting = 0
  let of = 0
  for (const frames of ours.values()) {
    const made = index.makersOf(frames)
    // Some events were overwritten before they were read: what is not told may be one of those.
    if (events.lost > 0 && [...made].every((maker) => maker === 'elsewhere')) continue
    of++
    for (const maker of made) makers[maker] = (makers[maker] ?? 0) + 1
    if (expected?.some((maker) => made.has(maker))) fitting++
  }
  if (of === 0) return { is: 'not-watched', ...none }
  if (expected === null) return { is: 'no-claim', fitting: 0, of, makers }
  return { is: fitting === of ? 'agrees' : 'disagrees', fitting, of, makers }
}

/** How the other end of a process that died ends its connections is its own affair: HAProxy resets them. */
function isOfTheOther(
  { from }: WireReset,
  ends: Accused['connections'][number],
  { cause, culprit }: Accused,
): boolean {
  if (cause !== 'process-killed' || (culprit !== 'client' && culprit !== 'server')) return false
  return from !== ends[culprit]
}

function makersOf({ cause, variant }: Accused): readonly Maker[] | null {
  return OF_VARIANTS[`${cause}/${variant}`] ?? MAKERS[cause] ?? null
}

function pair(one: string, other: string): string {
  return [one, other].sort().join(' ')
}

/** The kernel's resets by where they went; those of listeners at all addresses name a port only. */
class EventIndex {
  private readonly byEnds = new Map<string, KernelEvent[]>()
  private readonly loose: { event: KernelEvent; atMs: number }[] = []
  private readonly events: EventsFacts
  private readonly offsetNs: bigint | null
  private readonly bySeq = new Map<number, WireReset[]>()

  constructor(events: EventsFacts, resets: readonly WireReset[]) {
    this.events = events
    for (const reset of resets) {
      this.bySeq.set(reset.seq, [...(this.bySeq.get(reset.seq) ?? []), reset])
    }
    this.offsetNs = events.realtimeOffsetNs
    for (const event of events.events) {
      const { kind, local, remote } = event
      if (kind !== 'reset-sent' || local === null) continue
      if (this.offsetNs !== null) {
        this.loose.push({ event, atMs: Number((event.timeNs + this.offsetNs) / 1000n) / 1000 })
      }
      if (remote === null || remote.port === 0) continue
      const key = `${text(local)} ${text(remote)}`
      this.byEnds.set(key, [...(this.byEnds.get(key) ?? []), event])
    }
  }

  /** What the events of a connection's frames can mean; 'elsewhere' for a sender whose kernel tells of none. */
  makersOf(frames: readonly WireReset[]): ReadonlySet<Maker> {
    const made = new Set<Maker>()
    for (const from of new Set(frames.map((frame) => frame.from))) {
      const found = frames.filter((frame) => frame.from === from).flatMap((f) => this.eventsOf(f))
      if (found.length === 0) made.add('elsewhere')
      const context = { events: this.events, abortOnOverflow: null, listenOverflows: null }
      for (const event of found)
        for (const cause of resetStory(event, context).causes) made.add(cause)
    }
    return made
  }

  /** Of the frame wherever it was seen: a NAT changes addresses and ports. */
  private eventsOf(frame: WireReset): readonly KernelEvent[] {
    const views = (this.bySeq.get(frame.seq) ?? []).filter((one) => isSame(one, frame))
    const exact = views.flatMap(({ from, to }) => this.byEnds.get(`${from} ${to}`) ?? [])
    return exact.length > 0 ? exact : views.flatMap((view) => this.alike(view))
  }

  /** A listener's, or one whose addresses a NAT changed on the way: the same port at the same time. */
  private alike({ at: place, sender, from, to, atMs }: WireReset): KernelEvent[] {
    if (sender !== undefined && sender !== place) return []
    return this.loose
      .filter(({ event: { local, remote }, atMs: at }) => {
        if (Math.abs(at - atMs) > NEAR_MS) return false
        if (remote === null || remote.port === 0) return local?.port === portOf(from)
        return local?.port === portOf(from) && remote.port === portOf(to)
      })
      .map(({ event }) => event)
  }
}

function isSame(one: WireReset, other: WireReset): boolean {
  if (Math.abs(one.atMs - other.atMs) > ON_THE_WAY_MS) return false
  return portOf(one.from) === portOf(other.from) || portOf(one.to) === portOf(other.to)
}

function text({ address, port }: Endpoint): string {
  return `${address.replace(/^::ffff:/, '')}:${port}`
}

function portOf(end: string): number {
  return Number(end.slice(end.lastIndexOf(':') + 1))
}
