import type { Ns } from '../base/time.ts'
import { ACK, FIN, type Packet, RST, SYN } from '../packet/packet.ts'
import { isKeptCopy, isSamePacket } from './duplicates.ts'
import { HABIT_PACKETS, noteHabits, noteIpId } from './habits.ts'
import { noteSyn } from './handshake.ts'
import { addHole } from './holes.ts'
import { pushSegment } from './kept.ts'
import * as L from './layout.ts'
import { classifyOld, noteEcho, sentOrder } from './retransmissions.ts'
import type { Rows } from './rows.ts'
import {
  beginMessage,
  MAX_UNSEEN,
  needBase,
  noteFin,
  noteKeepalive,
  noteStall,
  noteTimestamp,
  startEarlier,
} from './sequence-space.ts'
import { noteSilence, SILENCE_MIN_NS, settleSilence } from './silences.ts'
import { firstEdge, noteWindow, windowClosed } from './windows.ts'

/** A clock that runs back this far to the very time of an earlier packet has begun to tell the capture again. */
const REPEATED_NS = 20e6
/**
 * Updates the open row by one segment of the client (dir 0) or server (dir 1): counters, sequence space, windows,
 * silences, messages, kept segments. What a segment is called follows tshark's tcp_analyze_sequence_number where that
 * is right, so that figures can be compared; where it differs, the code says why.
 */
export class SegmentProcessor {
  /** Whether the last segment sent something new or acknowledged something new. */
  advanced = false
  /** IP-ID of the side's segment before this one. */
  private ipIdBefore = 0
  private readonly rows: Rows

  constructor(rows: Rows) {
    this.rows = rows
  }

  /**
   * The straight path of most segments: ACK or PSH,ACK on a connection about which nothing is unusual (B_STRAIGHT),
   * exactly next in sequence, acknowledging nothing that was not seen. Does what `process` would do and nothing else.
   * @returns false, with nothing changed, when the segment is anything but that.
   */
  fast(dir: number, p: Packet): boolean {
    const { ints, floats, at } = this.rows
    if ((ints[at + L.R_BITS]! & L.B_STRAIGHT) === 0) return false
    const o = at + (dir === 0 ? L.CLIENT_SIDE : L.SERVER_SIDE)
    const q = at + (dir === 0 ? L.SERVER_SIDE : L.CLIENT_SIDE)
    const seq = p.seq
    const len = p.dataLen
    const ack = p.ack
    const wnd = p.wnd
    const t = p.tNs
    if (seq !== ints[o + L.S_NXT] || wnd === 0 || (ints[o + L.S_TTLS]! & 255) !== p.ttl)
      return false
    const step = (ack - ints[o + L.S_ACKED]!) | 0
    const unseen = (ack - ints[q + L.S_NXT]!) | 0
    if (step < 0 || unseen > 0 || (len === 0 && step === 0)) return false
    const silence = t - floats[(at + L.R_LAST_T) >> 1]!
    if (silence < 0 || silence > SILENCE_MIN_NS) return false
    if (p.hasTimestamps === 1) {
      const ticks = (p.tsVal - ints[o + L.S_TSVAL]!) | 0
      if (ticks < 0 || ticks > 10_000) return false
      ints[o + L.S_TSVAL] = p.tsVal
    }

    const frame = p.frame
    floats[(at + L.R_LAST_T) >> 1] = t
    floats[(o + L.S_LAST_T) >> 1] = t
    ints[at + L.R_LAST_FRAME] = frame
    ints[o + L.S_LAST_FRAME] = frame
    const packets = ints[o + L.S_PACKETS]! + 1
    ints[o + L.S_PACKETS] = packets
    if (packets < HABIT_PACKETS) noteIpId(ints, o, p, packets)
    ints[o + L.S_IPID] = p.ipId
    if (len > 0) {
      const end = (seq + len) | 0
      ints[o + L.S_NXT] = end
      floats[(o + L.S_OCTETS) >> 1]! += len
      floats[(o + L.S_DATA_LAST_T) >> 1] = t
      ints[o + L.S_DATA_LAST_FRAME] = frame
      if (len > ints[o + L.S_BIG_SENT]!) ints[o + L.S_BIG_SENT] = len
      if (ints[at + L.R_LAST_DATA_BY] !== dir + 1) beginMessage(ints, floats, at, dir, o, seq, p)
    }
    if (step > 0) {
      ints[o + L.S_ACKED] = ack
      if (unseen === 0) {
        const sent = ints[q + L.S_BIG_SENT]!
        if (sent > ints[q + L.S_BIG_ACKED]!) ints[q + L.S_BIG_ACKED] = sent
        ints[q + L.S_BIG_SENT] = 0
      }
    }
    ints[o + L.S_WND] = wnd
    const scaled = wnd << ints[o + L.S_SCALE]!
    if (scaled > ints[o + L.S_MAX_WND]!) ints[o + L.S_MAX_WND] = scaled
    const edge = (ack + scaled) | 0
    if (((edge - ints[o + L.S_EDGE]!) | 0) > 0) {
      ints[o + L.S_EDGE] = edge
      ints[o + L.S_EDGE_ACK] = ack
    }
    ints[o + L.S_LAST_SEQ] = seq
    ints[o + L.S_LAST_LEN] = len
    ints[o + L.S_LAST_FLAGS] = p.flags
    pushSegment(ints, floats, at, dir, o, p, L.NOTE_NONE)
    return true
  }

