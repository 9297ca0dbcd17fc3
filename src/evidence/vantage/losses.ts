import type { Segment } from '../connection.ts'
import type { DataLosses } from '../evidence.ts'
import {
  type Between,
  couldSee,
  MAX_QUEUE_MS,
  type Sight,
  sameSegments,
  shiftsOf,
  sightsOf,
  transitBetween,
} from './fates.ts'
import { type Pair, sides } from './view.ts'

/**
 * Of all data segments of a pair those that left one end and of which no octet arrived at the other.
 * Only what both captures were able to see is compared; what arrived in part, or otherwise cut, is not lost.
 * @param primary the view whose frame numbers stand for the connection
 * @returns null when nothing could be compared
 */
export function lossesOfPair(
  pair: Pair,
  between: Between,
  primary: 'near' | 'far',
): DataLosses | null {
  const { near, far } = sightsOf(pair, between)
  const shift = shiftsOf(near, far)
  if (shift === null) return null
  let [compared, lost] = [0, 0]
  let firstFrame: number | null = null
  for (const from of sides()) {
    const [sender, receiver] = from === 'client' ? [near, far] : [far, near]
    const offset = from === 'client' ? shift.client : -shift.server
    const data = (sight: Sight) => sight.segments.filter((s) => s.from === from && s.len > 0)
    const [sent, arrived] = [data(sender), data(receiver)]
    const transit = transitBetween(sender, receiver, between.clock)
    const { matches, used } = sameSegments(sent, arrived, offset, transit)
    const others = ordered(arrived.filter((s) => !used.has(s)))
    const isOwn = (primary === 'near') === (sender === near)
    for (const { sent: s, arrived: hit } of matches) {
      if (s === null || !couldSee(receiver, s, sender, between)) continue
      compared++
      if (hit !== null) continue
      if (overlapping(others, s, offset).some((o) => transit(s, o, MAX_QUEUE_MS))) continue
      lost++
      if (isOwn) firstFrame ??= s.frame
    }
  }
  return compared === 0 ? null : { compared, lost, firstFrame }
}

interface Ordered {
  bySeq: readonly Segment[]
  longest: number
}

function ordered(segments: readonly Segment[]): Ordered {
  const bySeq = [...segments].sort((a, b) => a.seq - b.seq)
  return { bySeq, longest: bySeq.reduce((max, s) => Math.max(max, s.len), 0) }
}

/** Segments that share an octet with `s`; their sequence numbers + shift are those of `s`. */
function overlapping({ bySeq, longest }: Ordered, s: Segment, shift: number): Segment[] {
  const start = s.seq - shift
  const end = start + s.len
  let [low, high] = [0, bySeq.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bySeq[middle]!.seq <= start - longest) low = middle + 1
    else high = middle
  }
  const found: Segment[] = []
  for (let i = low; i < bySeq.length && bySeq[i]!.seq < end; i++) {
    if (bySeq[i]!.seq + bySeq[i]!.len > start) found.push(bySeq[i]!)
  }
  return found
}
