import type { Keepalive } from '../port.ts'
import type { Trial } from './types.ts'

/** Each rung is at most so much longer than the one before: found in 1.2 x limit, narrowed in at most as much again. */
const RUNG = 1.2
const FIRST_RUNG_MS = 1000

/** Silences from the first rung to `maxMs`, evenly on a logarithmic scale; only those between what is known. */
export function ladder(
  { maxMs }: { maxMs: number },
  known: { survivedMs: number; diedMs: number | null } = { survivedMs: 0, diedMs: null },
): number[] {
  const firstMs = Math.min(FIRST_RUNG_MS, maxMs)
  const steps = Math.ceil(Math.log(maxMs / firstMs) / Math.log(RUNG))
  const all = Array.from({ length: steps + 1 }, (_, i) =>
    Math.round(firstMs * (maxMs / firstMs) ** (steps === 0 ? 1 : i / steps)),
  )
  const to = known.diedMs ?? Number.POSITIVE_INFINITY
  return all.filter((ms) => ms > known.survivedMs && ms < to)
}

/** What the steps of a fan are of the precision: the rest is for when silences begin and end, and for a machine that is late. */
export const STEP_PART = 0.5
/** Trials near the edge are repeated: timers are coarse, packets get lost. */
const REPEATS = 2

/** Silences between two that are known, close enough that two neighbours are within `precisionMs`; what surely kills is tried again. */
export function fan(
  { survivedMs, diedMs }: { survivedMs: number; diedMs: number },
  { precisionMs, atMost, surelyMs }: { precisionMs: number; atMost: number; surelyMs: number },
): number[] {
  const width = diedMs - survivedMs
  const needed = width <= precisionMs ? 1 : Math.ceil(width / (precisionMs * STEP_PART))
  const steps = Math.min(needed, atMost)
  const inner = Array.from({ length: Math.max(steps - 1, 0) }, (_, i) =>
    Math.round(survivedMs + (width * (i + 1)) / steps),
  )
  const again = Array.from({ length: REPEATS }, () => Math.ceil(surelyMs))
  return [...inner, ...again]
}

/** A keepalive that comes at least twice within the shortest silence that kills, and once within the longest that does not. */
export function keepaliveWithin(survivedMs: number): Keepalive | null {
  const idleS = Math.floor(Math.min(survivedMs / 2000, 60))
  if (idleS < 1)
    return survivedMs >= SHORTEST_KEEPALIVE_MS ? { idleS: 1, intervalS: 1, count: 5 } : null
  return { idleS, intervalS: idleS, count: 5 }
}

/** On one connection, what is said at the end included; two or three are usual, since it is half of what was survived. */
export const MOST_HEARTBEATS = 60

/** TCP_KEEPIDLE is whole seconds, and the first probe may be late by a tick or two. */
const SHORTEST_KEEPALIVE_MS = 1200

/** What is tried beside the fan, to see what keeps a connection alive: as long as the silence that certainly kills. */
export function besides(
  { survivedMs, surelyMs }: { survivedMs: number; surelyMs: number },
  { keepalive, heartbeat }: { keepalive: Keepalive | null; heartbeat: boolean },
): Trial[] {
  const silenceMs = Math.ceil(surelyMs)
  const kept = keepalive ?? keepaliveWithin(survivedMs)
  const beat = Math.max(Math.floor(survivedMs / 2), 200)
  // Nothing that could be asked often enough was survived.
  const beats = heartbeat && silenceMs / beat < MOST_HEARTBEATS
  return [
    ...(kept === null ? [] : [{ silenceMs, keepalive: kept, heartbeatMs: null }]),
    ...(beats ? [{ silenceMs, keepalive: null, heartbeatMs: beat }] : []),
  ]
}

/** "60/60/5": TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. */
export function keepaliveText(keepalive: Keepalive | null): string {
  if (keepalive === null) return 'off'
  const { idleS, intervalS, count } = keepalive
  return `${idleS}/${intervalS}/${count}`
}
