import { ACK, FIN, type Packet, PSH, RST, SYN } from '../packet/packet.ts'
import { Aggregates } from './aggregates.ts'
import { ClosedQueue } from './closed-queue.ts'
import type { Core } from './core/core.ts'
import * as K from './core/layout.ts'
import { Embryos, type Replay } from './embryos.ts'
import type { ConnectionFacts } from './facts.ts'
import { FinBursts, finKey } from './fin-bursts.ts'
import { type IcmpRecord, icmpRecord } from './icmp.ts'
import { connectionHash, IndexTable } from './index-table.ts'
import {
  B_CLOSED,
  B_ESTABLISHED,
  B_FAMILY6,
  B_GUESSED,
  B_ICMP,
  B_LIVE,
  B_NO_HEADERS,
  B_PREVIOUS,
  B_REFUSED,
  B_RESET,
  B_RESET_BY_SERVER,
  B_RST_BOTH_FINS,
  B_RST_IN_HANDSHAKE,
  B_RST_NO_FIN,
  B_SAW_SYN,
  B_SAW_SYNACK,
  B_STRAIGHT,
  B_WATCHED,
  CLIENT_SIDE,
  R_AFTER_RST_OTHER,
  R_AFTER_RST_SAME,
  R_BITS,
  R_CLIENT,
  R_CLOSED_SERIAL,
  R_CLOSED_T,
  R_DUPLICATES,
  R_END_T,
  R_FIRST_FRAME,
  R_HASH,
  R_ID,
  R_LAST_DATA_BY,
  R_LAST_T,
  R_PORTS,
  R_SERVER,
  R_START_T,
  R_SYNACKS,
  S_BASE,
  S_BITS,
  S_PACKETS,
  S_RE_SYNACK,
  SB_BASE,
  SB_FIN,
  SB_FIN_ACKED,
  SB_ISN,
  SERVER_SIDE,
} from './layout.ts'
import { type ResetRecord, resetRecord } from './resets.ts'
import { lastDataT, type RowStore, Rows } from './rows.ts'
import { SegmentProcessor } from './segments.ts'
import { FIRST_TOMB, Tombs } from './tombs.ts'
import { EXPIRED_AT_ONCE, FULL_ROWS_AT_SYN, LINGER_NS, LINGER_ROWS } from './tracker-limits.ts'

/** Embryos are given up beyond this many: a flood larger than memory should be. */
const EMBRYOS_MAX = 6_000_000

/** What happens to a connection when it is over: the collector decides what is kept of it. */
export interface Collector {
  /** The row is open in `rows`; it is released afterwards unless this returns true. */
  finished(row: number, rows: Rows): boolean
  /** How the connection finished last ended: the next one on its addresses and ports wants to know. */
  readonly lastEnded: ConnectionFacts['previous']
}

/** Tier 1: every TCP segment of the capture goes through `segment`, in file order. */
export class FlowTracker {
  readonly rows: Rows
  readonly embryos = new Embryos()
  readonly aggregates = new Aggregates()
  private readonly tombs: Tombs
  readonly resets = new Map<number, ResetRecord[]>()
  readonly icmp = new Map<number, IcmpRecord[]>()
  /** Earlier connection on the same addresses and ports, by row. */
  readonly previous = new Map<number, ConnectionFacts['previous']>()
  segments = 0
  duplicates = 0
  icmpUnmatched = 0
  /** SYNs beyond the number of half-open connections that are followed: a flood. Counted only. */
  unfollowed = 0
  /** Segments of connections that had been finished before. */
  late = 0
  /** Set by the caller for sources that do not tell TTL and IP-ID (tcpdump text). */
  headerFieldsMissing = false