  /** Whether the straight path may be tried for the next segment. Called after every segment that did not take it. */
  private judgeStraight(): void {
    const { ints, floats, at } = this.rows
    const bits = ints[at + L.R_BITS]! & ~L.B_STRAIGHT
    const open = (bits & (L.B_ESTABLISHED | L.B_RESET | L.B_CLOSED)) === L.B_ESTABLISHED
    const usual =
      open &&
      floats[(at + L.R_PENDING_T) >> 1] === 0 &&
      isUsual(ints, at + L.CLIENT_SIDE) &&
      isUsual(ints, at + L.SERVER_SIDE)
    ints[at + L.R_BITS] = usual ? bits | L.B_STRAIGHT : bits
  }

  /** @returns false when this is the same packet captured a second time (nothing was updated but its count). */
  process(dir: number, p: Packet): boolean {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats, at } = this.rows
    const o = at + (dir === 0 ? L.CLIENT_SIDE : L.SERVER_SIDE)
    const q = at + (dir === 0 ? L.SERVER_SIDE : L.CLIENT_SIDE)
    const flags = p.flags
    if (
      ints[o + L.S_LAST_SEQ] === p.seq &&
      ints[o + L.S_LAST_LEN] === p.dataLen &&
      ints[o + L.S_PACKETS] !== 0 &&
      isSamePacket(ints, floats, at, dir, o, p)
    ) {
      ints[at + L.R_DUPLICATES]!++
      return false
    }
    const silence = t - floats[(at + L.R_LAST_T) >> 1]!
    if (this.bringsNothing(o, p) && this.isCopy(dir, p, silence)) {
      ints[at + L.R_DUPLICATES]!++
      return false
    }
    if (floats[(at + L.R_PENDING_T) >> 1]! > 0) settleSilence(ints, floats, at, dir, flags)
    if (silence > SILENCE_MIN_NS) noteSilence(ints, floats, at, dir, silence, frame)
    if (silence > 0) floats[(at + L.R_LAST_T) >> 1] = t

    const packets = ints[o + L.S_PACKETS]!
    ints[o + L.S_PACKETS] = packets + 1
    if ((flags & RST) === 0) {
      if (packets === 0 || (ints[o + L.S_TTLS]! & 255) !== p.ttl) noteHabits(ints, o, p, frame)
      this.ipIdBefore = ints[o + L.S_IPID]!
      noteIpId(ints, o, p, packets)
    }
    const note = this.sequence(dir, o, q, p)

