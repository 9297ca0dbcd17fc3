import { groupBy } from '../../base/group-by.ts'
import type { ConnectionFacts, Segment, Side } from '../connection.ts'
import type { SegmentFate } from '../evidence.ts'
import { type Clock, farTime, nearTime, sharesStamps } from './clock.ts'
import { isSame } from './digest.ts'
import { type Gap, inGap } from './gaps.ts'
import { isHandshakeSplit } from './split.ts'
import { ACK, FIN, knownSegments, type Pair, RST, SYN, sides, type View } from './view.ts'

/** Fates of one connection at most: resets and SYNs of an attacker may be many. */
const MAX_FATES = 64
const LAST_DATA = 8
/** A segment that cannot be mistaken for another may have taken as long as a connection waits for it. */
const MAX_TRANSIT_MS = 60_000
/** A packet may queue this long and still be the same one; longer is told from loss by nobody. Linux TCP_RTO_MIN. */
export const MAX_QUEUE_MS = 200
/** Clocks of two captures on one host differ by scheduling, never by more. */
const JITTER_MS = 1

export interface Between {
  near: View
  far: View
  clock: Clock
  /** Whether each view has seen both directions of any connection. */
  seesBoth: { near: boolean; far: boolean }
  /** When each view lacked packets, in its own time. */
  gaps: { near: readonly Gap[]; far: readonly Gap[] }
  /** Near time of the first SYN that both views have: from then on both were running, whatever the clocks. */
  runningMs: number
}

/** One view of one connection, with its segments on the near view's time. */
export interface Sight {
  view: View
  facts: ConnectionFacts
  segments: readonly Segment[]
  complete: boolean
  seesBoth: boolean
  gaps: readonly Gap[]
  /** Segments worth a fate, and what they are. */
  decisive: ReadonlyMap<Segment, SegmentFate['kind']>
  /** Near time of a moment of this view. */
  toNear(ms: number): number
  /** Own time of a moment of the near view. */
  fromNear(ms: number): number
}

/**
 * What became of the decisive segments of one connection between two captures: handshake, FINs, resets and what they
 * answer, the last data. Only what both captures were able to see is judged; the rest is left out ("cannot tell").
 * @param primary the view whose frame numbers are used for segments that both saw
 */
export function fatesOfPair(pair: Pair, between: Between, primary: 'near' | 'far'): SegmentFate[] {
  const { near, far } = sightsOf(pair, between)
  const shift = shiftsOf(near, far)
  if (shift === null) return []
  const fates: SegmentFate[] = []
  for (const from of sides()) {
    const [sender, receiver] = from === 'client' ? [near, far] : [far, near]
    // Relative numbers of the receiver + shift = those of the sender.
    const offset = from === 'client' ? shift.client : -shift.server
    const matches = matchSide(from, sender, receiver, offset, between)
    const own = primary === 'near' ? near : far
    for (const match of matches) fates.push(...fateOf(match, { sender, receiver, own, between }))
  }
  return fates.sort((a, b) => a.tMs - b.tMs || a.frame - b.frame).slice(-MAX_FATES)
}

/** A connection that only the near view has: its SYNs never arrived, and whatever answered them was made on the way. */
export function fatesOfUnpaired(connection: ConnectionFacts, between: Between): SegmentFate[] {
  const { near, far } = between
  if ((far.dropped ?? 0) > 0) return []
  const { segments, complete } = knownSegments(near, connection)
  if (!complete || !connection.sawStart || connection.sides.client.isn === null) return []
  const fates: SegmentFate[] = []
  for (const segment of segments) {
    const kind = kindOf(segment)
    if (kind === null) continue
    // What was sent while the far capture was not running says nothing; what was sent again later does.
    const at = farTime(segment.tMs, between.clock, apartOf(between))
    const running = segment.tMs >= between.runningMs || watchedFrom(far, at, between)
    if (!running || !watchedUntil(far, at, between)) continue
    if (inGap(between.gaps.far, at, marginOf(between.clock))) continue
    const fate = segment.from === 'client' ? 'lost' : 'injected'
    const { frame, from, tMs } = segment
    fates.push({ frame, kind, from, fate, what: null, seenAt: near.at, tMs })
  }
  return fates.slice(0, MAX_FATES)
}