  private readonly table: IndexTable
  private readonly processor: SegmentProcessor | CoreProcessor
  private readonly core: Core | null
  private readonly collector: Collector
  /** What the core keeps too: K_* of core/layout.ts. */
  private readonly words: Int32Array
  private readonly closed: ClosedQueue
  /** Time of the last segment, ns. */
  lastT = 0
  /** The row that is open in `rows` since the last segment, -1 = another or none. */
  private lastRow = -1

  /** @param core  does what it can of the work; null = all is done here */
  constructor(
    makeCollector: (tracker: FlowTracker) => Collector,
    core: Core | null = null,
    memory: { rows?: RowStore; tombs?: Tombs } = {},
  ) {
    this.core = core
    this.rows = new Rows(core ?? memory.rows)
    this.words = core?.ints ?? new Int32Array(K.FREE_AT >> 2)
    this.table = new IndexTable(core?.tableStore())
    this.tombs = core?.tombs() ?? memory.tombs ?? new Tombs()
    this.closed = new ClosedQueue(this.words, core?.queueRing())
    this.processor =
      core === null ? new SegmentProcessor(this.rows) : new CoreProcessor(core, this.rows)
    this.collector = makeCollector(this)
  }

  /** Running number of connections, embryos included. */
  get connections(): number {
    return this.words[K.K_NEXT_ID]!
  }

  set connections(next: number) {
    this.words[K.K_NEXT_ID] = next
  }

  /** One segment, its time and frame in it, in file order. */
  segment(p: Packet): void {
    this.segments++
    this.lastT = p.tNs
    const { rows, table } = this
    const src = p.src
    const dst = p.dst
    const forward = (p.srcPort << 16) | p.dstPort
    const backward = (p.dstPort << 16) | p.srcPort
    const six = p.family === 6 ? B_FAMILY6 : 0
    const plain = (p.flags & ~PSH) === ACK
    // Segments come in bursts: the row used last is often the row wanted now, and it is still open.
    if (this.lastRow >= 0) {
      const { ints, at } = rows
      if ((ints[at + R_BITS]! & B_FAMILY6) === six) {
        const ports = ints[at + R_PORTS]!
        const client = ints[at + R_CLIENT]!
        const server = ints[at + R_SERVER]!
        if (ports === forward && client === src && server === dst) {
          if (plain && this.processor.fast(0, p)) return
          this.known(this.lastRow, ints[at + R_HASH]!, 0, p)
          return
        }
        if (ports === backward && client === dst && server === src) {
          if (plain && this.processor.fast(1, p)) return
          this.known(this.lastRow, ints[at + R_HASH]!, 1, p)
          return
        }
      }
    }
    const hash = connectionHash(src, dst, p.srcPort, p.dstPort, six)
    const { cells, mask } = table
    for (let cell = hash & mask; cells[cell * 2 + 1] !== 0; cell = (cell + 1) & mask) {
      if (cells[cell * 2] !== hash) continue
      const stored = cells[cell * 2 + 1]!
      const reference = stored > 0 ? stored - 1 : stored
      if (reference <= FIRST_TOMB) {
        if (!this.tombs.matches(FIRST_TOMB - reference, p)) continue
        if ((p.flags & SYN) === 0) {
          this.late++
          return
        }
        this.tombs.clear(FIRST_TOMB - reference)
        table.remove(hash, reference)
        break
      }
      if (reference < 0) {
        if (!this.embryos.matches(-1 - reference, p)) continue
        this.embryoSegment(-1 - reference, hash, p)
        return
      }
      rows.open(reference)
      this.lastRow = -1
      const { ints, at } = rows
      if ((ints[at + R_BITS]! & B_FAMILY6) !== six) continue
      const ports = ints[at + R_PORTS]!
      if (ints[at + R_CLIENT] === src && ints[at + R_SERVER] === dst && ports === forward) {
        this.lastRow = reference
        this.core?.remember(hash, at)
        if (plain && this.processor.fast(0, p)) return
        this.known(reference, hash, 0, p)
        return
      }
      if (ints[at + R_CLIENT] === dst && ints[at + R_SERVER] === src && ports === backward) {
        this.lastRow = reference
        this.core?.remember(hash, at)
        if (plain && this.processor.fast(1, p)) return
        this.known(reference, hash, 1, p)
        return
      }
    }
    this.begin(hash, p)
  }

