import type { Ladder, LadderRow, Remark } from '../diagnose/ladder.ts'
import type { ConnectionSummary } from '../diagnose/report.ts'
import type { Locate } from '../diagnose/summary.ts'
import type { ConnectionFacts, Segment } from '../evidence/connection.ts'
import { annotate } from '../flow/replay.ts'
import type { SegmentAgain } from './reread.ts'

const FIN = 1
const RST = 4

/** By running frame number: what is proven of a segment. */
export type FateRemarks = ReadonlyMap<number, readonly Remark[]>

/**
 * Every segment of one connection with remarks on the odd ones.
 * @param again all its segments; null when the input cannot be read again, then only those kept are shown
 */
export function ladderOf(
  facts: ConnectionFacts,
  connection: ConnectionSummary,
  again: readonly SegmentAgain[] | null,
  locate: Locate,
  proven: FateRemarks = new Map(),
): Ladder {
  const remarks = new RemarkWriter(facts, proven)
  if (again === null) return keptLadder(facts, connection, locate, remarks)
  const notes = annotate(again)
  const rows: LadderRow[] = []
  let original = 0
  for (const [i, segment] of notes.entries()) {
    if (segment !== null) {
      original = segment.frame
      rows.push(rowOf(segment, facts, locate, remarks.of(segment)))
      continue
    }
    const copy = again[i]!
    const previous = rows[rows.length - 1]
    if (previous === undefined) continue
    const { source, frame } = locate(copy.frame)
    const other = locate(original).frame
    rows.push({
      ...previous,
      frame,
      source,
      remarks: [{ id: 'captured-twice', values: { other } }],
    })
  }
  return {
    schema: 'tcpwhy.ladder/1',
    connection,
    rows: withIcmp(rows, facts, locate),
    omitted: null,
  }
}

function keptLadder(
  facts: ConnectionFacts,
  connection: ConnectionSummary,
  locate: Locate,
  remarks: RemarkWriter,
): Ladder {
  const segments = [...facts.head, ...facts.tail]
  const packets = facts.sides.client.packets + facts.sides.server.packets
  const missing = packets - segments.length
  return {
    schema: 'tcpwhy.ladder/1',
    connection,
    rows: segments.map((s) => rowOf(s, facts, locate, remarks.of(s))),
    omitted: missing > 0 ? { before: facts.head.length, segments: missing } : null,
  }
}

function rowOf(
  segment: Segment,
  facts: ConnectionFacts,
  locate: Locate,
  remarks: Remark[],
): LadderRow {
  const { frame, source } = locate(segment.frame)
  return {
    frame,
    source,
    tMs: segment.tMs - facts.startMs,
    from: segment.from,
    flags: segment.flags,
    seq: segment.seq,
    ack: segment.ack,
    len: segment.len,
    wnd: segment.wnd,
    remarks,
  }
}

/** ICMP errors stand in the ladder at their time, as a remark on the row before them. */
function withIcmp(rows: LadderRow[], facts: ConnectionFacts, locate: Locate): LadderRow[] {
  for (const icmp of facts.icmp) {
    const at = rows.findLastIndex((row) => row.tMs <= icmp.tMs - facts.startMs)
    const row = rows[Math.max(0, at)]
    const frame = locate(icmp.frame).frame
    row?.remarks.push({
      id: 'icmp',
      values: { meaning: `${icmp.meaning} (frame ${frame})`, from: icmp.from },
    })
  }
  return rows
}

class RemarkWriter {
  private readonly times = new Map<string, number>()
  private finSeen = false
  private readonly facts: ConnectionFacts
  private readonly proven: FateRemarks

  constructor(facts: ConnectionFacts, proven: FateRemarks) {
    this.facts = facts
    this.proven = proven
  }

  of(segment: Segment): Remark[] {
    const remarks: Remark[] = []
    const key = `${segment.from} ${segment.seq} ${segment.flags & 3}`
    if (segment.note.startsWith('retransmission')) {
      const nth = (this.times.get(key) ?? 1) + 1
      this.times.set(key, nth)
      remarks.push({ id: segment.note as Remark['id'], values: { nth: ordinal(nth) } })
    } else if (segment.note !== 'none') {
      remarks.push({ id: segment.note, values: { wnd: segment.wnd, ack: segment.ack } })
    }
    if ((segment.flags & FIN) !== 0 && !this.finSeen) {
      this.finSeen = true
      remarks.push({ id: 'fin-first', values: {} })
    }
    if ((segment.flags & RST) !== 0) remarks.push(...this.reset(segment))
    return [...remarks, ...(this.proven.get(segment.frame) ?? [])]
  }

  private reset(segment: Segment): Remark[] {
    const facts = this.facts.resets.find((r) => r.frame === segment.frame)
    if (facts === undefined) return []
    const remarks: Remark[] = []
    if (facts.trigger !== null) {
      const after = facts.afterTriggerMs ?? 0
      remarks.push({ id: 'reset-answers', values: { trigger: facts.trigger.frame, after } })
    } else remarks.push({ id: 'reset-alone', values: {} })
    if (facts.shape !== 'syn-reply') {
      if (facts.seqOffset === 0) remarks.push({ id: 'seq-exact', values: {} })
      else remarks.push({ id: 'seq-off', values: { offset: facts.seqOffset } })
    }
    if (facts.ttlUnusual && facts.ttlUsual !== null) {
      remarks.push({ id: 'ttl-unusual', values: { ttl: facts.ttl, usual: facts.ttlUsual } })
    }
    if (facts.accepted === false) remarks.push({ id: 'reset-not-accepted', values: {} })
    return remarks
  }
}

function ordinal(n: number): string {
  const suffix =
    n % 10 === 1 && n !== 11
      ? 'st'
      : n % 10 === 2 && n !== 12
        ? 'nd'
        : n % 10 === 3 && n !== 13
          ? 'rd'
          : 'th'
  return `${n}${suffix} time`
}
