import type { Packet } from '../packet/packet.ts'
import { segmentFacts } from './connection-facts.ts'
import type { Segment } from './facts.ts'
import { keptSegments } from './kept.ts'
import { FlowTracker } from './tracker.ts'

/**
 * The segments of one connection with what the tracker thinks of each.
 * @returns one entry a packet; null = the same packet captured a second time
 */
export function annotate(
  segments: readonly { packet: Packet; tNs: number; frame: number }[],
): (Segment | null)[] {
  const tracker = new FlowTracker(() => ({ finished: () => false, lastEnded: null }))
  return segments.map(({ packet, tNs, frame }) => {
    const before = tracker.duplicates
    packet.tNs = tNs
    packet.frame = frame
    tracker.segment(packet)
    if (tracker.duplicates > before) return null
    const { rows } = tracker
    const kept = keptSegments(rows.ints, rows.at)
    const last = kept[kept.length - 1]
    return last === undefined ? null : segmentFacts(rows, last)
  })
}
