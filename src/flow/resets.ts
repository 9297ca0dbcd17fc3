import { ACK, FIN, type Packet, RST, SYN } from '../packet/packet.ts'
import { ttlCount } from './habits.ts'
import { keptSegments } from './kept.ts'
import {
  B_SAW_SYN,
  B_SAW_SYNACK,
  CLIENT_SIDE,
  G_ACK,
  G_BITS,
  G_FRAME,
  G_LEN,
  G_SEQ,
  G_T,
  R_BARE_ACK_FRAME,
  R_BITS,
  S_ACKED,
  S_BASE,
  S_BITS,
  S_FIN_SEQ,
  S_IPID,
  S_IPID_FAR,
  S_IPID_NEAR,
  S_IPID_ZERO,
  S_LAST_T,
  S_NXT,
  S_PACKETS,
  S_TTLS,
  SB_ACK,
  SB_BASE,
  SB_DATA,
  SB_FIN,
  SB_ISN,
  SB_TIMESTAMPS,
  SERVER_SIDE,
} from './layout.ts'
import type { Rows } from './rows.ts'

/** What is noted of a RST when it passes, because the state it met is gone later. Sequence numbers are absolute. */
export interface ResetRecord {
  dir: number
  t: number
  frame: number
  flags: number
  seq: number
  ack: number
  wnd: number
  len: number
  ttl: number
  ipId: number
  options: boolean
  tsVal: number | null
  tsEcr: number | null
  shape: 'active' | 'stateless' | 'syn-reply' | 'other'
  accepted: boolean | 'unknown'
  seqOffset: number
  /** Kept segment it answers, as {t, frame}; null when it answers none. */
  triggerFrame: number | null
  afterTriggerMs: number | null
  silenceBeforeMs: number
  ttlUsual: number | null
  ttlUnusual: boolean
  ipIdFits: boolean | null
  timestampsKept: boolean | null
  /** The handshake was done or under way, the server had sent no payload and acknowledged none of the client's. */
  inHandshake: boolean
  /** The client rejects an ACK of an older connection (RFC 9293 §3.10.7.3); its own attempt goes on. */
  onlyRejectsAck: boolean
}

const MAX_WINDOW = 0x4000_0000

/** Call with the row open, after the segment itself has been counted. */
export function resetRecord(
  rows: Rows,
  dir: number,
  p: Packet,
  t: number,
  frame: number,
): ResetRecord {
  const { ints, floats, at } = rows
  const o = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
  const q = at + (dir === 0 ? SERVER_SIDE : CLIENT_SIDE)
  const trigger = findTrigger(ints, at, dir, p, frame)
  const peerLast = ints[q + S_PACKETS]! > 0 ? floats[(q + S_LAST_T) >> 1]! : null
  const triggerT = trigger === null ? peerLast : floats[(trigger + G_T) >> 1]!
  const ttlUsual = usualTtl(ints, o)
  return {
    dir,
    t,
    frame,
    flags: p.flags,
    seq: p.seq,
    ack: (p.flags & ACK) !== 0 ? p.ack : 0,
    wnd: p.wnd,
    len: p.dataLen,
    ttl: p.ttl,
    ipId: p.ipId,
    options: p.optionsLen !== 0,
    tsVal: p.hasTimestamps === 1 ? p.tsVal : null,
    tsEcr: p.hasTimestamps === 1 ? p.tsEcr : null,
    shape: shapeOf(p),
    ...acceptance(ints, at, o, q, dir, p),
    triggerFrame: trigger === null ? null : ints[trigger + G_FRAME]!,
    afterTriggerMs: triggerT === null ? null : (t - triggerT) / 1e6,
    silenceBeforeMs: silenceBefore(ints, floats, at, trigger, t),
    ttlUsual,
    ttlUnusual: p.ttl > 0 && ttlUsual !== null && !knownTtl(ints, o, p.ttl),
    ipIdFits: ipIdFits(ints, o, p),
    timestampsKept: (ints[o + S_BITS]! & SB_TIMESTAMPS) === 0 ? null : p.hasTimestamps === 1,
    inHandshake: inHandshake(ints, at),
    onlyRejectsAck:
      dir === 0 && ints[at + R_BARE_ACK_FRAME] !== 0 && (ints[at + R_BITS]! & B_SAW_SYNACK) === 0,
  }
}

/** The two shapes of Linux, docs/causes/close-with-unread-data.md; other stacks mix them. */
function shapeOf(p: Packet): ResetRecord['shape'] {
  const withAck = (p.flags & ACK) !== 0
  if (withAck && p.seq === 0 && p.wnd === 0) return 'syn-reply'
  if (!withAck && p.wnd === 0 && p.optionsLen <= 0) return 'stateless'
  if (withAck && (p.wnd > 0 || p.optionsLen > 0)) return 'active'
  return 'other'
}