export function isQuiet(fate: SegmentFate): boolean {
  return fate.fate === 'delivered' || fate.fate === 'altered'
}

export interface Match {
  sent: Segment | null
  arrived: Segment | null
  /** Octets of `sent` that did arrive, when not all did. */
  partly?: number
  /** It arrived in other pieces. */
  cut?: true
}

interface Shift {
  client: number
  server: number
}

/** far + shift = near, for each side's relative sequence numbers; null when the two cannot be brought together. */
export function shiftsOf(near: Sight, far: Sight): Shift | null {
  const client = shiftOf('client', near, far)
  const server = shiftOf('server', near, far)
  return client === null || server === null ? null : { client, server }
}

function shiftOf(from: Side, near: Sight, far: Sight): number | null {
  const [a, b] = [near.facts.sides[from], far.facts.sides[from]]
  if (a.isn !== null && b.isn !== null) return 0
  if (a.packets === 0 || b.packets === 0) return 0 // nothing to compare on one side
  const votes = new Map<number, number>()
  const known = new Map<string, number>()
  for (const s of near.segments) if (s.from === from && s.tsVal !== null) known.set(stamp(s), s.seq)
  for (const s of far.segments) {
    const seq = s.from === from && s.tsVal !== null ? known.get(stamp(s)) : undefined
    if (seq !== undefined) votes.set(seq - s.seq, (votes.get(seq - s.seq) ?? 0) + 1)
  }
  const best = [...votes].sort((x, y) => y[1] - x[1])[0]
  if (best !== undefined) return best[0]
  const [here, there] = [a.seqBase ?? null, b.seqBase ?? null]
  return here === null || there === null ? null : (there - here) | 0
}

function stamp(s: Segment): string {
  return `${s.tsVal} ${s.tsEcr} ${s.len} ${s.flags & 7}`
}

export function sightsOf(pair: Pair, between: Between): { near: Sight; far: Sight } {
  const { near, far, clock, seesBoth, gaps } = between
  const apart = apartOf(between)
  const here = knownSegments(near, pair.near)
  const there = knownSegments(far, pair.far)
  const decisiveIn = isHandshakeSplit(pair) ? decisiveAfterHandshake : decisiveOf
  return {
    near: {
      view: near,
      facts: pair.near,
      ...here,
      decisive: decisiveIn(here.segments, pair.near),
      seesBoth: seesBoth.near,
      gaps: gaps.near,
      toNear: (ms) => ms,
      fromNear: (ms) => ms,
    },
    far: {
      view: far,
      facts: pair.far,
      ...there,
      decisive: decisiveIn(there.segments, pair.far),
      seesBoth: seesBoth.far,
      gaps: gaps.far,
      toNear: (ms) => nearTime(ms, clock, apart),
      fromNear: (ms) => farTime(ms, clock, apart),
    },
  }
}

/** Every segment of one side with its counterpart: exact first, then (data) by octets, then (resets) by time. */
function matchSide(
  from: Side,
  sender: Sight,
  receiver: Sight,
  shift: number,
  { clock }: Between,
): Match[] {
  const sent = sender.segments.filter((s) => s.from === from)
  const arrived = receiver.segments.filter((s) => s.from === from)
  const transit = transitBetween(sender, receiver, clock)
  const { matches, used } = sameSegments(sent, arrived, shift, transit)
  for (const match of matches) {
    if (match.arrived !== null || !sender.decisive.has(match.sent!)) continue
    rematch(match, { arrived, used, shift, near: (a, b) => transit(a, b, MAX_QUEUE_MS) })
  }
  for (const s of arrived) {
    if (used.has(s) || !receiver.decisive.has(s) || isCovered(s, sent, shift)) continue
    matches.push({ sent: null, arrived: s })
  }
  return matches
}

type Transit = (sent: Segment, arrived: Segment, maxMs: number) => boolean

