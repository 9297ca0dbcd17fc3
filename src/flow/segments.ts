import type { Ns } from '../base/time.ts'
import { ACK, FIN, type Packet, RST, SYN } from '../packet/packet.ts'
import { isKeptCopy, isSamePacket } from './duplicates.ts'
import { noteHabits } from './habits.ts'
import { noteSyn } from './handshake.ts'
import { addHole } from './holes.ts'
import { pushSegment } from './kept.ts'
import * as L from './layout.ts'
import {
  B_CLOSED,
  B_ESTABLISHED,
  B_FAST_OPEN,
  B_RESET,
  B_SAW_SYN,
  B_SAW_SYNACK,
  CLIENT_SIDE,
  NOTE_DUPACK,
  NOTE_GAP,
  NOTE_KEEPALIVE,
  NOTE_KEEPALIVE_ACK,
  NOTE_NONE,
  NOTE_WINDOW_UPDATE,
  NOTE_ZERO_WINDOW,
  NOTE_ZW_PROBE,
  NOTE_ZW_PROBE_ACK,
  R_BITS,
  R_LAST_DATA_BY,
  R_LAST_FRAME,
  R_LAST_T,
  R_PENDING_BY,
  R_PENDING_T,
  R_SURVIVED_T,
  S_ACKED,
  S_BIG_ACKED,
  S_BIG_SENT,
  S_BITS,
  S_DATA_FIRST_T,
  S_DATA_LAST_FRAME,
  S_DATA_LAST_T,
  S_DUPRUN,
  S_EDGE,
  S_EDGE_ACK,
  S_IPID,
  S_KA_RUN,
  S_LAST_FLAGS,
  S_LAST_FRAME,
  S_LAST_KIND,
  S_LAST_LEN,
  S_LAST_SEQ,
  S_LAST_T,
  S_MAX_WND,
  S_NXT,
  S_OCTETS,
  S_PACKETS,
  S_SCALE,
  S_TSVAL,
  S_TTLS,
  S_UNA_SEQ,
  S_UNA_TIMES,
  S_WND,
  SB_ACK,
  SB_BASE,
  SB_DATA,
  SB_EDGE,
  SB_FIN,
  SB_FIN_ACKED,
  SB_ISN,
  SB_TIMESTAMPS,
  SB_ZERO,
  SERVER_SIDE,
} from './layout.ts'
import { classifyOld, noteEcho, sentOrder } from './retransmissions.ts'
import type { Rows } from './rows.ts'

