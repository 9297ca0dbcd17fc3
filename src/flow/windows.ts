import { FIN, type Packet } from '../packet/packet.ts'
import * as L from './layout.ts'

export function windowClosed(ints: Int32Array, q: number): boolean {
  return (ints[q + L.S_BITS]! & L.SB_ZERO) !== 0
}

/** The window of a SYN-ACK is not scaled (RFC 7323 §2.2): the first right edge. */
export function firstEdge(ints: Int32Array, o: number, p: Packet): void {
  if ((ints[o + L.S_BITS]! & L.SB_EDGE) !== 0) return
  ints[o + L.S_BITS]! |= L.SB_EDGE
  ints[o + L.S_EDGE] = (p.ack + p.wnd) | 0
  ints[o + L.S_EDGE_ACK] = p.ack
}

export function noteWindow(
  ints: Int32Array,
  floats: Float64Array,
  o: number,
  p: Packet,
  note: number,
): number {
  const t = p.tNs
  const wnd = p.wnd
  let bits = ints[o + L.S_BITS]!
  ints[o + L.S_WND] = wnd
  if (wnd === 0 && (p.flags & FIN) === 0) {
    if ((bits & L.SB_ZERO) === 0) {
      bits |= L.SB_ZERO
      ints[o + L.S_ZW_TIMES]!++
      floats[(o + L.S_ZERO_SINCE) >> 1] = t
      if (ints[o + L.S_ZW_FRAME] === 0) ints[o + L.S_ZW_FRAME] = p.frame
    }
    if (note === L.NOTE_NONE) note = L.NOTE_ZERO_WINDOW
  } else if (wnd !== 0 && (bits & L.SB_ZERO) !== 0) {
    bits &= ~L.SB_ZERO
    const closed = t - floats[(o + L.S_ZERO_SINCE) >> 1]!
    // The clock of a capture may run back.
    if (closed > 0) floats[(o + L.S_ZERO_TOTAL) >> 1]! += closed
  }
  const scaled = wnd << ints[o + L.S_SCALE]!
  if (scaled > ints[o + L.S_MAX_WND]!) ints[o + L.S_MAX_WND] = scaled
  const edge = (p.ack + scaled) | 0
  if ((bits & L.SB_EDGE) === 0 || ((edge - ints[o + L.S_EDGE]!) | 0) > 0) {
    bits |= L.SB_EDGE
    ints[o + L.S_EDGE] = edge
    ints[o + L.S_EDGE_ACK] = p.ack
  }
  ints[o + L.S_BITS] = bits
  return note
}
