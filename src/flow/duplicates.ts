import type { Ns } from '../base/time.ts'
import { ACK, FIN, type Packet, RST, SYN } from '../packet/packet.ts'
import {
  G_ACK,
  G_BITS,
  G_LEN,
  G_SEQ,
  G_T,
  G_TTL_ID,
  HEAD_SEGMENTS,
  R_DUPLICATES,
  R_SEGMENTS,
  S_ACKED,
  S_IPID,
  S_LAST_FLAGS,
  S_LAST_T,
  S_LINK,
  S_TSVAL,
  S_WND,
  SEGMENT_WORDS,
  SEGMENTS_AT,
  TAIL_SEGMENTS,
} from './layout.ts'

/** Two captures of one packet (bridge and port, before and after a router) are this close together. */
const SAME_ID_NS = 10e6
/** Without an IP-ID to tell them apart, only what comes this close is the same packet. */
const NO_ID_NS = 100e3

/**
 * Whether this is the packet that the same side sent last, captured a second time (`-i any`, a mirror port that sees
 * both sides of a router). A retransmission has a new IP-ID and comes no sooner than a round trip; TTL and link address
 * may differ and are not compared. Called when seq and length are already known to be equal.
 */
export function isSamePacket(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  p: Packet,
): boolean {
  if (ints[o + S_LAST_FLAGS] !== p.flags) return false
  // A RST's ack is not noted as acknowledged; two RSTs that are alike in all else are alike in this.
  if ((p.flags & RST) === 0 && ints[o + S_ACKED] !== p.ack) return false
  if (p.hasTimestamps === 1 && ints[o + S_TSVAL] !== p.tsVal) return false
  const apart = p.tNs - floats[(o + S_LAST_T) >> 1]!
  if (apart < 0) return p.ipId > 0 && ints[o + S_IPID] === p.ipId
  if (p.ipId > 0 && !isConstantId(ints, at, dir, p)) {
    return ints[o + S_IPID] === p.ipId && apart < SAME_ID_NS
  }
  // No timer repeats a SYN or SYN,ACK within 10 ms (TCP_TIMEOUT_INIT is 1 s), and they often have no IP-ID.
  if (apart >= ((p.flags & SYN) !== 0 ? SAME_ID_NS : NO_ID_NS)) return false
  if (p.dataLen > 0 || (p.flags & (SYN | FIN | RST)) !== 0) return true
  // A bare ACK may really be sent twice within 100 us; it is a copy if copies were seen, or came from another box.
  if (ints[o + S_WND] !== p.wnd) return false
  return ints[at + R_DUPLICATES]! > 0 || (p.linkSource !== 0 && ints[o + S_LINK] !== p.linkSource)
}

/**
 * Whether this is a copy of one of the kept packets: by its IP-ID when it comes soon after (two mirror ports whose copies
 * interleave), or by its very time when the clock ran back (the same capture twice in one file).
 * Called when the packet brings nothing new. @param silence time since the connection's latest packet, ns
 */
export function isKeptCopy(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  p: Packet,
  silence: Ns,
): boolean {
  if (p.ipId <= 0 && silence >= 0) return false
  const count = Math.min(ints[at + R_SEGMENTS]!, HEAD_SEGMENTS + TAIL_SEGMENTS)
  const ack = (p.flags & ACK) !== 0 ? p.ack : 0
  for (let g = at + SEGMENTS_AT; g < at + SEGMENTS_AT + count * SEGMENT_WORDS; g += SEGMENT_WORDS) {
    const bits = ints[g + G_BITS]!
    if (ints[g + G_SEQ] !== p.seq || ints[g + G_LEN] !== p.dataLen) continue
    if ((bits & 255) !== (p.flags & 255) || ((bits >> 8) & 1) !== dir) continue
    if ((p.flags & ACK) !== 0 && ints[g + G_ACK] !== ack) continue
    if ((ints[g + G_TTL_ID]! & 0x1ffff) - 1 !== p.ipId) continue
    const apart = p.tNs - floats[(g + G_T) >> 1]!
    if (apart === 0 && silence < 0) return true
    if (p.ipId > 0 && Math.abs(apart) < SAME_ID_NS) return !isConstantId(ints, at, dir, p)
  }
  return false
}

/** Some senders (and makers of test captures) give all packets the same IP-ID; then it tells nothing. */
function isConstantId(ints: Int32Array, at: number, dir: number, p: Packet): boolean {
  const count = Math.min(ints[at + R_SEGMENTS]!, HEAD_SEGMENTS + TAIL_SEGMENTS)
  for (let g = at + SEGMENTS_AT; g < at + SEGMENTS_AT + count * SEGMENT_WORDS; g += SEGMENT_WORDS) {
    if (((ints[g + G_BITS]! >> 8) & 1) !== dir) continue
    if ((ints[g + G_TTL_ID]! & 0x1ffff) - 1 !== p.ipId) continue
    if (ints[g + G_SEQ] !== p.seq || ints[g + G_LEN] !== p.dataLen) return true
  }
  return false
}