  /** An ICMP error; `p` describes the quoted segment. */
  icmpError(p: Packet, from: string): void {
    this.lastRow = -1
    const row = this.findRow(p)
    if (row < 0) {
      this.icmpUnmatched++
      return
    }
    this.rows.open(row)
    const { ints, at } = this.rows
    const clientSent = ints[at + R_CLIENT] === p.src && ints[at + R_PORTS]! >>> 16 === p.srcPort
    const list = this.icmp.get(row) ?? []
    if (list.length < 4) list.push(icmpRecord(p, p.tNs, p.frame, from, clientSent))
    this.icmp.set(row, list)
    ints[at + R_BITS]! |= B_ICMP
    this.aggregates.sawDirection(p.dst, p.src, p.family)
  }

  /** The capture is over: every connection still known is finished. */
  finish(): void {
    this.closed.clear()
    for (const row of this.liveRows()) this.retire(row)
  }

  private *liveRows(): Generator<number> {
    for (let row = 0; row < this.rows.limit; row++) {
      this.rows.open(row)
      if ((this.rows.ints[this.rows.at + R_BITS]! & B_LIVE) !== 0) yield row
    }
  }

  private known(row: number, hash: number, dir: number, p: Packet): void {
    this.lastRow = -1 // what follows may open other rows
    const flags = p.flags
    const t = p.tNs
    const { ints, floats, at } = this.rows
    if ((flags & SYN) !== 0 && this.opensAnother(dir, p)) {
      this.supersede(row)
      const fresh = this.begin(hash, p)
      if (fresh >= 0) {
        this.previous.set(fresh, this.collector.lastEnded)
        this.rows.open(fresh)
        this.rows.ints[this.rows.at + R_BITS]! |= B_PREVIOUS
      }
      return
    }
    const bits = ints[at + R_BITS]!
    if ((bits & B_CLOSED) !== 0 && t < floats[(at + R_END_T) >> 1]! - 1e6) {
      // Time ran back behind the end of this connection: the file holds the same packets again.
      ints[at + R_DUPLICATES]!++
      this.duplicates++
      return
    }
    if (!this.processor.process(dir, p)) {
      this.duplicates++
      return
    }
    const side = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
    if (ints[side + S_PACKETS] === 1) this.firstOfSide(dir, p)
    this.follows(row, dir, p, bits)
  }

  /** What follows from a segment that its row has taken in. @param bits  of the row before */
  private follows(row: number, dir: number, p: Packet, bits: number): void {
    if ((p.flags & (FIN | RST)) !== 0) this.ends(row, dir, p)
    else if ((bits & B_RESET) !== 0) this.afterReset(row, dir, p)
    if ((bits & B_CLOSED) === 0) this.maybeClose(row, p)
  }

  /** The core has taken a segment in, and the end of its connection is left to be seen to. */
  settle(p: Packet): void {
    const { row, dir } = this.core!
    this.lastT = p.tNs
    this.lastRow = -1
    this.rows.open(row)
    this.follows(row, dir, p, 0)
  }

  private firstOfSide(dir: number, p: Packet): void {
    if (dir === 1) this.aggregates.sawDirection(p.src, p.dst, p.family)
    if (dir === 0 || (p.flags & SYN) === 0) return
    this.aggregates.addServer(p.src, p.srcPort, p.family)
    if (p.family === 4) this.core?.sawServer(p)
  }

  private ends(row: number, dir: number, p: Packet): void {
    if ((p.flags & RST) !== 0) this.reset(row, dir, p)
    else if (dir === 1) this.noteServerFin(row, p)
  }

