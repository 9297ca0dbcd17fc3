import type { Segment, Side } from '../connection.ts'
import { knownSegments, type Pair, sides, type View } from './view.ts'

/** How the far view's clock stands to the near one's: far time = near time + offsetMs + driftPpm * 1e-6 * near time. */
export interface Clock {
  /** At the near view's millisecond 0, both counted as Unix time. */
  offsetMs: number
  driftPpm: number
  /**
   * Half of the shortest round trip between the two: one-way delays are at least 0, so the true offset lies within
   * offsetMs +- uncertaintyMs however unequal the two directions are. Infinity: one direction only, or nothing shared.
   */
  uncertaintyMs: number
  /** Shortest delay there and back together. */
  roundTripMs: number
}

/** One segment seen in both views: when it was sent by the near view's clock, and far minus near time. */
export interface Crossing {
  from: 'client' | 'server'
  nearMs: number
  differenceMs: number
}

const WINDOWS = 32
/** Drift is told only from a spread of time in which 1 ppm would be more than timestamps' own noise. */
const MIN_DRIFT_SPAN_MS = 10_000
const MAX_PAIRS = 5000

/** Segments that occur once in each view, so that nobody can take a retransmission for its original. */
export function crossingsOf(near: View, far: View, pairs: readonly Pair[]): Crossing[] {
  const apartMs = Number(far.originNs - near.originNs) / 1e6
  const crossings: Crossing[] = []
  for (const pair of pairs.slice(0, MAX_PAIRS)) {
    const [here, other] = [knownSegments(near, pair.near), knownSegments(far, pair.far)]
    const of = (from: Side) => (s: Segment) => s.from === from
    const stamped = new Set(
      sides().filter((from) =>
        sharesStamps(here.segments.filter(of(from)), other.segments.filter(of(from))),
      ),
    )
    const there = indexOnce(other.segments, stamped)
    for (const [key, segment] of indexOnce(here.segments, stamped)) {
      const same = there.get(key)
      if (segment === null || same === null || same === undefined) continue
      const differenceMs = same.tMs + apartMs - segment.tMs
      crossings.push({ from: segment.from, nearMs: segment.tMs, differenceMs })
    }
  }
  return crossings
}

/**
 * NTP's way with a minimum filter: what the client sends arrives later, what the server sends left earlier, so the offset
 * lies between the largest difference of the one and the smallest of the other. Windows of time give the drift.
 */
export function estimateClock(crossings: readonly Crossing[]): Clock {
  const all = boundsOf(crossings)
  if (all.upper === Infinity || all.lower === -Infinity) return oneSided(all)
  const driftPpm = driftOf(crossings)
  const level = crossings.map((c) => ({
    ...c,
    differenceMs: c.differenceMs - driftPpm * 1e-6 * c.nearMs,
  }))
  const { lower, upper } = boundsOf(level)
  const roundTripMs = Math.max(0, upper - lower)
  return {
    offsetMs: (upper + lower) / 2,
    driftPpm,
    uncertaintyMs: Math.abs(upper - lower) / 2,
    roundTripMs,
  }
}

/** Far time, as milliseconds of the far view, of a moment of the near view. */
export function farTime(nearMs: number, clock: Clock, apartMs: number): number {
  return nearMs + clock.offsetMs + clock.driftPpm * 1e-6 * nearMs - apartMs
}

export function nearTime(farMs: number, clock: Clock, apartMs: number): number {
  return (farMs + apartMs - clock.offsetMs) / (1 + clock.driftPpm * 1e-6)
}

interface Bounds {
  /** The offset is at most this (client's segments), and at least that (server's). */
  upper: number
  lower: number
}

function boundsOf(crossings: readonly Crossing[]): Bounds {
  let upper = Infinity
  let lower = -Infinity
  for (const { from, differenceMs } of crossings) {
    if (from === 'client') upper = Math.min(upper, differenceMs)
    else lower = Math.max(lower, differenceMs)
  }
  return { upper, lower }
}

function oneSided({ upper, lower }: Bounds): Clock {
  const known = upper !== Infinity ? upper : lower !== -Infinity ? lower : 0
  return { offsetMs: known, driftPpm: 0, uncertaintyMs: Infinity, roundTripMs: Infinity }
}

/** Median slope between windows (Theil-Sen); 0 unless it shows above the uncertainty of the windows. */
function driftOf(crossings: readonly Crossing[]): number {
  let from = Infinity
  let to = -Infinity
  for (const { nearMs } of crossings) {
    from = Math.min(from, nearMs)
    to = Math.max(to, nearMs)
  }
  const span = to - from
  if (span < MIN_DRIFT_SPAN_MS) return 0
  const windows = Array.from({ length: WINDOWS }, (): Crossing[] => [])
  for (const c of crossings) {
    windows[Math.min(WINDOWS - 1, Math.floor(((c.nearMs - from) / span) * WINDOWS))]!.push(c)
  }
  const points: { t: number; offset: number; half: number }[] = []
  for (const window of windows) {
    const { upper, lower } = boundsOf(window)
    if (upper === Infinity || lower === -Infinity) continue
    const t = window.reduce((sum, c) => sum + c.nearMs, 0) / window.length
    points.push({ t, offset: (upper + lower) / 2, half: Math.abs(upper - lower) / 2 })
  }
  const slopes: number[] = []
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) slopes.push((b.offset - a.offset) / (b.t - a.t))
  }
  if (slopes.length === 0) return 0
  const slope = median(slopes)
  const noise = median(points.map((p) => p.half))
  return Math.abs(slope * span) > 2 * noise ? slope * 1e6 : 0
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Timestamps tell copies apart, unless a box on the way strips or rewrites them, or one capture cut them off. */
export function sharesStamps(sent: readonly Segment[], arrived: readonly Segment[]): boolean {
  const values = new Set(sent.map((s) => s.tsVal))
  return arrived.some((s) => s.tsVal !== null && values.has(s.tsVal))
}

function indexOnce(
  segments: readonly Segment[],
  stamped: ReadonlySet<Side>,
): Map<string, Segment | null> {
  const index = new Map<string, Segment | null>()
  for (const s of segments) {
    const key = `${s.from} ${s.flags & 7} ${s.seq} ${s.ack} ${s.len} ${stamped.has(s.from) ? s.tsVal : ''}`
    index.set(key, index.has(key) ? null : s)
  }
  return index
}
