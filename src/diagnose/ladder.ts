import type { Side } from '../evidence/connection.ts'
import type { ladderWords } from '../messages/en/ladder.ts'
import type { Values } from '../messages/types.ts'
import type { ConnectionSummary, SourceId } from './report.ts'

export type RemarkId = keyof (typeof ladderWords)['remark']

/** What is odd about a row: a template of the messages and its values. */
export interface Remark {
  id: RemarkId
  values: Values
}

/** One segment of one connection, as `--show ID` prints it. Numbers as in `Segment` (relative seq and ack). */
export interface LadderRow {
  /** Number in its own file; `source` tells which. */
  frame: number
  source: SourceId
  /** Milliseconds since the connection's first segment; may be negative where clocks went backwards. */
  tMs: number
  from: Side
  /** Bits FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32 ECE=64 CWR=128. */
  flags: number
  seq: number
  ack: number
  len: number
  /** Octets, scaled where the scale is known. */
  wnd: number
  remarks: Remark[]
}

/** Every segment of one connection in order; `tcpwhy.ladder/1` when printed with `--json`. */
export interface Ladder {
  schema: 'tcpwhy.ladder/1'
  connection: ConnectionSummary
  rows: LadderRow[]
  /**
   * Segments that could not be read again (a pipe keeps only the first and last ones), and the index in `rows` they
   * would stand before; null when all are there.
   */
  omitted: { before: number; segments: number } | null
  /**
   * The same connection as another capture (`--at`) has it, or this one behind a box that translates its addresses: `at` says where.
   * Times are again those since its first segment; behind a box, since the first one before it.
   */
  beyond?: Pick<Ladder, 'connection' | 'rows' | 'omitted'> & {
    at: 'client' | 'server' | 'router' | 'behind-box'
  }
}