/** Whether a segment may have been under way from the one sight to the other for at most `maxMs`. */
export function transitBetween(sender: Sight, receiver: Sight, clock: Clock): Transit {
  return (sent, arrived, maxMs) => {
    const delay = receiver.toNear(arrived.tMs) - sender.toNear(sent.tMs)
    return delay >= -toleranceOf(clock) && delay <= toleranceOf(clock) + maxMs
  }
}

/** One match for each segment sent: the one that arrived unchanged, or none. `used`: those that are somebody's. */
export function sameSegments(
  sent: readonly Segment[],
  arrived: readonly Segment[],
  shift: number,
  transit: Transit,
): { matches: Match[]; used: Set<Segment> } {
  const stamped = sharesStamps(sent, arrived)
  const shared = { stamped, echoed: stamped && sharesEchoes(sent, arrived) }
  const open = groupBy(arrived, (s) => identity(s, shift, shared))
  const copies = groupBy(sent, (s) => identity(s, 0, shared))
  const used = new Set<Segment>()
  const matches: Match[] = []
  for (const s of sent) {
    const key = identity(s, 0, shared)
    // Copies look alike: only the nearest in time can be the same one.
    const maxMs = copies.get(key)!.length > 1 ? MAX_QUEUE_MS : MAX_TRANSIT_MS
    const hit = open.get(key)?.find((c) => !used.has(c) && transit(s, c, maxMs)) ?? null
    if (hit !== null) used.add(hit)
    matches.push({ sent: s, arrived: hit })
  }
  return { matches, used }
}

interface Shared {
  stamped: boolean
  /** A box that rewrites the timestamps of one direction rewrites their echoes in the other. */
  echoed: boolean
}

function sharesEchoes(sent: readonly Segment[], arrived: readonly Segment[]): boolean {
  const values = new Set(sent.filter((s) => (s.flags & SYN) === 0).map((s) => s.tsEcr))
  return arrived.some((s) => (s.flags & SYN) === 0 && s.tsEcr !== null && values.has(s.tsEcr))
}

/** Offloading cuts and joins segments, so data counts by octets; a reset that was rewritten counts by its moment. */
function rematch(
  match: Match,
  context: {
    arrived: readonly Segment[]
    used: Set<Segment>
    shift: number
    near(sent: Segment, arrived: Segment): boolean
  },
): void {
  const { arrived, used, shift, near } = context
  const s = match.sent!
  if ((s.flags & RST) !== 0) {
    // Of the same make, only its numbers rewritten; a RST where a RST|ACK was sent is somebody else's.
    const other = arrived.find((c) => c.flags === s.flags && !used.has(c) && near(s, c))
    if (other !== undefined) used.add(other)
    match.arrived = other ?? null
    return
  }
  if (s.len === 0) return
  const parts = arrived.filter((c) => overlaps(s, c, shift) && near(s, c))
  const octets = coveredOctets(s, parts, shift)
  for (const part of parts) used.add(part)
  if (octets >= s.len) {
    match.arrived = parts[0]!
    match.cut = true
  } else if (octets > 0) match.partly = octets
}

function overlaps(s: Segment, other: Segment, shift: number): boolean {
  const start = other.seq + shift
  return other.len > 0 && start < s.seq + s.len && start + other.len > s.seq
}

/** Octets of `s` that lie in any of the parts. */
function coveredOctets(s: Segment, parts: readonly Segment[], shift: number): number {
  const ranges = parts.map((p) => [p.seq + shift, p.seq + shift + p.len] as const)
  ranges.sort((a, b) => a[0] - b[0])
  let at = s.seq
  let octets = 0
  for (const [start, end] of ranges) {
    const from = Math.max(start, at)
    const to = Math.min(end, s.seq + s.len)
    if (to > from) octets += to - from
    at = Math.max(at, to)
  }
  return octets
}

function isCovered(arrived: Segment, sent: readonly Segment[], shift: number): boolean {
  if ((arrived.flags & RST) !== 0) {
    // Of two equal resets in one moment a capture may have kept one: they are the alleged sender's own.
    return sent.some((s) => s.flags === arrived.flags && s.seq === arrived.seq + shift)
  }
  if (arrived.len === 0) return false
  const moved = { ...arrived, seq: arrived.seq + shift }
  const parts = sent.filter((s) => overlaps(moved, s, 0))
  return coveredOctets(moved, parts, 0) >= arrived.len
}