/** Silences shorter than this are not remembered. */
const SILENCE_MIN_NS = 50e6
/** A clock that runs back this far to the very time of an earlier packet has begun to tell the capture again. */
const REPEATED_NS = 20e6
/** An acknowledgment this far beyond what was seen is nonsense (another connection's, or forged), not a capture gap. */
const MAX_UNSEEN = 0x4000_0000

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
    if ((ints[at + R_BITS]! & L.B_STRAIGHT) === 0) return false
    const o = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
    const q = at + (dir === 0 ? SERVER_SIDE : CLIENT_SIDE)
    const seq = p.seq
    const len = p.dataLen
    const ack = p.ack
    const wnd = p.wnd
    const t = p.tNs
    if (seq !== ints[o + S_NXT] || wnd === 0 || (ints[o + S_TTLS]! & 255) !== p.ttl) return false
    const step = (ack - ints[o + S_ACKED]!) | 0
    const unseen = (ack - ints[q + S_NXT]!) | 0
    if (step < 0 || unseen > 0 || (len === 0 && step === 0)) return false
    const silence = t - floats[(at + R_LAST_T) >> 1]!
    if (silence < 0 || silence > SILENCE_MIN_NS) return false
    if (p.hasTimestamps === 1) {
      const ticks = (p.tsVal - ints[o + S_TSVAL]!) | 0
      if (ticks < 0 || ticks > 10_000) return false
      ints[o + S_TSVAL] = p.tsVal
    }

    const frame = p.frame
    floats[(at + R_LAST_T) >> 1] = t
    floats[(o + S_LAST_T) >> 1] = t
    ints[at + R_LAST_FRAME] = frame
    ints[o + S_LAST_FRAME] = frame
    const packets = ints[o + S_PACKETS]! + 1
    ints[o + S_PACKETS] = packets
    if (packets < HABIT_PACKETS) noteIpId(ints, o, p, packets)
    ints[o + S_IPID] = p.ipId
    if (len > 0) {
      const end = (seq + len) | 0
      ints[o + S_NXT] = end
      floats[(o + S_OCTETS) >> 1]! += len
      floats[(o + S_DATA_LAST_T) >> 1] = t
      ints[o + S_DATA_LAST_FRAME] = frame
      if (len > ints[o + S_BIG_SENT]!) ints[o + S_BIG_SENT] = len
      if (ints[at + R_LAST_DATA_BY] !== dir + 1) this.beginMessage(dir, o, seq, p)
    }
    if (step > 0) {
      ints[o + S_ACKED] = ack
      if (unseen === 0) {
        const sent = ints[q + S_BIG_SENT]!
        if (sent > ints[q + S_BIG_ACKED]!) ints[q + S_BIG_ACKED] = sent
        ints[q + S_BIG_SENT] = 0
      }
    }
    ints[o + S_WND] = wnd
    const scaled = wnd << ints[o + S_SCALE]!
    if (scaled > ints[o + S_MAX_WND]!) ints[o + S_MAX_WND] = scaled
    const edge = (ack + scaled) | 0
    if (((edge - ints[o + S_EDGE]!) | 0) > 0) {
      ints[o + S_EDGE] = edge
      ints[o + S_EDGE_ACK] = ack
    }
    ints[o + S_LAST_SEQ] = seq
    ints[o + S_LAST_LEN] = len
    ints[o + S_LAST_FLAGS] = p.flags
    pushSegment(ints, floats, at, dir, o, p, NOTE_NONE)
    return true
  }

  /** Whether the straight path may be tried for the next segment. Called after every segment that did not take it. */
  private judgeStraight(): void {
    const { ints, floats, at } = this.rows
    const bits = ints[at + R_BITS]! & ~L.B_STRAIGHT
    const open = (bits & (B_ESTABLISHED | B_RESET | B_CLOSED)) === B_ESTABLISHED
    const usual =
      open &&
      floats[(at + R_PENDING_T) >> 1] === 0 &&
      isUsual(ints, at + CLIENT_SIDE) &&
      isUsual(ints, at + SERVER_SIDE)
    ints[at + R_BITS] = usual ? bits | L.B_STRAIGHT : bits
  }

  /** @returns false when this is the same packet captured a second time (nothing was updated but its count). */
  process(dir: number, p: Packet): boolean {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats, at } = this.rows
    const o = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
    const q = at + (dir === 0 ? SERVER_SIDE : CLIENT_SIDE)
    const flags = p.flags
    if (
      ints[o + S_LAST_SEQ] === p.seq &&
      ints[o + S_LAST_LEN] === p.dataLen &&
      ints[o + S_PACKETS] !== 0 &&
      isSamePacket(ints, floats, at, dir, o, p)
    ) {
      ints[at + L.R_DUPLICATES]!++
      return false
    }
    const silence = t - floats[(at + R_LAST_T) >> 1]!
    if (this.bringsNothing(o, p) && this.isCopy(dir, p, silence)) {
      ints[at + L.R_DUPLICATES]!++
      return false
    }
    if (floats[(at + R_PENDING_T) >> 1]! > 0) this.settleSilence(dir, flags)
    if (silence > SILENCE_MIN_NS) this.noteSilence(dir, silence, frame)
    if (silence > 0) floats[(at + R_LAST_T) >> 1] = t

    const packets = ints[o + S_PACKETS]!
    ints[o + S_PACKETS] = packets + 1
    if ((flags & RST) === 0) {
      if (packets === 0 || (ints[o + S_TTLS]! & 255) !== p.ttl) noteHabits(ints, o, p, frame)
      this.ipIdBefore = ints[o + S_IPID]!
      noteIpId(ints, o, p, packets)
    }
    const note = this.sequence(dir, o, q, p)

    ints[at + R_LAST_FRAME] = frame
    ints[o + S_LAST_FRAME] = frame
    const before = floats[(o + S_LAST_T) >> 1]!
    floats[(o + S_LAST_T) >> 1] = t
    ints[o + S_LAST_SEQ] = p.seq
    ints[o + S_LAST_LEN] = p.dataLen
    ints[o + S_LAST_FLAGS] = flags
    ints[o + S_LAST_KIND] = note
    if (p.hasTimestamps === 1) this.noteTimestamp(o, p, t - before, frame)
    if (note !== NOTE_KEEPALIVE && note !== NOTE_ZW_PROBE) ints[q + S_KA_RUN] = 0
    pushSegment(ints, floats, at, dir, o, p, note)
    this.judgeStraight()
    return true
  }

  /** Nothing sent beyond the edge and nothing acknowledged that was not: what a copy of an earlier packet looks like. */
  private bringsNothing(o: number, p: Packet): boolean {
    const { ints } = this.rows
    if (ints[o + S_PACKETS] === 0) return false
    const flags = p.flags
    const end = (p.seq + p.dataLen + (flags & FIN) + ((flags & SYN) >> 1)) | 0
    if (((end - ints[o + S_NXT]!) | 0) > 0) return false
    return (flags & (ACK | RST)) !== ACK || ((p.ack - ints[o + S_ACKED]!) | 0) <= 0
  }

  private isCopy(dir: number, p: Packet, silence: Ns): boolean {
    const { ints, floats, at } = this.rows
    if (silence > 0) ints[at + R_BITS]! &= ~L.B_REPEATED
    else if ((ints[at + R_BITS]! & L.B_REPEATED) !== 0) return true
    if (!isKeptCopy(ints, floats, at, dir, p, silence)) return false
    if (silence < -REPEATED_NS) ints[at + R_BITS]! |= L.B_REPEATED
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
      this.needBase(o, seq)
      return NOTE_NONE
    }
    if ((flags & SYN) !== 0) return this.handshakeSegment(dir, o, q, p)
    if ((ints[at + R_BITS]! & B_ESTABLISHED) === 0) {
      if (!this.firstAck(dir, o, q, p)) return L.NOTE_CHALLENGE
    }
    if ((ints[o + S_BITS]! & SB_BASE) === 0) this.needBase(o, seq)

    let note = NOTE_NONE
    const diff = (seq - ints[o + S_NXT]!) | 0
    const octets = len + (flags & FIN)
    if (octets === 0) {
      note = this.bareAck(o, q, p, diff)
    } else if (diff === 0 && !(len === 1 && this.windowClosed(q))) {
      this.advance(dir, o, (seq + octets) | 0, len, seq, p)
      if ((flags & FIN) !== 0) this.fin(o, p)
    } else if (diff === 0) {
      note = NOTE_ZW_PROBE
      ints[o + L.S_ZW_PROBES]!++
    } else if (diff > 0) {
      note = NOTE_GAP
      addHole(ints, floats, o, ints[o + S_NXT]!, seq)
      this.advance(dir, o, (seq + octets) | 0, len, seq, p)
      if ((flags & FIN) !== 0) this.fin(o, p)
    } else {
      note = this.old(dir, o, q, p, diff)
    }
    if ((flags & ACK) !== 0) this.acknowledge(o, q, p)
    return this.window(o, p, note)
  }

  private handshakeSegment(dir: number, o: number, q: number, p: Packet): number {
    const { ints, floats, at } = this.rows
    const note = noteSyn(ints, floats, at, dir, o, q, p, p.tNs, p.frame)
    if (note === NOTE_NONE) this.advanced = true
    if (p.dataLen > 0) {
      ints[at + R_BITS]! |= B_FAST_OPEN
      if (((p.seq + 1 + p.dataLen - ints[o + S_NXT]!) | 0) > 0) {
        this.advance(dir, o, (p.seq + 1 + p.dataLen) | 0, p.dataLen, (p.seq + 1) | 0, p)
      }
    }
    if ((p.flags & ACK) !== 0) {
      this.acknowledge(o, q, p)
      this.firstEdge(o, p)
    }
    return note
  }

  /** The window of a SYN-ACK is not scaled (RFC 7323 §2.2): the first right edge. */
  private firstEdge(o: number, p: Packet): void {
    const { ints } = this.rows
    if ((ints[o + S_BITS]! & SB_EDGE) !== 0) return
    ints[o + S_BITS]! |= SB_EDGE
    ints[o + S_EDGE] = (p.ack + p.wnd) | 0
    ints[o + S_EDGE_ACK] = p.ack
  }

  /** @returns false when the segment belongs to an older connection (a bare ACK that answers a SYN). */
  private firstAck(dir: number, o: number, q: number, p: Packet): boolean {
    const frame = p.frame
    const { ints, floats, at } = this.rows
    const bits = ints[at + R_BITS]!
    if ((bits & B_SAW_SYN) === 0 && (bits & B_SAW_SYNACK) === 0) {
      ints[at + R_BITS] = bits | B_ESTABLISHED
      return true
    }
    const peerBits = ints[q + S_BITS]!
    if (dir === 1 && (bits & B_SAW_SYNACK) === 0 && (bits & B_ESTABLISHED) === 0) {
      // RFC 9293 §3.10.7.3: an ACK that does not acknowledge our SYN is about another connection.
      if ((peerBits & SB_ISN) !== 0 && p.ack !== ((ints[q + L.S_BASE]! + 1) | 0)) {
        const beyond = (p.ack - ints[q + L.S_BASE]! - 1) | 0
        if (beyond < 0 || beyond > MAX_UNSEEN || p.dataLen === 0) {
          if (ints[at + L.R_BARE_ACK_FRAME] === 0) ints[at + L.R_BARE_ACK_FRAME] = frame
          return false
        }
      }
    }
    if ((bits & B_ESTABLISHED) === 0 && dir === 0 && ints[at + L.R_ACK_FRAME] === 0) {
      ints[at + L.R_ACK_FRAME] = frame
      floats[(at + L.R_ACK_T) >> 1] = p.tNs
    }
    // A server that sends data or FIN, or acknowledges data, has had the client's ACK even where that is not captured.
    const answers = (p.dataLen | (p.flags & FIN)) !== 0 || this.advancesAck(o, p)
    if (dir === 0 || (ints[o + S_BITS]! & SB_ISN) === 0 || answers) {
      ints[at + R_BITS]! |= B_ESTABLISHED
    }
    return true
  }

  private advancesAck(o: number, p: Packet): boolean {
    const { ints } = this.rows
    return (ints[o + S_BITS]! & SB_ACK) !== 0 && ((p.ack - ints[o + S_ACKED]!) | 0) > 0
  }

  /** Without a SYN the first octet seen has relative number 1. */
  private needBase(o: number, seq: number): void {
    const { ints } = this.rows
    if ((ints[o + S_BITS]! & SB_BASE) !== 0) return
    ints[o + S_BITS]! |= SB_BASE
    ints[o + L.S_BASE] = (seq - 1) | 0
    ints[o + S_NXT] = seq
  }

  private windowClosed(q: number): boolean {
    return (this.rows.ints[q + S_BITS]! & SB_ZERO) !== 0
  }

  /** New payload (or FIN) up to `end`: the side's edge of sequence space moves. */
  private advance(dir: number, o: number, end: number, len: number, seq: number, p: Packet): void {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats, at } = this.rows
    this.advanced = true
    ints[o + S_NXT] = end
    if (len === 0) return
    floats[(o + S_OCTETS) >> 1]! += len
    if (len > ints[o + S_BIG_SENT]!) ints[o + S_BIG_SENT] = len
    floats[(o + S_DATA_LAST_T) >> 1] = t
    ints[o + S_DATA_LAST_FRAME] = frame
    if (ints[at + R_LAST_DATA_BY] !== dir + 1) this.beginMessage(dir, o, seq, p)
  }

  /** Payload after payload of the other side: a request, or the answer to one. */
  private beginMessage(dir: number, o: number, seq: number, p: Packet): void {
    const { ints, floats, at } = this.rows
    if ((ints[o + S_BITS]! & SB_DATA) === 0) {
      ints[o + S_BITS]! |= SB_DATA
      floats[(o + S_DATA_FIRST_T) >> 1] = p.tNs
    }
    ints[at + R_LAST_DATA_BY] = dir + 1
    ints[o + L.S_MSG_SEQ] = seq
    ints[o + L.S_MSG_FRAME] = p.frame
    floats[(o + L.S_MSG_T) >> 1] = p.tNs
    if (dir === 0) ints[at + L.R_EXCHANGES]!++
  }

  private fin(o: number, p: Packet): void {
    const { ints, floats } = this.rows
    ints[o + L.S_FINS]!++
    if ((ints[o + S_BITS]! & SB_FIN) !== 0) return
    ints[o + S_BITS]! |= SB_FIN
    ints[o + L.S_FIN_SEQ] = (p.seq + p.dataLen) | 0
    ints[o + L.S_FIN_FRAME] = p.frame
    floats[(o + L.S_FIN_T) >> 1] = p.tNs
  }

  /** A segment that begins below the side's edge: retransmission, keepalive, reordering, or partly new. */
  private old(dir: number, o: number, q: number, p: Packet, diff: number): number {
    const t = p.tNs
    const frame = p.frame
    const { ints, floats } = this.rows
    const len = p.dataLen
    const fin = p.flags & FIN
    if (diff === -1 && len === 1 && fin === 0) {
      if (this.windowClosed(q)) ints[o + L.S_ZW_PROBES]!++
      else this.keepalive(o, p)
      return this.windowClosed(q) ? NOTE_ZW_PROBE : NOTE_KEEPALIVE
    }
    const end = (p.seq + len + fin) | 0
    const added = (end - ints[o + S_NXT]!) | 0
    const order = sentOrder(ints, o, p, this.ipIdBefore)
    const note = classifyOld(ints, floats, this.rows.at, dir, o, q, p, order, t, frame)
    if (fin !== 0) this.fin(o, p)
    if (added > 0) {
      const fresh = added - fin
      this.advance(dir, o, end, fresh, (end - added) | 0, p)
    }
    return note
  }

  private keepalive(o: number, p: Packet): void {
    const t = p.tNs
    const { ints, floats } = this.rows
    const last = floats[(o + L.S_KA_LAST_T) >> 1]!
    if (ints[o + L.S_KEEPALIVES]! > 0) floats[(o + L.S_KA_INTERVAL) >> 1] = t - last
    floats[(o + L.S_KA_LAST_T) >> 1] = t
    ints[o + L.S_KEEPALIVES]!++
    ints[o + S_KA_RUN]!++
  }

  /** No payload, no SYN, FIN or RST: an acknowledgment, a probe, an answer to a probe, a window update. */
  private bareAck(o: number, q: number, p: Packet, diff: number): number {
    const { ints } = this.rows
    if (diff === -1) {
      if (this.windowClosed(q)) {
        ints[o + L.S_ZW_PROBES]!++
        return NOTE_ZW_PROBE
      }
      this.keepalive(o, p)
      return NOTE_KEEPALIVE
    }
    if (diff > 0) {
      // Its seq says what this side has sent by now: octets that the capture does not have.
      if (diff > MAX_UNSEEN) return NOTE_NONE
      addHole(ints, this.rows.floats, o, ints[o + S_NXT]!, p.seq)
      ints[o + S_NXT] = p.seq
      return NOTE_GAP
    }
    const sameAck = (ints[o + S_BITS]! & SB_ACK) !== 0 && p.ack === ints[o + S_ACKED]
    if (!sameAck || diff !== 0) return NOTE_NONE
    // After a SYN the window is known anew: it is not scaled there, and equal figures mean another window.
    if (p.wnd !== ints[o + S_WND]) return p.wnd === 0 ? NOTE_NONE : NOTE_WINDOW_UPDATE
    const before = ints[q + S_LAST_KIND]!
    if (before === NOTE_KEEPALIVE) return NOTE_KEEPALIVE_ACK
    if (before === NOTE_ZW_PROBE) return NOTE_ZW_PROBE_ACK
    ints[o + L.S_DUPACKS]!++
    ints[o + L.S_DUPRUN]!++
    return NOTE_DUPACK
  }

  private acknowledge(o: number, q: number, p: Packet): void {
    const { ints, floats } = this.rows
    const ack = p.ack
    const bits = ints[o + S_BITS]!
    if ((bits & SB_ACK) === 0) {
      ints[o + S_BITS] = bits | SB_ACK
      ints[o + S_ACKED] = ack
      if ((ints[q + S_BITS]! & SB_BASE) === 0) {
        ints[q + S_BITS]! |= SB_BASE
        ints[q + L.S_BASE] = (ack - 1) | 0
        ints[q + S_NXT] = ack
        return
      }
      this.startEarlier(q, ack)
    } else {
      const step = (ack - ints[o + S_ACKED]!) | 0
      if (step <= 0) return
      if (step > MAX_UNSEEN) return
      ints[o + S_ACKED] = ack
      this.advanced = true
    }
    ints[o + L.S_DUPRUN] = 0
    const unseen = (ack - ints[q + S_NXT]!) | 0
    if (unseen > 0 && unseen < MAX_UNSEEN) {
      // The octet of a zero-window probe was taken after all; otherwise the capture lacks what is acknowledged here.
      if (unseen === 1 && ints[q + S_LAST_KIND] === NOTE_ZW_PROBE && ints[q + S_LAST_LEN] === 1) {
        floats[(q + S_OCTETS) >> 1]! += 1
      } else addHole(ints, floats, q, ints[q + S_NXT]!, ack)
      ints[q + S_NXT] = ack
    }
    if (unseen >= 0) {
      if (ints[q + S_BIG_SENT]! > ints[q + S_BIG_ACKED]!)
        ints[q + S_BIG_ACKED] = ints[q + S_BIG_SENT]!
      ints[q + S_BIG_SENT] = 0
    }
    if (ints[q + S_UNA_TIMES] !== 0 && ((ack - ints[q + S_UNA_SEQ]!) | 0) > 0) {
      noteEcho(ints, q, p)
      ints[q + S_UNA_TIMES] = 0
      this.noteStall(q, p.tNs)
    }
    const peerBits = ints[q + S_BITS]!
    if ((peerBits & (SB_FIN | SB_FIN_ACKED)) === SB_FIN) {
      if (((ack - ints[q + L.S_FIN_SEQ]!) | 0) > 0) {
        ints[q + S_BITS] = peerBits | SB_FIN_ACKED
        ints[q + L.S_FIN_ACK_FRAME] = p.frame
        floats[(q + L.S_FIN_ACK_T) >> 1] = p.tNs
      }
    }
  }

  /** What went unanswered since it was first sent has been acknowledged at last. */
  private noteStall(q: number, t: Ns): void {
    const { floats, at } = this.rows
    const from = floats[(q + L.S_UNA_FIRST_T) >> 1]!
    if (t - from <= floats[(at + L.R_STALL_T) >> 1]!) return
    floats[(at + L.R_STALL_FROM_T) >> 1] = from
    floats[(at + L.R_STALL_T) >> 1] = t - from
  }

  /** The first acknowledgment of a side whose SYN was not seen lies below its first octet seen: more is missing before it. */
  private startEarlier(q: number, ack: number): void {
    const { ints, floats } = this.rows
    const first = (ints[q + L.S_BASE]! + 1) | 0
    const below = (first - ack) | 0
    if ((ints[q + S_BITS]! & SB_ISN) !== 0 || below <= 0 || below > MAX_UNSEEN) return
    addHole(ints, floats, q, ack, first)
    ints[q + L.S_BASE] = (ack - 1) | 0
  }

  private window(o: number, p: Packet, note: number): number {
    const t = p.tNs
    const { ints, floats } = this.rows
    const wnd = p.wnd
    let bits = ints[o + S_BITS]!
    ints[o + S_WND] = wnd
    if (wnd === 0 && (p.flags & FIN) === 0) {
      if ((bits & SB_ZERO) === 0) {
        bits |= SB_ZERO
        ints[o + L.S_ZW_TIMES]!++
        floats[(o + L.S_ZERO_SINCE) >> 1] = t
        if (ints[o + L.S_ZW_FRAME] === 0) ints[o + L.S_ZW_FRAME] = p.frame
      }
      if (note === NOTE_NONE) note = NOTE_ZERO_WINDOW
    } else if (wnd !== 0 && (bits & SB_ZERO) !== 0) {
      bits &= ~SB_ZERO
      const closed = t - floats[(o + L.S_ZERO_SINCE) >> 1]!
      // The clock of a capture may run back.
      if (closed > 0) floats[(o + L.S_ZERO_TOTAL) >> 1]! += closed
    }
    const scaled = wnd << ints[o + S_SCALE]!
    if (scaled > ints[o + S_MAX_WND]!) ints[o + S_MAX_WND] = scaled
    const edge = (p.ack + scaled) | 0
    if ((bits & SB_EDGE) === 0 || ((edge - ints[o + S_EDGE]!) | 0) > 0) {
      bits |= SB_EDGE
      ints[o + S_EDGE] = edge
      ints[o + S_EDGE_ACK] = p.ack
    }
    ints[o + S_BITS] = bits
    return note
  }

  private noteTimestamp(o: number, p: Packet, elapsed: Ns, frame: number): void {
    const { ints } = this.rows
    const bits = ints[o + S_BITS]!
    if ((p.flags & RST) !== 0) return
    if ((bits & SB_TIMESTAMPS) !== 0 && ints[o + L.S_CHANGED] === 0) {
      const step = (p.tsVal - ints[o + S_TSVAL]!) | 0
      const elapsedMs = elapsed / 1e6
      // Clocks tick at 1,000 a second or slower (RFC 7323 §5.4 allows 1 ms to 1 s); ten times that and 10 s is another clock.
      if (step < -10_000 || step > elapsedMs * 10 + 10_000) ints[o + L.S_CHANGED] = frame
    }
    ints[o + S_BITS] = bits | SB_TIMESTAMPS
    ints[o + S_TSVAL] = p.tsVal
  }

  private noteSilence(dir: number, silence: Ns, frame: number): void {
    const { ints, floats, at } = this.rows
    if (silence > floats[(at + L.R_SILENCE_T) >> 1]!) {
      floats[(at + L.R_SILENCE_T) >> 1] = silence
      ints[at + L.R_SILENCE_BEFORE] = ints[at + R_LAST_FRAME]!
      ints[at + L.R_SILENCE_AFTER] = frame
      ints[at + L.R_SILENCE_BY] = dir + 1
    }
    if (silence > floats[(at + R_PENDING_T) >> 1]!) {
      floats[(at + R_PENDING_T) >> 1] = silence
      ints[at + R_PENDING_BY] = dir + 1
    }
  }

  /** A silence is survived when the other side answers whoever broke it with anything but a RST. */
  private settleSilence(dir: number, flags: number): void {
    const { ints, floats, at } = this.rows
    if (ints[at + R_PENDING_BY] === dir + 1 || (flags & RST) !== 0) return
    const pending = floats[(at + R_PENDING_T) >> 1]!
    if (pending > floats[(at + R_SURVIVED_T) >> 1]!) floats[(at + R_SURVIVED_T) >> 1] = pending
    floats[(at + R_PENDING_T) >> 1] = 0
  }
}

