import type { ConnectionFacts } from '../connection.ts'
import type { Pair, View } from './view.ts'

/** A time, in the view's own milliseconds, in which the view lacks packets that did pass. */
export interface Gap {
  fromMs: number
  toMs: number
}

/** A longer connection does not tell when its missing octets went by. */
const MAX_GAP_MS = 1000

/**
 * When a capture lacked packets by its own account (octets acknowledged in it that it does not have), with or without a
 * drop counter: around such connections, and around those that the other view saw live and this one not at all.
 * A capture without such an account has no gaps: what it lacks of the other's connections went elsewhere (balancer).
 * @param other the other view, `toOwn` bringing its time to that of `view`
 */
export function gapsOf(
  view: View,
  other: View,
  pairs: readonly Pair[],
  toOwn: (ms: number) => number,
): Gap[] {
  const gaps = view.connections
    .filter((c) => c.sides.client.missingOctets + c.sides.server.missingOctets > 0)
    .map((c) => ({ fromMs: c.startMs, toMs: c.lastMs }))
  if (gaps.length === 0) return gaps
  const found = new Set(pairs.flatMap((p) => [p.near, p.far]))
  for (const c of other.connections) {
    if (isAnswered(c) && !found.has(c)) {
      gaps.push({ fromMs: toOwn(c.startMs), toMs: toOwn(c.lastMs) })
    }
  }
  return gaps.filter((g) => g.toMs - g.fromMs <= MAX_GAP_MS)
}

/** Both sides took part, whether or not the handshake is in the capture. */
export function isAnswered({ sides: { client, server }, handshake }: ConnectionFacts): boolean {
  return handshake.synAckMs !== null || (client.packets > 0 && server.packets > server.resets)
}

export function inGap(gaps: readonly Gap[], ms: number, marginMs: number): boolean {
  return gaps.some((g) => ms >= g.fromMs - marginMs && ms <= g.toMs + marginMs)
}