  /** Connections that a server closes in a burst are kept even if they closed cleanly. */
  private noteServerFin(row: number, p: Packet): void {
    const { ints, floats, at } = this.rows
    if ((ints[at + CLIENT_SIDE + S_BITS]! & SB_FIN) !== 0) return
    const key = finKey(p)
    this.core?.takeAnswers(this.finBursts)
    const burst = this.finBursts.note({
      row,
      id: ints[at + R_ID]!,
      key,
      t: p.tNs,
      startT: floats[(at + R_START_T) >> 1]!,
      lastDataT: lastDataT(floats, at),
      afterOwnData: p.dataLen > 0 || ints[at + R_LAST_DATA_BY] === 2,
    })
    if (p.family === 4 && this.finBursts.hasHabit(key)) this.core?.expectAnswers(key)
    if (burst.length === 0) return
    for (const r of burst) {
      this.rows.open(r.row)
      if (this.rows.ints[this.rows.at + R_ID] === r.id) {
        this.rows.ints[this.rows.at + R_BITS]! |= B_WATCHED
      }
    }
    this.rows.open(row)
  }

  private readonly finBursts = new FinBursts()

  /** A SYN that is not a copy of the one we know opens another connection on the same addresses and ports. */
  private opensAnother(dir: number, p: Packet): boolean {
    const t = p.tNs
    const { ints, floats, at } = this.rows
    const bits = ints[at + R_BITS]!
    const side = at + (dir === 0 ? CLIENT_SIDE : SERVER_SIDE)
    const sideBits = ints[side + S_BITS]!
    // Also when the SYN comes after the SYN-ACK in the file: that told the client's number already.
    const sameIsn = (sideBits & SB_BASE) !== 0 && ints[side + S_BASE] === p.seq
    if (sameIsn) return false
    if (t < floats[(at + R_START_T) >> 1]!) return false
    if ((p.flags & ACK) !== 0) return (bits & B_CLOSED) !== 0 && (sideBits & SB_ISN) !== 0
    if (dir === 0) return true
    // A bare SYN from the server's side: simultaneous open while the handshake is young, else a new connection.
    const young = (bits & (B_SAW_SYN | B_SAW_SYNACK | B_ESTABLISHED)) === B_SAW_SYN
    return !young
  }

  /** @returns the new row, -1 for an embryo. */
  private begin(hash: number, p: Packet): number {
    this.lastRow = -1
    const plainSyn = (p.flags & (SYN | ACK | FIN | RST)) === SYN && p.dataLen === 0
    if (plainSyn && this.words[K.K_OPEN_ROWS]! >= FULL_ROWS_AT_SYN) {
      if (this.embryos.size >= EMBRYOS_MAX) {
        this.unfollowed++
        return -1
      }
      const embryo = this.embryos.add(p, p.tNs, p.frame, this.connections++)
      this.table.insert(hash, -1 - embryo)
      return -1
    }
    const fromServer = this.sentByServer(p)
    const row = this.newRow(hash, p, fromServer, this.connections++)
    this.processor.process(fromServer ? 1 : 0, p)
    this.firstOfSide(fromServer ? 1 : 0, p)
    if ((p.flags & RST) !== 0) this.reset(row, fromServer ? 1 : 0, p)
    return row
  }

  private newRow(hash: number, p: Packet, fromServer: boolean, id: number): number {
    const { rows } = this
    const t = p.tNs
    const row = rows.allocate()
    const { ints, floats, at } = rows
    ints[at + R_CLIENT] = fromServer ? p.dst : p.src
    ints[at + R_SERVER] = fromServer ? p.src : p.dst
    ints[at + R_PORTS] = fromServer ? (p.dstPort << 16) | p.srcPort : (p.srcPort << 16) | p.dstPort
    const six = p.family === 6 ? B_FAMILY6 : 0
    const guessed = (p.flags & SYN) === 0 ? B_GUESSED : 0
    ints[at + R_BITS] = B_LIVE | six | guessed | (this.headerFieldsMissing ? B_NO_HEADERS : 0)
    ints[at + R_ID] = id
    ints[at + R_FIRST_FRAME] = p.frame
    ints[at + R_HASH] = hash
    floats[(at + R_START_T) >> 1] = t
    floats[(at + R_LAST_T) >> 1] = t
    this.table.insert(hash, row)
    this.core?.remember(hash, at)
    this.words[K.K_OPEN_ROWS]!++
    return row
  }

