import type { Ending } from './facts.ts'
import * as L from './layout.ts'
import { lastDataT, type Rows } from './rows.ts'

/** A zero window shorter than this is flow control at work. */
const ZERO_WINDOW_NS = 200e6
/** An open connection whose request waited this long when the capture ended is worth a look. */
const PENDING_NS = 2e9
/** A client that closes this long after its unanswered request may have timed out. */
const GAVE_UP_NS = 300e6
/** A client that leaves in the middle of an answer has waited at least this long; most answers are whole by then. */
const LEFT_NS = 300e6

/** Whether a finished connection is worth the causes' time. Clean and quiet ones live on in the aggregates only. */
export function isTroubled(rows: Rows, ending: Ending, captureEndT: number): boolean {
  if (ending !== 'clean' && ending !== 'open') return true
  const { ints, floats, at } = rows
  if (ending === 'clean') return isTroubledClean(ints, floats, at)
  if (isDisturbed(ints, floats, at)) return true
  const bits = ints[at + L.R_BITS]!
  const c = at + L.CLIENT_SIDE
  const s = at + L.SERVER_SIDE
  if (ints[c + L.S_UNA_TIMES]! > 1 || ints[s + L.S_UNA_TIMES]! > 1) return true
  if ((bits & (L.B_SAW_SYN | L.B_SAW_SYNACK | L.B_ESTABLISHED)) === L.B_SAW_SYN) return true // a lone SYN
  if (waitsForHole(ints, c, s) || waitsForHole(ints, s, c)) return true
  const pending = ints[at + L.R_LAST_DATA_BY] === 1 && ints[s + L.S_PACKETS]! > 0
  if (pending && captureEndT - lastDataT(floats, at) > PENDING_NS) return true
  return zeroFor(ints, floats, c, captureEndT) || zeroFor(ints, floats, s, captureEndT)
}

/** The same for one that ended with both FINs. */
export function isTroubledClean(ints: Int32Array, floats: Float64Array, at: number): boolean {
  if (isDisturbed(ints, floats, at)) return true
  const served = (ints[at + L.SERVER_SIDE + L.S_BITS]! & L.SB_DATA) !== 0
  if (!served && ints[at + L.R_SYNS]! > 0) return true
  return gaveUpWaiting(ints, floats, at) || closedOnRequest(ints, floats, at)
}

function isDisturbed(ints: Int32Array, floats: Float64Array, at: number): boolean {
  if ((ints[at + L.R_BITS]! & (L.B_ICMP | L.B_WATCHED)) !== 0) return true
  if (ints[at + L.R_SYNACK_AFTER_ACK]! + ints[at + L.R_BARE_ACK_FRAME]! > 0) return true
  return (
    sideTroubled(ints, floats, at + L.CLIENT_SIDE) || sideTroubled(ints, floats, at + L.SERVER_SIDE)
  )
}

/** The client closed first, some time after a request to which no answer had come. */
function gaveUpWaiting(ints: Int32Array, floats: Float64Array, at: number): boolean {
  if (ints[at + L.R_LAST_DATA_BY] !== 1) return false
  const closed = floats[(at + L.CLIENT_SIDE + L.S_FIN_T) >> 1]!
  if (closed > floats[(at + L.SERVER_SIDE + L.S_FIN_T) >> 1]!) return false
  return closed - lastDataT(floats, at) > GAVE_UP_NS
}

/** The server closed first, what it had been asked last being unanswered. */
function closedOnRequest(ints: Int32Array, floats: Float64Array, at: number): boolean {
  if (ints[at + L.R_LAST_DATA_BY] !== 1) return false
  const closed = floats[(at + L.SERVER_SIDE + L.S_FIN_T) >> 1]!
  if (closed > floats[(at + L.CLIENT_SIDE + L.S_FIN_T) >> 1]!) return false
  return closed > floats[(at + L.CLIENT_SIDE + L.S_MSG_T) >> 1]!
}

function sideTroubled(ints: Int32Array, floats: Float64Array, o: number): boolean {
  // A reset that did not end it was not accepted: somebody tried.
  if (ints[o + L.S_RSTS]! > 0) return true
  const resent = ints[o + L.S_RTO]! + ints[o + L.S_RE_SYN]! + ints[o + L.S_RE_SYNACK]!
  if (resent > 0 || ints[o + L.S_FAST]! > 2 || ints[o + L.S_RE_FIN]! > 1) return true
  if (ints[o + L.S_KA_RUN]! > 1 || ints[o + L.S_CHANGED]! > 0) return true
  return floats[(o + L.S_ZERO_TOTAL) >> 1]! > ZERO_WINDOW_NS
}

/** Its window is closed, and has been for longer than flow control at work. */
function zeroFor(ints: Int32Array, floats: Float64Array, o: number, captureEndT: number): boolean {
  if ((ints[o + L.S_BITS]! & L.SB_ZERO) === 0) return false
  return captureEndT - floats[(o + L.S_ZERO_SINCE) >> 1]! > ZERO_WINDOW_NS
}

/** The side has sent beyond octets that neither came nor were acknowledged. */
function waitsForHole(ints: Int32Array, o: number, q: number): boolean {
  return ints[o + L.S_HOLES]! > 0 && ((ints[o + L.S_NXT]! - ints[q + L.S_ACKED]!) | 0) > 0
}

/**
 * The client closed first, some time after it had asked, and the last octets were the answer's: all of it, or what had come
 * by then. The lengths in the payload say which.
 */
export function mayHaveLeft(ints: Int32Array, floats: Float64Array, at: number): boolean {
  const c = at + L.CLIENT_SIDE
  if (ints[at + L.R_LAST_DATA_BY] !== 2) return false
  const closed = floats[(c + L.S_FIN_T) >> 1]!
  if (closed > floats[(at + L.SERVER_SIDE + L.S_FIN_T) >> 1]!) return false
  return closed - floats[(c + L.S_MSG_T) >> 1]! > LEFT_NS
}

/** At most one request and a short answer: long enough for a refusal in words. */
export function isShortExchange(rows: Rows): boolean {
  const { ints, floats, at } = rows
  const answer = floats[(at + L.SERVER_SIDE + L.S_OCTETS) >> 1]!
  return ints[at + L.R_EXCHANGES]! <= 2 && answer > 0 && answer <= 1024
}