/** RFC 5961 §3: acceptable if seq is exactly RCV.NXT of the receiver, of which we know the bounds. */
function acceptance(
  ints: Int32Array,
  at: number,
  o: number,
  q: number,
  dir: number,
  p: Packet,
): { accepted: boolean | 'unknown'; seqOffset: number } {
  const bits = ints[at + R_BITS]!
  const synOnly = dir === 1 && (bits & B_SAW_SYN) !== 0 && (bits & B_SAW_SYNACK) === 0
  if (synOnly && (p.flags & ACK) !== 0) {
    // In SYN-SENT the ACK must cover the SYN: RFC 9293 §3.10.7.3.
    const covers = p.ack === ((ints[q + S_BASE]! + 1) | 0) || ((p.ack - ints[q + S_NXT]!) | 0) === 0
    return { accepted: covers, seqOffset: 0 }
  }
  const next = ints[o + S_NXT]!
  const seqOffset = (p.seq - next) | 0
  if ((ints[o + S_BITS]! & SB_BASE) === 0) return { accepted: 'unknown', seqOffset: 0 }
  if (seqOffset === 0) return { accepted: true, seqOffset }
  // Octets in flight may or may not have arrived: anything between what was acknowledged and what was sent may fit.
  const ackKnown = (ints[q + S_BITS]! & SB_ACK) !== 0
  const aboveAcked = ackKnown ? (p.seq - ints[q + S_ACKED]!) | 0 : 0
  if (seqOffset < 0 && ackKnown && aboveAcked >= 0) return { accepted: true, seqOffset }
  const finSent = (ints[o + S_BITS]! & SB_FIN) !== 0
  if (finSent && p.seq === ints[o + S_FIN_SEQ]) return { accepted: true, seqOffset }
  if (!ackKnown || ints[o + S_PACKETS] === 1) return { accepted: 'unknown', seqOffset }
  // Above what we saw of its sender: lost from the capture or outside; small gaps may be capture loss.
  if (seqOffset > 0 && seqOffset < MAX_WINDOW) return { accepted: 'unknown', seqOffset }
  return { accepted: false, seqOffset }
}

/** A bare RST carries the ack number of the segment it answers; an RST,ACK to a SYN acknowledges it. */
function findTrigger(
  ints: Int32Array,
  at: number,
  dir: number,
  p: Packet,
  frame: number,
): number | null {
  const kept = keptSegments(ints, at)
  for (let i = kept.length - 1; i >= 0; i--) {
    const g = kept[i]!
    const bits = ints[g + G_BITS]!
    if (ints[g + G_FRAME] === frame || ((bits >> 8) & 1) === dir || (bits & RST) !== 0) continue
    if ((p.flags & ACK) === 0 && (bits & ACK) !== 0 && ints[g + G_ACK] === p.seq) return g
    const end = (ints[g + G_SEQ]! + ints[g + G_LEN]! + (bits & FIN) + ((bits & SYN) >> 1)) | 0
    if ((p.flags & ACK) !== 0 && (bits & SYN) !== 0 && p.ack === end) return g
  }
  return null
}

function silenceBefore(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  trigger: number | null,
  t: number,
): number {
  const kept = keptSegments(ints, at)
  const index = trigger === null ? kept.length - 1 : kept.indexOf(trigger)
  const here = trigger === null ? t : floats[(trigger + G_T) >> 1]!
  const before = kept[index - 1]
  const earlier = before === undefined ? here : floats[(before + G_T) >> 1]!
  return Math.max(0, here - earlier) / 1e6
}

export function usualTtl(ints: Int32Array, o: number): number | null {
  let best = 0
  for (let i = 1; i < 4; i++) {
    if (ttlCount(ints, o, i) > ttlCount(ints, o, best)) best = i
  }
  const ttl = (ints[o + S_TTLS]! >>> (best * 8)) & 255
  return ttl === 0 ? null : ttl
}

function knownTtl(ints: Int32Array, o: number, ttl: number): boolean {
  const ttls = ints[o + S_TTLS]!
  for (let i = 0; i < 4; i++) if (((ttls >>> (i * 8)) & 255) === ttl) return true
  return false
}

function ipIdFits(ints: Int32Array, o: number, p: Packet): boolean | null {
  if (p.ipId < 0) return null
  const zero = ints[o + S_IPID_ZERO]!
  const near = ints[o + S_IPID_NEAR]!
  const far = ints[o + S_IPID_FAR]!
  if (near >= 2 && near > far * 4) {
    if (p.ipId === 0) return null // Linux itself answers with ID 0 when it has no socket.
    const step = (p.ipId - ints[o + S_IPID]!) & 0xffff
    return step < 4096
  }
  if (zero >= 3 && near === 0 && far === 0) return p.ipId === 0
  return null
}

function inHandshake(ints: Int32Array, at: number): boolean {
  const bits = ints[at + R_BITS]!
  if ((bits & B_SAW_SYNACK) === 0) return false
  const server = at + SERVER_SIDE
  const client = at + CLIENT_SIDE
  const serverBits = ints[server + S_BITS]!
  if ((serverBits & (SB_DATA | SB_FIN)) !== 0) return false
  if ((ints[client + S_BITS]! & SB_FIN) !== 0) return false
  const ackedData =
    (serverBits & SB_ACK) !== 0 && ((ints[server + S_ACKED]! - ints[client + S_BASE]! - 1) | 0) > 0
  return !ackedData && (ints[client + S_BITS]! & SB_ISN) !== 0
}