  /** Without a SYN: a known server's endpoint, else the lower port, is taken for the server. */
  private sentByServer(p: Packet): boolean {
    if ((p.flags & SYN) !== 0) return (p.flags & ACK) !== 0
    const srcKnown = this.aggregates.isServer(p.src, p.srcPort, p.family)
    const dstKnown = this.aggregates.isServer(p.dst, p.dstPort, p.family)
    if (srcKnown !== dstKnown) return srcKnown
    return p.srcPort < p.dstPort
  }

  private embryoSegment(e: number, hash: number, p: Packet): void {
    this.lastRow = -1
    if (this.embryos.noteSynAck(e, p, p.tNs, p.frame)) return
    const scratch = this.embryos.replay(e)
    const id = this.embryos.idOf(e)
    this.table.remove(hash, -1 - e)
    this.embryos.release(e)
    const row = this.newRow(hash, scratch.syn, false, id)
    this.replay(scratch)
    const dir = this.rows.ints[this.rows.at + R_CLIENT] === p.src ? 0 : 1
    const samePorts = p.src === p.dst && p.srcPort !== scratch.syn.srcPort
    this.known(row, hash, samePorts ? 1 : dir, p)
  }

  /** Embryos that are left become rows for those the collector asks for; the rest are only counted. */
  promote(e: number): number {
    const scratch = this.embryos.replay(e)
    const p = scratch.syn
    const hash = connectionHash(p.src, p.dst, p.srcPort, p.dstPort, p.family === 6 ? 1 : 0)
    const row = this.newRow(hash, p, false, this.embryos.idOf(e))
    this.replay(scratch)
    return row
  }

  /** Of SYN-ACKs that were repeated the first and the last come again; the count says how many there were. */
  private replay({ syn, synAck, ...more }: Replay): void {
    this.processor.process(0, syn)
    if (synAck === null) return
    this.processor.process(1, synAck)
    if (more.synAcks < 2) return
    synAck.tNs = more.againT
    synAck.frame = more.againFrame
    synAck.ipId = synAck.ipId > 0 ? (synAck.ipId + more.synAcks - 1) & 0xffff : synAck.ipId
    this.processor.process(1, synAck)
    const { ints, at } = this.rows
    const between = more.synAcks - 2
    ints[at + R_SYNACKS]! += between
    ints[at + SERVER_SIDE + S_RE_SYNACK]! += between
    ints[at + SERVER_SIDE + S_PACKETS]! += between
  }

  private reset(row: number, dir: number, p: Packet): void {
    const { rows } = this
    const { ints, floats, at } = rows
    const record = resetRecord(rows, dir, p, p.tNs, p.frame)
    const list = this.resets.get(row)
    if (list === undefined) this.resets.set(row, [record])
    else if (list.length < 4) list.push(record)
    const bits = ints[at + R_BITS]!
    if ((bits & B_RESET) !== 0 || record.accepted === false || record.onlyRejectsAck) return
    const bothFins =
      (ints[at + CLIENT_SIDE + S_BITS]! & ints[at + SERVER_SIDE + S_BITS]! & SB_FIN) !== 0
    const anyFin =
      ((ints[at + CLIENT_SIDE + S_BITS]! | ints[at + SERVER_SIDE + S_BITS]!) & SB_FIN) !== 0
    let next = bits | B_RESET | (dir === 1 ? B_RESET_BY_SERVER : 0)
    if (record.shape === 'syn-reply' && dir === 1 && (bits & B_SAW_SYNACK) === 0) next |= B_REFUSED
    else if (record.inHandshake) next |= B_RST_IN_HANDSHAKE
    else if (!anyFin) next |= B_RST_NO_FIN
    else if (bothFins) next |= B_RST_BOTH_FINS
    ints[at + R_BITS] = next
    ints[at + R_AFTER_RST_SAME] = 0
    ints[at + R_AFTER_RST_OTHER] = 0
    floats[(at + R_END_T) >> 1] = p.tNs
    this.close(row, p)
  }