/** IP-ID habits are learnt from this many packets of a side. */
const HABIT_PACKETS = 64
const USUAL = SB_BASE | SB_ACK | SB_EDGE

/** A side that has acknowledged, has its window open, has sent no FIN, repeated nothing and probes nothing. */
function isUsual(ints: Int32Array, o: number): boolean {
  if ((ints[o + S_BITS]! & (USUAL | SB_ZERO | SB_FIN)) !== USUAL) return false
  if (ints[o + S_UNA_TIMES]! + ints[o + S_DUPRUN]! + ints[o + S_KA_RUN]! !== 0) return false
  const kind = ints[o + S_LAST_KIND]
  return kind !== NOTE_KEEPALIVE && kind !== NOTE_ZW_PROBE
}

/** IP-ID habits: always 0, a counter (small steps), or scattered. */
function noteIpId(ints: Int32Array, o: number, p: Packet, packets: number): void {
  const id = p.ipId
  if (id < 0) return
  if (id === 0) ints[o + L.S_IPID_ZERO]!++
  else if (packets > 0) {
    const step = (id - ints[o + S_IPID]!) & 0xffff
    // A busy host's shared counter moves on between two packets of one connection; 4,096 is generous.
    if (step > 0 && step < 4096) ints[o + L.S_IPID_NEAR]!++
    else ints[o + L.S_IPID_FAR]!++
  }
  ints[o + S_IPID] = id
}
