import type { Ns } from '../base/time.ts'
import { type Packet, RST } from '../packet/packet.ts'
import { addHole } from './holes.ts'
import * as L from './layout.ts'

/** An acknowledgment this far beyond what was seen is nonsense (another connection's, or forged), not a capture gap. */
export const MAX_UNSEEN = 0x4000_0000

/** Without a SYN the first octet seen has relative number 1. */
export function needBase(ints: Int32Array, o: number, seq: number): void {
  if ((ints[o + L.S_BITS]! & L.SB_BASE) !== 0) return
  ints[o + L.S_BITS]! |= L.SB_BASE
  ints[o + L.S_BASE] = (seq - 1) | 0
  ints[o + L.S_NXT] = seq
}

/** The first acknowledgment of a side whose SYN was not seen lies below its first octet seen: more is missing before it. */
export function startEarlier(ints: Int32Array, floats: Float64Array, q: number, ack: number): void {
  const first = (ints[q + L.S_BASE]! + 1) | 0
  const below = (first - ack) | 0
  if ((ints[q + L.S_BITS]! & L.SB_ISN) !== 0 || below <= 0 || below > MAX_UNSEEN) return
  addHole(ints, floats, q, ack, first)
  ints[q + L.S_BASE] = (ack - 1) | 0
}

/** Payload after payload of the other side: a request, or the answer to one. */
export function beginMessage(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  seq: number,
  p: Packet,
): void {
  if ((ints[o + L.S_BITS]! & L.SB_DATA) === 0) {
    ints[o + L.S_BITS]! |= L.SB_DATA
    floats[(o + L.S_DATA_FIRST_T) >> 1] = p.tNs
  }
  ints[at + L.R_LAST_DATA_BY] = dir + 1
  ints[o + L.S_MSG_SEQ] = seq
  ints[o + L.S_MSG_FRAME] = p.frame
  floats[(o + L.S_MSG_T) >> 1] = p.tNs
  if (dir === 0) ints[at + L.R_EXCHANGES]!++
}

export function noteFin(ints: Int32Array, floats: Float64Array, o: number, p: Packet): void {
  ints[o + L.S_FINS]!++
  if ((ints[o + L.S_BITS]! & L.SB_FIN) !== 0) return
  ints[o + L.S_BITS]! |= L.SB_FIN
  ints[o + L.S_FIN_SEQ] = (p.seq + p.dataLen) | 0
  ints[o + L.S_FIN_FRAME] = p.frame
  floats[(o + L.S_FIN_T) >> 1] = p.tNs
}

export function noteKeepalive(ints: Int32Array, floats: Float64Array, o: number, p: Packet): void {
  const t = p.tNs
  const last = floats[(o + L.S_KA_LAST_T) >> 1]!
  if (ints[o + L.S_KEEPALIVES]! > 0) floats[(o + L.S_KA_INTERVAL) >> 1] = t - last
  floats[(o + L.S_KA_LAST_T) >> 1] = t
  ints[o + L.S_KEEPALIVES]!++
  ints[o + L.S_KA_RUN]!++
}

/** What went unanswered since it was first sent has been acknowledged at last. */
export function noteStall(floats: Float64Array, at: number, q: number, t: Ns): void {
  const from = floats[(q + L.S_UNA_FIRST_T) >> 1]!
  if (t - from <= floats[(at + L.R_STALL_T) >> 1]!) return
  floats[(at + L.R_STALL_FROM_T) >> 1] = from
  floats[(at + L.R_STALL_T) >> 1] = t - from
}

export function noteTimestamp(
  ints: Int32Array,
  o: number,
  p: Packet,
  elapsed: Ns,
  frame: number,
): void {
  const bits = ints[o + L.S_BITS]!
  if ((p.flags & RST) !== 0) return
  if ((bits & L.SB_TIMESTAMPS) !== 0 && ints[o + L.S_CHANGED] === 0) {
    const step = (p.tsVal - ints[o + L.S_TSVAL]!) | 0
    const elapsedMs = elapsed / 1e6
    // Clocks tick at 1,000 a second or slower (RFC 7323 §5.4 allows 1 ms to 1 s); ten times that and 10 s is another clock.
    if (step < -10_000 || step > elapsedMs * 10 + 10_000) ints[o + L.S_CHANGED] = frame
  }
  ints[o + L.S_BITS] = bits | L.SB_TIMESTAMPS
  ints[o + L.S_TSVAL] = p.tsVal
}
