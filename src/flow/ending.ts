import type { Aggregates } from './aggregates.ts'
import type { ConnectionFacts, Ending } from './facts.ts'
import { type IcmpRecord, icmpMeaning } from './icmp.ts'
import {
  B_ESTABLISHED,
  B_FAMILY6,
  B_ICMP,
  B_REFUSED,
  B_RESET,
  B_RESET_BY_SERVER,
  B_RST_BOTH_FINS,
  B_RST_IN_HANDSHAKE,
  B_RST_NO_FIN,
  B_SAW_SYN,
  B_SAW_SYNACK,
  CLIENT_SIDE,
  R_BITS,
  R_CLIENT,
  R_SERVER,
  R_SYNS,
  S_BITS,
  S_FIN_T,
  S_FINS,
  S_LAST_T,
  S_PACKETS,
  S_UNA_FIRST_T,
  S_UNA_FRAME,
  S_UNA_LAST_T,
  S_UNA_TIMES,
  SB_FIN,
  SB_FIN_ACKED,
  SERVER_SIDE,
} from './layout.ts'
import type { Rows } from './rows.ts'

export interface Ended {
  ending: Ending
  by: ConnectionFacts['endedBy']
}

/** Transmissions of the same octets after which silence counts as "timed out" rather than "the capture ended". */
const TRANSMISSIONS = 3

// Most connections end in one of these ways: one object each instead of one a connection.
const CLEAN_BY_CLIENT: Ended = { ending: 'clean', by: 'client' }
const CLEAN_BY_SERVER: Ended = { ending: 'clean', by: 'server' }

/** The ending of the open row as seen so far. Definitions: docs/vocabulary.md. */
export function endingOf(
  rows: Rows,
  aggregates: Aggregates,
  icmp: readonly IcmpRecord[] | undefined,
): Ended {
  const { ints, at } = rows
  const bits = ints[at + R_BITS]!
  if ((bits & B_RESET) !== 0) return resetEnding(rows)
  const neverAnswered = (bits & (B_SAW_SYN | B_SAW_SYNACK | B_ESTABLISHED)) === B_SAW_SYN
  if (neverAnswered) return synEnding(rows, aggregates, icmp)
  const client = ints[at + CLIENT_SIDE + S_BITS]!
  const server = ints[at + SERVER_SIDE + S_BITS]!
  if ((client & server & SB_FIN) !== 0) {
    // FINs that crossed are a simultaneous close (RFC 9293 §3.6): over, even where their ACKs are not in the capture.
    if (unansweredSide(rows) !== null || finNeverAcked(rows)) {
      return { ending: 'timed-out', by: null }
    }
    return firstFin(rows) === 'client' ? CLEAN_BY_CLIENT : CLEAN_BY_SERVER
  }
  if ((bits & (B_SAW_SYNACK | B_ESTABLISHED)) === B_SAW_SYNACK) {
    return { ending: 'handshake-incomplete', by: null }
  }
  if (unansweredSide(rows) !== null) return { ending: 'timed-out', by: null }
  if ((client & SB_FIN_ACKED) !== 0) return { ending: 'half-closed', by: 'client' }
  if ((server & SB_FIN_ACKED) !== 0) return { ending: 'half-closed', by: 'server' }
  return { ending: 'open', by: null }
}

function resetEnding(rows: Rows): Ended {
  const bits = rows.ints[rows.at + R_BITS]!
  const by = (bits & B_RESET_BY_SERVER) !== 0 ? 'server' : 'client'
  if ((bits & B_REFUSED) !== 0) return { ending: 'refused', by: 'server' }
  if ((bits & B_RST_IN_HANDSHAKE) !== 0) return { ending: 'handshake-reset', by }
  if ((bits & B_RST_NO_FIN) !== 0) return { ending: 'reset', by }
  if ((bits & B_RST_BOTH_FINS) !== 0) return { ending: 'reset-after-close', by }
  return { ending: 'reset-after-fin', by }
}

/** SYNs and nothing back from the server, unless ICMP came. */
function synEnding(
  rows: Rows,
  aggregates: Aggregates,
  icmp: readonly IcmpRecord[] | undefined,
): Ended {
  const { ints, at } = rows
  const bits = ints[at + R_BITS]!
  if ((bits & B_ICMP) !== 0 && icmp?.some((r) => r.quotesClient && isFatal(r))) {
    return { ending: 'unreachable', by: 'middlebox' }
  }
  const family = (bits & B_FAMILY6) !== 0 ? 6 : 4
  const seenBack = aggregates.hasDirection(ints[at + R_SERVER]!, ints[at + R_CLIENT]!, family)
  // A SYN that is sent again proves that no answer reached the client, even where answers are not captured.
  const repeated = ints[at + R_SYNS]! >= 2
  return { ending: seenBack || repeated ? 'unanswered' : 'open', by: null }
}

function isFatal(record: IcmpRecord): boolean {
  const meaning = icmpMeaning(record.family, record.type, record.code)
  return meaning !== 'fragmentation-needed' && meaning !== 'source-quench'
}

function firstFin(rows: Rows): 'client' | 'server' {
  const { floats, at } = rows
  const client = floats[(at + CLIENT_SIDE + S_FIN_T) >> 1]!
  const server = floats[(at + SERVER_SIDE + S_FIN_T) >> 1]!
  return client <= server ? 'client' : 'server'
}

/**
 * The side that sent the same data or FIN three times or more, to the end, while nothing came back: the other side's
 * last segment is older than the second transmission.
 */
function unansweredSide(rows: Rows): 0 | 1 | null {
  if (isUnanswered(rows, 0)) return 0
  return isUnanswered(rows, 1) ? 1 : null
}

function isUnanswered(rows: Rows, dir: 0 | 1): boolean {
  const { ints, floats, at } = rows
  const o = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
  const q = at + (dir === 0 ? SERVER_SIDE : CLIENT_SIDE)
  if (ints[o + S_UNA_TIMES]! < TRANSMISSIONS) return false
  if (ints[q + S_PACKETS] === 0) return isLastWord(rows, o)
  const first = floats[(o + S_UNA_FIRST_T) >> 1]!
  const last = floats[(o + S_UNA_LAST_T) >> 1]!
  const peerLast = floats[(q + S_LAST_T) >> 1]!
  return peerLast < first + (last - first) / 2 && ints[o + S_UNA_FRAME]! > 0
}

/**
 * Of one direction only, as with a SYN: what is sent again proves that no answer came. Nothing newer was sent than that: whoever goes
 * on with new octets, or acknowledges something, has been heard.
 */
function isLastWord({ floats }: Rows, o: number): boolean {
  return floats[(o + S_UNA_LAST_T) >> 1]! >= floats[(o + S_LAST_T) >> 1]!
}

/** The first FIN was sent again and again and never acknowledged, although the other side's own FIN came in the end. */
function finNeverAcked(rows: Rows): boolean {
  const { ints, at } = rows
  const o = at + (firstFin(rows) === 'client' ? CLIENT_SIDE : SERVER_SIDE)
  return (ints[o + S_BITS]! & SB_FIN_ACKED) === 0 && ints[o + S_FINS]! >= TRANSMISSIONS
}