function identity(s: Segment, shift: number, { stamped, echoed }: Shared): string {
  const stampText = stamped ? s.tsVal : ''
  const ack = echoed && s.len === 0 && (s.flags & RST) === 0 ? s.tsEcr : ''
  return `${s.flags & (FIN | SYN | RST)} ${s.seq + shift} ${s.len} ${stampText} ${ack}`
}

function toleranceOf(clock: Clock): number {
  return Number.isFinite(clock.uncertaintyMs) ? clock.uncertaintyMs + JITTER_MS : MAX_QUEUE_MS
}

function fateOf(
  match: Match,
  context: { sender: Sight; receiver: Sight; own: Sight; between: Between },
): SegmentFate[] {
  const { sender, receiver, own, between } = context
  const seen = match.sent ?? match.arrived!
  const where = match.sent === null ? receiver : sender
  const kind = where.decisive.get(seen)
  if (kind === undefined) return []
  const shown = own === sender ? (match.sent ?? match.arrived!) : (match.arrived ?? match.sent!)
  const shownIn = shown === match.sent ? sender : receiver
  const base = {
    frame: shown.frame,
    kind,
    from: seen.from,
    tMs: shown.tMs,
    seenAt: shownIn.view.at,
  }
  if (match.sent !== null && match.arrived !== null) {
    const what = changesOf(match.sent, match.arrived, { sender, receiver }, match.cut !== true)
    return [{ ...base, fate: what === null ? 'delivered' : 'altered', what }]
  }
  const blind = match.sent === null ? sender : receiver
  if (!couldSee(blind, seen, where, between)) return []
  const fate = match.sent === null ? 'injected' : 'lost'
  const what = match.partly === undefined ? null : `${match.partly} of ${seen.len} octets arrived`
  return [{ ...base, fate, what }]
}

/** Whether this view must have shown the segment if it had passed there. */
export function couldSee(blind: Sight, segment: Segment, seenIn: Sight, between: Between): boolean {
  const { sides: known, resets } = blind.facts
  const allResets = resets.length >= known.client.resets + known.server.resets
  const listed = blind.complete || ((segment.flags & RST) !== 0 && allResets)
  if (!listed || !blind.seesBoth) return false
  if ((blind.view.dropped ?? 0) > 0) return false
  if (known.client.missingOctets + known.server.missingOctets > 0) return false
  const at = blind.fromNear(seenIn.toNear(segment.tMs))
  if (!watchedUntil(blind.view, at, between)) return false
  if (inGap(blind.gaps, at, marginOf(between.clock)) && !isUnheardAnswer(segment, blind, seenIn)) {
    return false
  }
  // What follows a SYN that it has came after it began, however little the clocks are known.
  if (blind.facts.sawStart && (segment.flags & (SYN | ACK)) !== SYN) return true
  return watchedFrom(blind.view, at, between) && at >= startOf(blind)
}

/** A SYN-ACK that its sender's view has and that nobody acknowledged in either: the client cannot have got it. */
function isUnheardAnswer(segment: Segment, blind: Sight, seenIn: Sight): boolean {
  if (segment.from !== 'server' || (segment.flags & SYN) === 0) return false
  return [blind, seenIn].every(({ segments }) =>
    segments.every((s) => s.from === 'server' || (s.flags & ACK) === 0),
  )
}

/** A capture that joined late says nothing of what came before its first segment of the connection. */
function startOf(sight: Sight): number {
  return sight.facts.sawStart ? -Infinity : sight.facts.startMs
}

function watchedFrom(view: View, ms: number, { clock }: Between): boolean {
  return ms - marginOf(clock) >= view.fromMs
}

function watchedUntil(view: View, ms: number, { clock }: Between): boolean {
  return ms + marginOf(clock) <= view.toMs
}

function marginOf(clock: Clock): number {
  return toleranceOf(clock) + (Number.isFinite(clock.roundTripMs) ? clock.roundTripMs : 0)
}

