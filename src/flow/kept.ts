import { ACK, type Packet } from '../packet/packet.ts'
import {
  G_ACK,
  G_BITS,
  G_FRAME,
  G_LEN,
  G_SEQ,
  G_T,
  G_TSECR,
  G_TSVAL,
  G_TTL_ID,
  G_WND,
  HEAD_SEGMENTS,
  R_SEGMENTS,
  R_TAIL_SLOT,
  S_SCALE,
  SEGMENT_WORDS,
  SEGMENTS_AT,
  TAIL_SEGMENTS,
} from './layout.ts'

/** Keeps a segment: the first five for good, then the last fourteen in a ring. */
export function pushSegment(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  o: number,
  p: Packet,
  note: number,
): void {
  const count = ints[at + R_SEGMENTS]!
  ints[at + R_SEGMENTS] = count + 1
  let slot = count
  if (count >= HEAD_SEGMENTS) {
    // (count - HEAD_SEGMENTS) % TAIL_SEGMENTS, kept: a division costs as much as all the rest here.
    const tail = ints[at + R_TAIL_SLOT]!
    slot = HEAD_SEGMENTS + tail
    ints[at + R_TAIL_SLOT] = tail + 1 === TAIL_SEGMENTS ? 0 : tail + 1
  }
  const g = at + SEGMENTS_AT + slot * SEGMENT_WORDS
  floats[(g + G_T) >> 1] = p.tNs
  ints[g + G_FRAME] = p.frame
  ints[g + G_SEQ] = p.seq
  ints[g + G_ACK] = p.ack
  ints[g + G_LEN] = p.dataLen
  const flags = p.flags
  const options = p.optionsLen !== 0 ? 1 << 17 : 0
  const hasAck = (flags & ACK) !== 0 ? 1 << 19 : 0
  ints[g + G_BITS] =
    (flags & 255) | (dir << 8) | (note << 12) | options | (p.hasTimestamps << 18) | hasAck
  ints[g + G_WND] = (flags & 2) !== 0 ? p.wnd : p.wnd << ints[o + S_SCALE]!
  ints[g + G_TTL_ID] = (p.ttl << 17) | (p.ipId + 1)
  ints[g + G_TSVAL] = p.tsVal
  ints[g + G_TSECR] = p.tsEcr
}

/** Offsets of the kept segments of the open row, in time order. */
export function keptSegments(ints: Int32Array, at: number): number[] {
  const count = ints[at + R_SEGMENTS]!
  const first = at + SEGMENTS_AT
  const offsets: number[] = []
  for (let i = 0; i < Math.min(count, HEAD_SEGMENTS); i++) offsets.push(first + i * SEGMENT_WORDS)
  const inTail = Math.min(Math.max(0, count - HEAD_SEGMENTS), TAIL_SEGMENTS)
  for (let i = inTail; i > 0; i--) {
    const slot = HEAD_SEGMENTS + ((count - HEAD_SEGMENTS - i) % TAIL_SEGMENTS)
    offsets.push(first + slot * SEGMENT_WORDS)
  }
  return offsets
}

/** Offset of the first kept segment of this side that carried this sequence number; -1 = it is no longer kept. */
export function earliestSame(ints: Int32Array, at: number, dir: number, seq: number): number {
  const count = ints[at + R_SEGMENTS]!
  const first = at + SEGMENTS_AT
  for (let i = 0; i < Math.min(count, HEAD_SEGMENTS); i++) {
    const g = first + i * SEGMENT_WORDS
    if (carries(ints, g, dir, seq)) return g
  }
  const inTail = Math.min(Math.max(0, count - HEAD_SEGMENTS), TAIL_SEGMENTS)
  for (let i = inTail; i > 0; i--) {
    const slot = HEAD_SEGMENTS + ((count - HEAD_SEGMENTS - i) % TAIL_SEGMENTS)
    const g = first + slot * SEGMENT_WORDS
    if (carries(ints, g, dir, seq)) return g
  }
  return -1
}

/** Payload or a FIN of this side from this number on. */
function carries(ints: Int32Array, g: number, dir: number, seq: number): boolean {
  const bits = ints[g + G_BITS]!
  if (((bits >> 8) & 1) !== dir || ints[g + G_SEQ] !== seq) return false
  return ints[g + G_LEN]! > 0 || (bits & 1) !== 0
}
