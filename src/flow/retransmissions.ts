import type { Ns } from '../base/time.ts'
import { FIN, type Packet } from '../packet/packet.ts'
import { addHole, fillHoles } from './holes.ts'
import { earliestSame } from './kept.ts'
import {
  G_FRAME,
  G_T,
  NOTE_FAST,
  NOTE_OOO,
  NOTE_RE_FIN,
  NOTE_RTO,
  NOTE_SPURIOUS,
  R_ACK_T,
  R_FIRST_LOSS_T,
  R_SYN_TIMES,
  R_SYNACK_T,
  R_SYNS,
  S_ACKED,
  S_BASE,
  S_BITS,
  S_DATA_LAST_T,
  S_DUPACKS,
  S_DUPRUN,
  S_FAST,
  S_FIN_T,
  S_IPID_FAR,
  S_IPID_NEAR,
  S_LAST_T,
  S_NXT,
  S_OCTETS,
  S_OOO,
  S_RE_FIN,
  S_RTO,
  S_SPURIOUS,
  S_TSVAL,
  S_UNA_FIRST_T,
  S_UNA_FLAGS,
  S_UNA_FRAME,
  S_UNA_LAST_FRAME,
  S_UNA_LAST_T,
  S_UNA_LEN,
  S_UNA_SEQ,
  S_UNA_TIMES,
  S_UNA_TSVAL,
  S_UNDECIDED,
  SB_ACK,
  SB_ISN,
  SB_TIMESTAMPS,
} from './layout.ts'

/** tshark's constants: a fast retransmission follows the last duplicate ACK within 20 ms, ... */
const FAST_NS = 20e6
/** ... and what comes within 3 ms (or the handshake's round trip) of the newest octet is out of order. */
const OOO_NS = 3e6
/** A segment this far before the first octet seen is another connection's, not an earlier part of this one. */
const MAX_BEFORE = 0x1000_0000

/** Sent before the newest segment of its side (and overtaken by it), or after it (again): by timestamp and IP-ID. */
const SENT_BEFORE = -1
const SENT_AFTER = 1
/** So many steps of a counter must have been seen, and few others, before its order is believed. */
const COUNTED = 4

/** @returns SENT_BEFORE, SENT_AFTER, or 0 when neither the timestamp (equal, none) nor the IP-ID (no counter) tells. */
export function sentOrder(ints: Int32Array, o: number, p: Packet, ipIdBefore: number): number {
  if (p.hasTimestamps === 1 && (ints[o + S_BITS]! & SB_TIMESTAMPS) !== 0) {
    const ticks = (p.tsVal - ints[o + S_TSVAL]!) | 0
    if (ticks !== 0) return ticks > 0 ? SENT_AFTER : SENT_BEFORE
  }
  const near = ints[o + S_IPID_NEAR]!
  if (p.ipId <= 0 || ipIdBefore <= 0 || near < COUNTED || ints[o + S_IPID_FAR]! * 4 > near) return 0
  const step = (p.ipId - ipIdBefore) & 0xffff
  if (step === 0) return 0
  return step < 0x1000 ? SENT_AFTER : step > 0xf000 ? SENT_BEFORE : 0
}

/** What a segment below the edge is: fast, spurious or time-out retransmission, or reordered. Counts it. */
export function classifyOld(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  q: number,
  p: Packet,
  order: number,
  t: Ns,
  frame: number,
): number {
  const len = p.dataLen
  const fin = p.flags & FIN
  const end = (p.seq + len + fin) | 0
  const acked = ints[q + S_ACKED]!
  const ackKnown = (ints[q + S_BITS]! & SB_ACK) !== 0
  const filled = fillHoles(ints, o, p.seq, (p.seq + len) | 0) + beforeStart(ints, floats, o, p)
  floats[(o + S_OCTETS) >> 1]! += filled
  // A FIN is an octet of sequence space, too, and none of payload.
  if (fin !== 0) fillHoles(ints, o, (p.seq + len) | 0, end)
  const notNew = ((end - ints[o + S_NXT]!) | 0) <= 0

  if (filled > 0 && order === SENT_BEFORE) {
    ints[o + S_OOO]!++
    return NOTE_OOO
  }
  const sinceAck = t - floats[(q + S_LAST_T) >> 1]!
  if (notNew && ints[q + S_DUPRUN]! >= 2 && ackKnown && acked === p.seq && sinceAck < FAST_NS) {
    ints[o + S_FAST]!++
    noteUnanswered(ints, floats, at, dir, o, p, t, frame, NOTE_FAST)
    return NOTE_FAST
  }
  const newest = Math.max(floats[(o + S_DATA_LAST_T) >> 1]!, floats[(o + S_FIN_T) >> 1]!)
  const known = len > 0 && ackKnown && ((end - acked) | 0) <= 0
  // Unlike tshark, only what fills a hole can be out of order: what was seen before has been sent twice. And what is
  // acknowledged already was sent before, unless the capture itself mixed up the order a little.
  const overtaken = known ? OOO_NS : reorderingTime(ints, floats, at)
  if (filled > 0 && order !== SENT_AFTER && t - newest < overtaken) {
    ints[o + S_OOO]!++
    if (len > 0 && ints[q + S_DUPACKS]! > 0) ints[o + S_UNDECIDED]!++
    return NOTE_OOO
  }
  if (known) {
    ints[o + S_SPURIOUS]!++
    return NOTE_SPURIOUS
  }
  // Sent anew while what followed was still under way: by duplicate ACKs, SACK or RACK, not by a time-out.
  const soon = filled > 0 && order === SENT_AFTER && t - newest < FAST_NS
  noteUnanswered(ints, floats, at, dir, o, p, t, frame, soon ? NOTE_FAST : NOTE_RTO)
  if (soon && len > 0) {
    ints[o + S_FAST]!++
    return NOTE_FAST
  }
  if (len === 0) {
    ints[o + S_RE_FIN]!++
    return NOTE_RE_FIN
  }
  ints[o + S_RTO]!++
  return NOTE_RTO
}

