import type { Ns } from '../../base/time.ts'
import type { Packet } from '../../packet/packet.ts'
import { QUEUE_ENTRIES, QUEUE_WORDS } from '../closed-queue.ts'
import { ttlCount } from '../habits.ts'
import { putCell, removeCell } from '../index-table.ts'
import * as L from '../layout.ts'
import { dataPackets, retransmitted, serverSpokeFirst, waitedForServer } from '../row-sums.ts'
import type { Rows } from '../rows.ts'
import { FIRST_TOMB, isTaken, putTomb, TOMB_WORDS, TOMBS, tombHash } from '../tombs.ts'
import { EXPIRED_AT_ONCE, LINGER_NS, LINGER_ROWS } from '../tracker-limits.ts'
import { isShortExchange, isTroubledClean, mayHaveLeft } from '../trouble.ts'
import * as K from './layout.ts'

// Compiled with run.ts: the end of an ordinary connection, as FlowTracker.close and FlowAnalysis.finished see to it. What is not
// ordinary in any way is left to them.

/** The open row's connection is over. @returns 0, or WHY_EXPIRES when rows are left for the caller */
export function closeRow(rows: Rows, p: Packet, ints: Int32Array, floats: Float64Array): number {
  const at = rows.at
  const t = p.tNs
  ints[at + L.R_BITS] = (ints[at + L.R_BITS]! | L.B_CLOSED) & ~L.B_STRAIGHT
  floats[(at + L.R_END_T) >> 1] = t
  floats[(at + L.R_CLOSED_T) >> 1] = t
  ints[K.K_OPEN_ROWS]!--
  const serial = ints[K.K_CLOSED_SERIAL]! + 1
  ints[K.K_CLOSED_SERIAL] = serial
  ints[at + L.R_CLOSED_SERIAL] = serial
  const entry = (ints[K.K_QUEUE_HEAD]! + ints[K.K_QUEUE_COUNT]!) & (QUEUE_ENTRIES - 1)
  const place = ints[K.K_QUEUE]! + entry * QUEUE_WORDS
  ints[place] = ints[at + L.R_ROW]!
  ints[place + 1] = serial
  ints[place + 2] = at
  ints[K.K_QUEUE_COUNT]!++
  return expire(rows, ints, floats, t)
}

/** As FlowTracker.expireClosed. */
function expire(rows: Rows, ints: Int32Array, floats: Float64Array, t: Ns): number {
  for (let left = EXPIRED_AT_ONCE; left > 0 && ints[K.K_QUEUE_COUNT]! > 0; left--) {
    const place = ints[K.K_QUEUE]! + ints[K.K_QUEUE_HEAD]! * QUEUE_WORDS
    const at = ints[place + 2]!
    const same = ints[at + L.R_CLOSED_SERIAL] === ints[place + 1]
    const age = t - floats[(at + L.R_CLOSED_T) >> 1]!
    if (same && age <= LINGER_NS && ints[K.K_QUEUE_COUNT]! <= LINGER_ROWS) return 0
    rows.at = at
    if (same && !isOrdinary(rows, ints, floats)) {
      ints[K.K_BUDGET] = left
      return K.WHY_EXPIRES
    }
    ints[K.K_QUEUE_HEAD] = (ints[K.K_QUEUE_HEAD]! + 1) & (QUEUE_ENTRIES - 1)
    ints[K.K_QUEUE_COUNT]!--
    if (same) finish(ints, floats, at)
  }
  return 0
}

/** Whether nothing but sums is to be kept of the open row: it ended cleanly, on the path that the caller saw last. */
function isOrdinary(rows: Rows, ints: Int32Array, floats: Float64Array): boolean {
  const at = rows.at
  const bits = ints[at + L.R_BITS]!
  const unusual = L.B_RESET | L.B_FAMILY6 | L.B_PREVIOUS
  if (ints[K.K_PATH_READY] === 0 || ints[K.K_TABLE] === 0 || (bits & unusual) !== 0) return false
  if ((bits & (L.B_SAW_SYN | L.B_SAW_SYNACK | L.B_ESTABLISHED)) === L.B_SAW_SYN) return false
  if (ints[at + L.R_CLIENT] !== ints[K.K_PATH_CLIENT]) return false
  if (ints[at + L.R_SERVER] !== ints[K.K_PATH_SERVER]) return false
  if ((ints[at + L.R_PORTS]! & 0xffff) !== ints[K.K_PATH_PORT]) return false
  const c = at + L.CLIENT_SIDE
  const s = at + L.SERVER_SIDE
  if (!isOrdinarySide(ints, floats, c, ints[K.K_CLIENT_TTL]!)) return false
  if (!isOrdinarySide(ints, floats, s, ints[K.K_SERVER_TTL]!)) return false
  if (ints[at + L.R_SYNS]! > 1 || ints[at + L.R_SYNACKS]! > 1) return false
  if (floats[(at + L.R_SURVIVED_T) >> 1]! !== 0) return false
  if (isTroubledClean(ints, floats, at)) return false
  if (hasRoundTrip(ints, at) && (ints[K.K_RTT_COUNT]! & (ints[K.K_RTT_STRIDE]! - 1)) === 0) {
    return false
  }
  if (waitedForServer(ints, floats, at) > floats[K.K_WAIT_MIN]!) return false
  if (isShortExchange(rows)) return ints[K.K_SHORT_FULL] === 1
  const byClient = floats[(c + L.S_FIN_T) >> 1]! <= floats[(s + L.S_FIN_T) >> 1]!
  return (byClient && !mayHaveLeft(ints, floats, at)) || ints[K.K_ANSWERS_FULL] === 1
}