  /** A reset that both sides ignored did not end the connection: its sender goes on, and the other side answers. */
  private afterReset(row: number, dir: number, p: Packet): void {
    const { ints, at } = this.rows
    const bits = ints[at + R_BITS]!
    if ((bits & B_REFUSED) !== 0 || this.processor.advanced === false) return
    const bySender = (dir === 1) === ((bits & B_RESET_BY_SERVER) !== 0)
    ints[at + (bySender ? R_AFTER_RST_SAME : R_AFTER_RST_OTHER)]!++
    if (ints[at + R_AFTER_RST_SAME]! < 1 || ints[at + R_AFTER_RST_OTHER]! < 2) return
    if ((p.flags & SYN) !== 0) return
    const cleared =
      B_RESET | B_RESET_BY_SERVER | B_RST_NO_FIN | B_RST_BOTH_FINS | B_RST_IN_HANDSHAKE
    ints[at + R_BITS] = bits & ~cleared
    for (const record of this.resets.get(row) ?? []) record.accepted = false
  }

  /** Both FINs and at least the first acknowledged: over, but kept findable for late segments. */
  private maybeClose(row: number, p: Packet): void {
    const { ints, floats, at } = this.rows
    const client = ints[at + CLIENT_SIDE + S_BITS]!
    if ((client & SB_FIN) === 0) return
    const server = ints[at + SERVER_SIDE + S_BITS]!
    if ((client & server & SB_FIN) === 0 || ((client | server) & SB_FIN_ACKED) === 0) return
    if ((ints[at + R_BITS]! & B_CLOSED) === 0) floats[(at + R_END_T) >> 1] = p.tNs
    this.close(row, p)
  }

  private close(row: number, p: Packet): void {
    const { ints, floats, at } = this.rows
    if ((ints[at + R_BITS]! & B_CLOSED) !== 0) return
    ints[at + R_BITS] = (ints[at + R_BITS]! | B_CLOSED) & ~B_STRAIGHT
    floats[(at + R_CLOSED_T) >> 1] = p.tNs
    this.words[K.K_OPEN_ROWS]!--
    const serial = this.words[K.K_CLOSED_SERIAL]! + 1
    this.words[K.K_CLOSED_SERIAL] = serial
    ints[at + R_CLOSED_SERIAL] = serial
    this.closed.push(row, serial, at)
    this.expireClosed(p, EXPIRED_AT_ONCE)
  }

  /** @param budget  rows looked at, at most */
  private expireClosed(p: Packet, budget: number): void {
    const { closed, rows } = this
    for (let left = budget; left > 0 && closed.count > 0; left--) {
      const row = closed.row
      rows.open(row)
      const { ints, floats, at } = rows
      const same = ints[at + R_CLOSED_SERIAL] === closed.serial
      const age = p.tNs - floats[(at + R_CLOSED_T) >> 1]!
      if (same && age <= LINGER_NS && closed.count <= LINGER_ROWS) return
      closed.shift()
      if (!same) continue
      this.bury(row)
      this.retire(row)
    }
  }

  /** The core has closed a connection, and these expired rows are left. */
  expire(p: Packet, budget: number): void {
    this.lastT = p.tNs
    this.lastRow = -1
    this.expireClosed(p, budget)
  }

