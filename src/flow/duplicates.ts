import { FIN, type Packet, RST, SYN } from '../packet/packet.ts'
import {
  R_DUPLICATES,
  S_ACKED,
  S_IPID,
  S_LAST_FLAGS,
  S_LAST_T,
  S_LINK,
  S_TSVAL,
  S_WND,
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
  o: number,
  p: Packet,
  t: number,
): boolean {
  if (ints[o + S_LAST_FLAGS] !== p.flags || ints[o + S_ACKED] !== p.ack) return false
  if (p.hasTimestamps === 1 && ints[o + S_TSVAL] !== p.tsVal) return false
  const apart = t - floats[(o + S_LAST_T) >> 1]!
  if (apart < 0) return p.ipId > 0 && ints[o + S_IPID] === p.ipId
  if (p.ipId > 0) return ints[o + S_IPID] === p.ipId && apart < SAME_ID_NS
  if (apart >= NO_ID_NS) return false
  if (p.dataLen > 0 || (p.flags & (SYN | FIN | RST)) !== 0) return true
  // A bare ACK may really be sent twice within 100 us; it is a copy if copies were seen, or came from another box.
  if (ints[o + S_WND] !== p.wnd) return false
  return ints[at + R_DUPLICATES]! > 0 || (p.linkSource !== 0 && ints[o + S_LINK] !== p.linkSource)
}