/** It sent a FIN, nothing twice, nothing is missing of it, and its TTL was always this one. */
function isOrdinarySide(ints: Int32Array, floats: Float64Array, o: number, ttl: number): boolean {
  if ((ints[o + L.S_BITS]! & L.SB_FIN) === 0 || ints[o + L.S_PACKETS] === 0) return false
  if (ints[o + L.S_TTLS] !== ttl || ints[o + L.S_UNA_TIMES] !== 0) return false
  if (ints[o + L.S_HOLES] !== 0 || floats[(o + L.S_MISSING) >> 1]! !== 0) return false
  return retransmitted(ints, o) + ints[o + L.S_UNDECIDED]! === 0
}

function hasRoundTrip(ints: Int32Array, at: number): boolean {
  return ints[at + L.R_SYNACKS]! > 0 && ints[at + L.R_SYNS] === 1
}

/** As FlowTracker.bury and retire, and `aggregate` of totals.ts. */
function finish(ints: Int32Array, floats: Float64Array, at: number): void {
  bury(ints, at)
  ints[at + L.R_BITS]! &= ~L.B_LIVE
  count(ints, floats, at)
  ints[ints[K.K_FREE]! + ints[K.K_FREE_COUNT]!] = at
  ints[K.K_FREE_COUNT]!++
}

function bury(ints: Int32Array, at: number): void {
  const hash = ints[at + L.R_HASH]!
  const cells = ints[K.K_TABLE]!
  const mask = ints[K.K_TABLE_MASK]!
  if (removeCell(ints, cells, mask, hash, ints[at + L.R_ROW]! + 1)) ints[K.K_TABLE_COUNT]!--
  const tomb = ints[K.K_TOMB_NEXT]!
  const place = ints[K.K_TOMBS]! + tomb * TOMB_WORDS
  if (
    isTaken(ints, place) &&
    removeCell(ints, cells, mask, tombHash(ints, place), FIRST_TOMB - tomb)
  ) {
    ints[K.K_TABLE_COUNT]!--
  }
  putTomb(
    ints,
    place,
    ints[at + L.R_CLIENT]!,
    ints[at + L.R_SERVER]!,
    ints[at + L.R_PORTS]!,
    false,
    hash,
  )
  ints[K.K_TOMB_NEXT] = (tomb + 1) % TOMBS
  putCell(ints, cells, mask, hash, FIRST_TOMB - tomb)
  ints[K.K_TABLE_COUNT]!++
}

function count(ints: Int32Array, floats: Float64Array, at: number): void {
  const c = at + L.CLIENT_SIDE
  const s = at + L.SERVER_SIDE
  ints[K.K_CONNECTIONS]!++
  if (ints[at + L.R_SYNACKS]! > 0) {
    if (ints[at + L.R_ACK_FRAME]! > 0) ints[K.K_ESTABLISHED]!++
    const accepted = floats[(at + L.R_SYNACK_T) >> 1]!
    answered(floats, accepted)
    if (accepted > floats[K.K_LAST_ACCEPT_T]!) floats[K.K_LAST_ACCEPT_T] = accepted
  }
  if ((ints[s + L.S_BITS]! & L.SB_DATA) !== 0) {
    ints[K.K_SERVED]!++
    if (serverSpokeFirst(floats, ints, c, s)) ints[K.K_SERVER_FIRST]!++
    answered(floats, floats[(s + L.S_DATA_LAST_T) >> 1]!)
  }
  if (hasRoundTrip(ints, at)) ints[K.K_RTT_COUNT]!++
  ints[K.K_CLIENT_PACKETS]! += ints[c + L.S_PACKETS]!
  ints[K.K_SERVER_PACKETS]! += ints[s + L.S_PACKETS]!
  ints[K.K_CLIENT_TTLS]! += ttlCount(ints, c, 0)
  ints[K.K_SERVER_TTLS]! += ttlCount(ints, s, 0)
  floats[K.K_DATA_PACKETS]! += dataPackets(ints, floats, c) + dataPackets(ints, floats, s)
  ints[K.K_LARGEST_CLIENT] = Math.max(ints[K.K_LARGEST_CLIENT]!, ints[c + L.S_BIG_ACKED]!)
  ints[K.K_LARGEST_SERVER] = Math.max(ints[K.K_LARGEST_SERVER]!, ints[s + L.S_BIG_ACKED]!)
  floats[K.K_LAST_ENDED_T] = floats[(at + L.R_LAST_T) >> 1]!
}

function answered(floats: Float64Array, t: Ns): void {
  if (t < floats[K.K_FIRST_ANSWER_T]!) floats[K.K_FIRST_ANSWER_T] = t
  if (t > floats[K.K_LAST_ANSWER_T]!) floats[K.K_LAST_ANSWER_T] = t
}
