import type { Ns } from '../base/time.ts'
import { ACK, type Packet } from '../packet/packet.ts'
import {
  B_ESTABLISHED,
  B_FAST_OPEN,
  B_GUESSED,
  B_SAW_SYN,
  B_SAW_SYNACK,
  NOTE_NONE,
  NOTE_RE_SYN,
  NOTE_RE_SYNACK,
  R_ACK_FRAME,
  R_BITS,
  R_FIRST_LOSS_T,
  R_SYN_FRAME,
  R_SYN_TIMES,
  R_SYNACK_AFTER_ACK,
  R_SYNACK_FRAME,
  R_SYNACK_T,
  R_SYNACKS,
  R_SYNS,
  S_BASE,
  S_BITS,
  S_MSS,
  S_NXT,
  S_RE_SYN,
  S_RE_SYNACK,
  S_SCALE,
  SB_BASE,
  SB_ISN,
  SB_SACK,
  SB_SCALE,
} from './layout.ts'

/** A SYN or SYN-ACK: sequence space begins, options are agreed (RFC 9293 §3.2, RFC 7323 §2.2, RFC 2018 §2). */
export function noteSyn(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  q: number,
  p: Packet,
  t: Ns,
  frame: number,
): number {
  const again = (ints[o + S_BITS]! & SB_ISN) !== 0
  if (!again) beginSide(ints, o, p)
  ints[at + R_BITS]! &= ~B_GUESSED
  if ((p.flags & ACK) !== 0) return synAck(ints, floats, at, o, q, t, frame, again)
  if (p.fastOpenCookie >= 0) ints[at + R_BITS]! |= B_FAST_OPEN
  const count = ints[at + R_SYNS]!
  if (dir === 0) {
    if (count === 0) ints[at + R_SYN_FRAME] = frame
    if (count < 8) floats[((at + R_SYN_TIMES) >> 1) + count] = t
    ints[at + R_SYNS] = count + 1
    ints[at + R_BITS]! |= B_SAW_SYN
  }
  if (!again) return NOTE_NONE
  if (floats[(at + R_FIRST_LOSS_T) >> 1] === 0) floats[(at + R_FIRST_LOSS_T) >> 1] = t
  ints[o + S_RE_SYN]!++
  return NOTE_RE_SYN
}

function synAck(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  o: number,
  q: number,
  t: Ns,
  frame: number,
  again: boolean,
): number {
  const count = ints[at + R_SYNACKS]!
  if (count === 0) {
    ints[at + R_SYNACK_FRAME] = frame
    floats[(at + R_SYNACK_T) >> 1] = t
  }
  ints[at + R_SYNACKS] = count + 1
  ints[at + R_BITS]! |= B_SAW_SYNACK
  if (!again) settleScale(ints, o, q)
  if (!again) return NOTE_NONE
  const answered = ints[at + R_ACK_FRAME]! !== 0 || (ints[at + R_BITS]! & B_ESTABLISHED) !== 0
  if (answered) ints[at + R_SYNACK_AFTER_ACK]!++
  ints[o + S_RE_SYNACK]!++
  return NOTE_RE_SYNACK
}

function beginSide(ints: Int32Array, o: number, p: Packet): void {
  let bits = ints[o + S_BITS]!
  if ((bits & SB_BASE) === 0) {
    ints[o + S_NXT] = (p.seq + 1) | 0
  }
  ints[o + S_BASE] = p.seq
  bits |= SB_BASE | SB_ISN
  if (p.sackPermitted === 1) bits |= SB_SACK
  if (p.windowScale >= 0) {
    bits |= SB_SCALE
    ints[o + S_SCALE] = Math.min(p.windowScale, 14) // RFC 7323 §2.3: larger shifts count as 14
  }
  ints[o + S_MSS] = p.mss + 1
  ints[o + S_BITS] = bits
}

/** Scaling holds only if both SYNs offered it (RFC 7323 §2.2). When the SYN was not seen, the SYN-ACK's offer stands. */
function settleScale(ints: Int32Array, o: number, q: number): void {
  const own = ints[o + S_BITS]!
  const peer = ints[q + S_BITS]!
  if ((peer & SB_ISN) === 0) return
  if ((own & SB_SCALE) !== 0 && (peer & SB_SCALE) !== 0) return
  ints[o + S_SCALE] = 0
  ints[q + S_SCALE] = 0
}