  /** A tombstone swallows segments that come after their connection was finished, so that they do not look like another. */
  private bury(row: number): void {
    const { rows } = this
    rows.open(row)
    const { ints, at } = rows
    const hash = ints[at + R_HASH]!
    this.table.remove(hash, row)
    const tomb = this.tombs.nextTomb
    const evicted = this.tombs.hashOf(tomb)
    if (evicted !== null) this.table.remove(evicted, FIRST_TOMB - tomb)
    const six = (ints[at + R_BITS]! & B_FAMILY6) !== 0
    this.tombs.bury(ints[at + R_CLIENT]!, ints[at + R_SERVER]!, ints[at + R_PORTS]!, six, hash)
    this.table.insert(hash, FIRST_TOMB - tomb)
  }

  /** Another connection begins on the same addresses and ports: this one is finished as it stands. */
  private supersede(row: number): void {
    this.rows.open(row)
    this.rows.ints[this.rows.at + R_CLOSED_SERIAL] = 0
    this.retire(row)
  }

  private retire(row: number): void {
    const { rows } = this
    rows.open(row)
    const { ints, at } = rows
    if ((ints[at + R_BITS]! & B_CLOSED) === 0) this.words[K.K_OPEN_ROWS]!--
    this.table.remove(ints[at + R_HASH]!, row)
    rows.ints[rows.at + R_BITS]! &= ~B_LIVE
    if (this.collector.finished(row, rows)) return
    this.forget(row)
  }

  /** Gives a finished row back. */
  forget(row: number): void {
    if (this.resets.size > 0) this.resets.delete(row)
    if (this.icmp.size > 0) this.icmp.delete(row)
    if (this.previous.size > 0) this.previous.delete(row)
    this.rows.release(row)
  }

  private findRow(p: Packet): number {
    const { rows, table } = this
    const six = p.family === 6 ? B_FAMILY6 : 0
    const hash = connectionHash(p.src, p.dst, p.srcPort, p.dstPort, six)
    const forward = (p.srcPort << 16) | p.dstPort
    const backward = (p.dstPort << 16) | p.srcPort
    for (let cell = table.start(hash); !table.isFree(cell); cell = table.next(cell)) {
      if (table.hashAt(cell) !== hash) continue
      const reference = table.referenceAt(cell)
      if (reference <= FIRST_TOMB) continue
      if (reference < 0) {
        if (!this.embryos.matches(-1 - reference, p)) continue
        return this.promoteKnown(-1 - reference, hash)
      }
      rows.open(reference)
      const { ints, at } = rows
      const ports = ints[at + R_PORTS]!
      if ((ints[at + R_BITS]! & B_FAMILY6) !== six) continue
      if (ints[at + R_CLIENT] === p.src && ports === forward) return reference
      if (ints[at + R_SERVER] === p.src && ports === backward) return reference
    }
    return -1
  }

  private promoteKnown(e: number, hash: number): number {
    this.table.remove(hash, -1 - e)
    const row = this.promote(e)
    this.embryos.release(e)
    return row
  }

  /** For the collector: an embryo that is left at the end as a finished row, open in `rows`. */
  finishEmbryo(e: number): number {
    const row = this.promote(e)
    this.rows.ints[this.rows.at + R_BITS]! &= ~B_LIVE
    this.words[K.K_OPEN_ROWS]!--
    return row
  }
}

/** SegmentProcessor's face before the core, which works on the row that is open here. */
class CoreProcessor {
  private readonly core: Core
  private readonly rows: Rows

  constructor(core: Core, rows: Rows) {
    this.core = core
    this.rows = rows
  }

  get advanced(): boolean {
    return this.core.advanced
  }

  fast(dir: number, p: Packet): boolean {
    return this.core.fast(this.rows.at, dir, p)
  }

  process(dir: number, p: Packet): boolean {
    return this.core.process(this.rows.at, dir, p)
  }
}
