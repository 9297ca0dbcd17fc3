import type { Packet } from '../packet/packet.ts'
import { segmentFacts } from './connection-facts.ts'
import type { Segment } from './facts.ts'
import { keptSegments } from './kept.ts'
import { ROW_WORDS } from './layout.ts'
import { ownStore, type RowStore } from './rows.ts'
import { TOMB_WORDS, TOMBS, Tombs } from './tombs.ts'
import { FlowTracker } from './tracker.ts'

type Kept = { packet: Packet; tNs: number; frame: number }

/** The segments of one connection after another, in the same memory: a tracker's own is 2.4 MB. */
export class Replay {
  private readonly tombWords = new Int32Array(TOMBS * TOMB_WORDS)
  private chunk: ReturnType<RowStore['allocateWords']> | null = null

  /**
   * The segments of one connection with what the tracker thinks of each.
   * @returns one entry a packet; null = the same packet captured a second time
   */
  annotate(segments: readonly Kept[]): (Segment | null)[] {
    const tombs = new Tombs(this.tombWords)
    const memory = { rows: this.rows(), tombs }
    const collector = { finished: () => false, lastEnded: null }
    const tracker = new FlowTracker(() => collector, null, memory)
    const annotated = segments.map((segment) => annotateOne(tracker, segment))
    // Memory is handed over zeroed: this is what was written.
    this.chunk?.ints.fill(0, 0, tracker.rows.limit * ROW_WORDS)
    const buried = tracker.connections < TOMBS ? tombs.nextTomb : TOMBS
    this.tombWords.fill(0, 0, buried * TOMB_WORDS)
    return annotated
  }

  /** The first chunk is used again, further ones are new. */
  private rows(): RowStore {
    const store = ownStore()
    let given = false
    return {
      ...store,
      allocateWords: (words) => {
        const chunk = given || this.chunk === null ? store.allocateWords(words) : this.chunk
        if (!given) this.chunk = chunk
        given = true
        return chunk
      },
    }
  }
}

/** The same of a single connection. */
export function annotate(segments: readonly Kept[]): (Segment | null)[] {
  return new Replay().annotate(segments)
}

function annotateOne(tracker: FlowTracker, { packet, tNs, frame }: Kept): Segment | null {
  const before = tracker.duplicates
  packet.tNs = tNs
  packet.frame = frame
  tracker.segment(packet)
  if (tracker.duplicates > before) return null
  const { rows } = tracker
  const kept = keptSegments(rows.ints, rows.at)
  const last = kept[kept.length - 1]
  return last === undefined ? null : segmentFacts(rows, last)
}