function changesOf(
  sent: Segment,
  arrived: Segment,
  { sender, receiver }: { sender: Sight; receiver: Sight },
  whole: boolean,
): string | null {
  const changes: string[] = []
  const [a, b] = [sender.facts.sides[sent.from], receiver.facts.sides[sent.from]]
  const known = [sender, receiver].every((sight) => showsOptions(sight, sent.from))
  if ((sent.flags & SYN) !== 0 && a.isn !== b.isn) changes.push('sequence numbers rewritten')
  if ((sent.flags & SYN) !== 0 && known) {
    if (a.mss !== b.mss) changes.push(`MSS ${a.mss ?? 'none'} -> ${b.mss ?? 'none'}`)
    if (a.windowScale !== b.windowScale) {
      changes.push(`window scale ${a.windowScale ?? 'none'} -> ${b.windowScale ?? 'none'}`)
    }
    if (a.sackPermitted !== b.sackPermitted) changes.push('SACK option changed')
  }
  if (known && (sent.tsVal === null) !== (arrived.tsVal === null)) {
    changes.push('timestamps option changed')
  }
  const mask = FIN | SYN | RST | ACK
  if ((sent.flags & mask) !== (arrived.flags & mask)) changes.push('flags changed')
  if ((sent.flags & RST) !== 0 && sent.seq !== arrived.seq) {
    changes.push(`seq ${sent.seq} -> ${arrived.seq}`)
  }
  if (whole && sent.len > 0 && sent.len === arrived.len) {
    const octets = (sight: Sight, s: Segment) => sight.view.digestOf?.(s.frame) ?? null
    const same = isSame(octets(sender, sent), octets(receiver, arrived))
    if (same === false) changes.push('payload rewritten')
  }
  return changes.length === 0 ? null : changes.join(', ')
}

/** A capture that cut packets behind the fixed header tells that there are options, and of none which. */
function showsOptions({ facts, segments }: Sight, side: Side): boolean {
  if (facts.sides[side].mss !== null) return true
  const own = segments.filter((s) => s.from === side)
  return own.some((s) => s.tsVal !== null) || own.every((s) => !s.options)
}

/** SYNs, FINs, resets, the handshake's ACK, what a reset answers, and of each side the first and the last data. */
function decisiveOf(
  segments: readonly Segment[],
  facts: ConnectionFacts,
): Map<Segment, SegmentFate['kind']> {
  const answered = new Set(facts.resets.map((r) => r.trigger?.frame))
  const last = new Set<Segment>()
  for (const from of sides()) {
    const data = segments.filter((s) => s.len > 0 && s.from === from)
    for (const s of [...data.slice(0, 1), ...data.slice(-LAST_DATA)]) last.add(s)
  }
  const decisive = new Map<Segment, SegmentFate['kind']>()
  for (const s of segments) {
    const kind = kindOf(s)
    const isAnswered = answered.has(s.frame)
    if (kind === 'data' ? last.has(s) || isAnswered : kind !== null) decisive.set(s, kind!)
    else if (kind === null && (isAnswered || s.frame === facts.handshake.ackFrame)) {
      decisive.set(s, 'ack')
    }
  }
  return decisive
}

function decisiveAfterHandshake(
  segments: readonly Segment[],
  facts: ConnectionFacts,
): Map<Segment, SegmentFate['kind']> {
  const all = decisiveOf(segments, facts)
  return new Map(
    [...all].filter(
      ([s, kind]) => kind !== 'syn' && kind !== 'syn-ack' && s.frame !== facts.handshake.ackFrame,
    ),
  )
}

function kindOf(s: Segment): Exclude<SegmentFate['kind'], 'ack'> | null {
  if ((s.flags & RST) !== 0) return 'reset'
  if ((s.flags & SYN) !== 0) return (s.flags & ACK) !== 0 ? 'syn-ack' : 'syn'
  if ((s.flags & FIN) !== 0) return 'fin'
  return s.len > 0 ? 'data' : null
}

function apartOf({ near, far }: Between): number {
  return Number(far.originNs - near.originNs) / 1e6
}