    ints[at + L.R_LAST_FRAME] = frame
    ints[o + L.S_LAST_FRAME] = frame
    const before = floats[(o + L.S_LAST_T) >> 1]!
    floats[(o + L.S_LAST_T) >> 1] = t
    ints[o + L.S_LAST_SEQ] = p.seq
    ints[o + L.S_LAST_LEN] = p.dataLen
    ints[o + L.S_LAST_FLAGS] = flags
    ints[o + L.S_LAST_KIND] = note
    if (p.hasTimestamps === 1) noteTimestamp(ints, o, p, t - before, frame)
    if (note !== L.NOTE_KEEPALIVE && note !== L.NOTE_ZW_PROBE) ints[q + L.S_KA_RUN] = 0
    pushSegment(ints, floats, at, dir, o, p, note)
    this.judgeStraight()
    return true
  }

  /** Nothing sent beyond the edge and nothing acknowledged that was not: what a copy of an earlier packet looks like. */
  private bringsNothing(o: number, p: Packet): boolean {
    const { ints } = this.rows
    if (ints[o + L.S_PACKETS] === 0) return false
    const flags = p.flags
    const end = (p.seq + p.dataLen + (flags & FIN) + ((flags & SYN) >> 1)) | 0
    if (((end - ints[o + L.S_NXT]!) | 0) > 0) return false
    return (flags & (ACK | RST)) !== ACK || ((p.ack - ints[o + L.S_ACKED]!) | 0) <= 0
  }

  private isCopy(dir: number, p: Packet, silence: Ns): boolean {
    const { ints, floats, at } = this.rows
    if (silence > 0) ints[at + L.R_BITS]! &= ~L.B_REPEATED
    else if ((ints[at + L.R_BITS]! & L.B_REPEATED) !== 0) return true
    if (!isKeptCopy(ints, floats, at, dir, p, silence)) return false
    if (silence < -REPEATED_NS) ints[at + L.R_BITS]! |= L.B_REPEATED
    return true
  }

  private sequence(dir: number, o: number, q: number, p: Packet): number {
    const { ints, floats, at } = this.rows
    const flags = p.flags
    const seq = p.seq
    const len = p.dataLen
    this.advanced = false
    if ((flags & RST) !== 0) {
      ints[o + L.S_RSTS]!++
      needBase(ints, o, seq)
      return L.NOTE_NONE
    }
    if ((flags & SYN) !== 0) return this.handshakeSegment(dir, o, q, p)
    if ((ints[at + L.R_BITS]! & L.B_ESTABLISHED) === 0) {
      if (!this.firstAck(dir, o, q, p)) return L.NOTE_CHALLENGE
    }
    if ((ints[o + L.S_BITS]! & L.SB_BASE) === 0) needBase(ints, o, seq)

    let note = L.NOTE_NONE
    const diff = (seq - ints[o + L.S_NXT]!) | 0
    const octets = len + (flags & FIN)
    if (octets === 0) {
      note = this.bareAck(o, q, p, diff)
    } else if (diff === 0 && !(len === 1 && windowClosed(ints, q))) {
      this.advance(dir, o, (seq + octets) | 0, len, seq, p)
      if ((flags & FIN) !== 0) noteFin(ints, floats, o, p)
    } else if (diff === 0) {
      note = L.NOTE_ZW_PROBE
      ints[o + L.S_ZW_PROBES]!++
    } else if (diff > 0) {
      note = L.NOTE_GAP
      addHole(ints, floats, o, ints[o + L.S_NXT]!, seq)
      this.advance(dir, o, (seq + octets) | 0, len, seq, p)
      if ((flags & FIN) !== 0) noteFin(ints, floats, o, p)
    } else {
      note = this.old(dir, o, q, p, diff)
    }
    if ((flags & ACK) !== 0) this.acknowledge(o, q, p)
    return noteWindow(ints, floats, o, p, note)
  }

  private handshakeSegment(dir: number, o: number, q: number, p: Packet): number {
    const { ints, floats, at } = this.rows
    const note = noteSyn(ints, floats, at, dir, o, q, p, p.tNs, p.frame)
    if (note === L.NOTE_NONE) this.advanced = true
    if (p.dataLen > 0) {
      ints[at + L.R_BITS]! |= L.B_FAST_OPEN
      if (((p.seq + 1 + p.dataLen - ints[o + L.S_NXT]!) | 0) > 0) {
        this.advance(dir, o, (p.seq + 1 + p.dataLen) | 0, p.dataLen, (p.seq + 1) | 0, p)
      }
    }
    if ((p.flags & ACK) !== 0) {
      this.acknowledge(o, q, p)
      firstEdge(ints, o, p)
    }
    return note
  }

  /** @returns false when the segment belongs to an older connection (a bare ACK that answers a SYN). */
  private firstAck(dir: number, o: number, q: number, p: Packet): boolean {
    const frame = p.frame
    const { ints, floats, at } = this.rows
    const bits = ints[at + L.R_BITS]!
    if ((bits & L.B_SAW_SYN) === 0 && (bits & L.B_SAW_SYNACK) === 0) {
      ints[at + L.R_BITS] = bits | L.B_ESTABLISHED
      return true
    }
    const peerBits = ints[q + L.S_BITS]!
    if (dir === 1 && (bits & L.B_SAW_SYNACK) === 0 && (bits & L.B_ESTABLISHED) === 0) {
      // RFC 9293 §3.10.7.3: an ACK that does not acknowledge our SYN is about another connection.
      if ((peerBits & L.SB_ISN) !== 0 && p.ack !== ((ints[q + L.S_BASE]! + 1) | 0)) {
        const beyond = (p.ack - ints[q + L.S_BASE]! - 1) | 0
        if (beyond < 0 || beyond > MAX_UNSEEN || p.dataLen === 0) {
          if (ints[at + L.R_BARE_ACK_FRAME] === 0) ints[at + L.R_BARE_ACK_FRAME] = frame
          return false
        }
      }
    }
    if ((bits & L.B_ESTABLISHED) === 0 && dir === 0 && ints[at + L.R_ACK_FRAME] === 0) {
      ints[at + L.R_ACK_FRAME] = frame
      floats[(at + L.R_ACK_T) >> 1] = p.tNs
    }
    // A server that sends data or FIN, or acknowledges data, has had the client's ACK even where that is not captured.
    const answers = (p.dataLen | (p.flags & FIN)) !== 0 || this.advancesAck(o, p)
    if (dir === 0 || (ints[o + L.S_BITS]! & L.SB_ISN) === 0 || answers) {
      ints[at + L.R_BITS]! |= L.B_ESTABLISHED
    }
    return true
  }

  private advancesAck(o: number, p: Packet): boolean {
    const { ints } = this.rows
    return (ints[o + L.S_BITS]! & L.SB_ACK) !== 0 && ((p.ack - ints[o + L.S_ACKED]!) | 0) > 0
  }

  /** New payload (or FIN) up to `end`: the side's edge of sequence space moves. */
  private advance(dir: number, o: number, end: number, len: number, seq: number, p: Packet): void {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats, at } = this.rows
    this.advanced = true
    ints[o + L.S_NXT] = end
    if (len === 0) return
    floats[(o + L.S_OCTETS) >> 1]! += len
    if (len > ints[o + L.S_BIG_SENT]!) ints[o + L.S_BIG_SENT] = len
    floats[(o + L.S_DATA_LAST_T) >> 1] = t
    ints[o + L.S_DATA_LAST_FRAME] = frame
    if (ints[at + L.R_LAST_DATA_BY] !== dir + 1) beginMessage(ints, floats, at, dir, o, seq, p)
  }

  /** A segment that begins below the side's edge: retransmission, keepalive, reordering, or partly new. */
  private old(dir: number, o: number, q: number, p: Packet, diff: number): number {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats } = this.rows
    const len = p.dataLen
    const fin = p.flags & FIN
    if (diff === -1 && len === 1 && fin === 0) {
      if (windowClosed(ints, q)) ints[o + L.S_ZW_PROBES]!++
      else noteKeepalive(ints, floats, o, p)
      return windowClosed(ints, q) ? L.NOTE_ZW_PROBE : L.NOTE_KEEPALIVE
    }
    const end = (p.seq + len + fin) | 0
    const added = (end - ints[o + L.S_NXT]!) | 0
    const order = sentOrder(ints, o, p, this.ipIdBefore)
    const note = classifyOld(ints, floats, this.rows.at, dir, o, q, p, order, t, frame)
    if (fin !== 0) noteFin(ints, floats, o, p)
    if (added > 0) {
      const fresh = added - fin
      this.advance(dir, o, end, fresh, (end - added) | 0, p)
    }
    return note
  }

  /** No payload, no SYN, FIN or RST: an acknowledgment, a probe, an answer to a probe, a window update. */
  private bareAck(o: number, q: number, p: Packet, diff: number): number {
    const { ints, floats } = this.rows
    if (diff === -1) {
      if (windowClosed(ints, q)) {
        ints[o + L.S_ZW_PROBES]!++
        return L.NOTE_ZW_PROBE
      }
      noteKeepalive(ints, floats, o, p)
      return L.NOTE_KEEPALIVE
    }
    if (diff > 0) {
      // Its seq says what this side has sent by now: octets that the capture does not have.
      if (diff > MAX_UNSEEN) return L.NOTE_NONE
      addHole(ints, floats, o, ints[o + L.S_NXT]!, p.seq)
      ints[o + L.S_NXT] = p.seq
      return L.NOTE_GAP
    }
    const sameAck = (ints[o + L.S_BITS]! & L.SB_ACK) !== 0 && p.ack === ints[o + L.S_ACKED]
    if (!sameAck || diff !== 0) return L.NOTE_NONE
    // After a SYN the window is known anew: it is not scaled there, and equal figures mean another window.
    if (p.wnd !== ints[o + L.S_WND]) return p.wnd === 0 ? L.NOTE_NONE : L.NOTE_WINDOW_UPDATE
    const before = ints[q + L.S_LAST_KIND]!
    if (before === L.NOTE_KEEPALIVE) return L.NOTE_KEEPALIVE_ACK
    if (before === L.NOTE_ZW_PROBE) return L.NOTE_ZW_PROBE_ACK
    ints[o + L.S_DUPACKS]!++
    ints[o + L.S_DUPRUN]!++
    return L.NOTE_DUPACK
  }

  private acknowledge(o: number, q: number, p: Packet): void {
    const { ints, floats, at } = this.rows
    const ack = p.ack
    const bits = ints[o + L.S_BITS]!
    if ((bits & L.SB_ACK) === 0) {
      ints[o + L.S_BITS] = bits | L.SB_ACK
      ints[o + L.S_ACKED] = ack
      if ((ints[q + L.S_BITS]! & L.SB_BASE) === 0) {
        ints[q + L.S_BITS]! |= L.SB_BASE
        ints[q + L.S_BASE] = (ack - 1) | 0
        ints[q + L.S_NXT] = ack
        return
      }
      startEarlier(ints, floats, q, ack)
    } else {
      const step = (ack - ints[o + L.S_ACKED]!) | 0
      if (step <= 0) return
      if (step > MAX_UNSEEN) return
      ints[o + L.S_ACKED] = ack
      this.advanced = true
    }
    ints[o + L.S_DUPRUN] = 0
    const unseen = (ack - ints[q + L.S_NXT]!) | 0
    if (unseen > 0 && unseen < MAX_UNSEEN) {
      // The octet of a zero-window probe was taken after all; otherwise the capture lacks what is acknowledged here.
      if (
        unseen === 1 &&
        ints[q + L.S_LAST_KIND] === L.NOTE_ZW_PROBE &&
        ints[q + L.S_LAST_LEN] === 1
      ) {
        floats[(q + L.S_OCTETS) >> 1]! += 1
      } else addHole(ints, floats, q, ints[q + L.S_NXT]!, ack)
      ints[q + L.S_NXT] = ack
    }
    if (unseen >= 0) {
      if (ints[q + L.S_BIG_SENT]! > ints[q + L.S_BIG_ACKED]!)
        ints[q + L.S_BIG_ACKED] = ints[q + L.S_BIG_SENT]!
      ints[q + L.S_BIG_SENT] = 0
    }
    if (ints[q + L.S_UNA_TIMES] !== 0 && ((ack - ints[q + L.S_UNA_SEQ]!) | 0) > 0) {
      noteEcho(ints, q, p)
      ints[q + L.S_UNA_TIMES] = 0
      noteStall(floats, at, q, p.tNs)
    }
    const peerBits = ints[q + L.S_BITS]!
    if ((peerBits & (L.SB_FIN | L.SB_FIN_ACKED)) === L.SB_FIN) {
      if (((ack - ints[q + L.S_FIN_SEQ]!) | 0) > 0) {
        ints[q + L.S_BITS] = peerBits | L.SB_FIN_ACKED
        ints[q + L.S_FIN_ACK_FRAME] = p.frame
        floats[(q + L.S_FIN_ACK_T) >> 1] = p.tNs
      }
    }
  }
}

const USUAL = L.SB_BASE | L.SB_ACK | L.SB_EDGE

/** A side that has acknowledged, has its window open, has sent no FIN, repeated nothing and probes nothing. */
function isUsual(ints: Int32Array, o: number): boolean {
  if ((ints[o + L.S_BITS]! & (USUAL | L.SB_ZERO | L.SB_FIN)) !== USUAL) return false
  if (ints[o + L.S_UNA_TIMES]! + ints[o + L.S_DUPRUN]! + ints[o + L.S_KA_RUN]! !== 0) return false
  const kind = ints[o + L.S_LAST_KIND]
  return kind !== L.NOTE_KEEPALIVE && kind !== L.NOTE_ZW_PROBE
}