/**
 * Octets of a segment that begins before the first octet seen of a side whose SYN was not: the start moves down.
 * @returns how many had not been seen.
 */
function beforeStart(ints: Int32Array, floats: Float64Array, o: number, p: Packet): number {
  const bits = ints[o + S_BITS]!
  const first = (ints[o + S_BASE]! + 1) | 0
  const below = (first - p.seq) | 0
  if ((bits & SB_ISN) !== 0 || p.dataLen === 0 || below <= 0 || below > MAX_BEFORE) return 0
  if (below > p.dataLen) addHole(ints, floats, o, (p.seq + p.dataLen) | 0, first)
  ints[o + S_BASE] = (p.seq - 1) | 0
  return Math.min(below, p.dataLen)
}

/** The handshake's round trip, from the last SYN where it was seen: no answer to the newest octet can be back sooner. */
function reorderingTime(ints: Int32Array, floats: Float64Array, at: number): Ns {
  const syns = Math.min(ints[at + R_SYNS]!, 8)
  const asked = syns > 0 ? ((at + R_SYN_TIMES) >> 1) + syns - 1 : (at + R_SYNACK_T) >> 1
  return Math.max(OOO_NS, floats[(at + R_ACK_T) >> 1]! - floats[asked]!)
}

/** Counts transmissions of the same unacknowledged octets; the first one is looked up among the kept segments. */
function noteUnanswered(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  p: Packet,
  t: Ns,
  frame: number,
  note: number,
): void {
  if (floats[(at + R_FIRST_LOSS_T) >> 1] === 0) floats[(at + R_FIRST_LOSS_T) >> 1] = t
  const same = ints[o + S_UNA_TIMES]! > 0 && ints[o + S_UNA_SEQ] === p.seq
  if (!same) {
    // A later segment sent again beside the oldest one does not start another count.
    const later = ints[o + S_UNA_TIMES]! > 0 && ((p.seq - ints[o + S_UNA_SEQ]!) | 0) > 0
    if (later) return
    const first = earliestSame(ints, at, dir, p.seq)
    ints[o + S_UNA_SEQ] = p.seq
    ints[o + S_UNA_LEN] = p.dataLen
    ints[o + S_UNA_FLAGS] = (p.flags & 255) | (note << 8) | (p.hasTimestamps << 16)
    ints[o + S_UNA_TSVAL] = p.tsVal
    ints[o + S_UNA_FRAME] = first < 0 ? frame : ints[first + G_FRAME]!
    floats[(o + S_UNA_FIRST_T) >> 1] = first < 0 ? t : floats[(first + G_T) >> 1]!
    ints[o + S_UNA_TIMES] = 1
  }
  ints[o + S_UNA_TIMES]!++
  ints[o + S_UNA_LAST_FRAME] = frame
  floats[(o + S_UNA_LAST_T) >> 1] = t
}

/**
 * Eifel (RFC 3522 §3.2): an acknowledgment that echoes a timestamp from before the repetition was made for the original.
 * So the segment was late, not lost, and was sent again for nothing.
 */
export function noteEcho(ints: Int32Array, q: number, p: Packet): void {
  const told = ints[q + S_UNA_FLAGS]!
  if (ints[q + S_UNA_TIMES] !== 2 || told >> 16 !== 1 || p.hasTimestamps === 0) return
  if (((p.tsEcr - ints[q + S_UNA_TSVAL]!) | 0) >= 0 || ints[q + S_UNA_LEN] === 0) return
  ints[q + S_SPURIOUS]!++
  if (((told >> 8) & 255) === NOTE_FAST) ints[q + S_FAST]!--
  else ints[q + S_RTO]!--
}
