import type { Ns } from '../../base/time.ts'
import {
  readLinkFields,
  readPlainIpv4,
  straightIp,
  VERSION_4_LENGTH_20,
} from '../../packet/decode.ts'
import { ACK, FIN, type Packet, PSH, RST, SYN } from '../../packet/packet.ts'
import { hasPayload } from '../../packet/payload.ts'
import { finKey, isAnswer, isYoung } from '../fin-bursts.ts'
import { connectionHash } from '../index-table.ts'
import {
  B_CLOSED,
  B_FAMILY6,
  B_LIVE,
  B_RESET,
  CLIENT_SIDE,
  R_BITS,
  R_CLIENT,
  R_END_T,
  R_LAST_DATA_BY,
  R_PORTS,
  R_SERVER,
  R_START_T,
  S_BITS,
  S_PACKETS,
  SB_FIN,
  SB_FIN_ACKED,
  SERVER_SIDE,
} from '../layout.ts'
import { lastDataT, type Rows } from '../rows.ts'
import type { SegmentProcessor } from '../segments.ts'
import { beginRow } from './begin.ts'
import { closeRow } from './end.ts'
import {
  K_DIR,
  K_DUPLICATES,
  K_HABIT_COUNT,
  K_HABIT_KEY,
  K_HABIT_READY,
  K_LAST_ROW,
  K_LAST_T,
  K_LATEST_T,
  K_PAYLOAD_FRAMES,
  K_SEGMENTS,
  K_SERVER,
  K_SERVER_PORT,
  K_SERVER_TO,
  K_WHY,
  WHY_DECODE,
  WHY_ENDS,
  WHY_SEGMENT,
} from './layout.ts'

// Compiled to WebAssembly by scripts/core, with everything that it calls; never run as JavaScript. Parameters that are not
// numbers are erased there: one memory holds them all.

/** As GLUED_NS of flow/analysis.ts: what comes so much later or earlier is looked at there. */
const GLUED_NS = 86_400e9

/**
 * Records [from, count) of a batch, as long as each is a plain segment of a connection that is under way.
 * @param base       octet where the batch's `bytes` begin
 * @param starts     (and the next four) where the columns begin, in elements of theirs
 * @param firstFrame running number of record 0
 * @param shift      to be added to each time
 * @param cells      rows by hash, a word each; a row is looked for in one cell only
 * @returns the record that the caller must look at, K_WHY says for what; `count` when there is none
 */
export function run(
  processor: SegmentProcessor,
  rows: Rows,
  p: Packet,
  ints: Int32Array,
  floats: Float64Array,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  count: number,
  base: number,
  starts: number,
  capLens: number,
  wireLens: number,
  links: number,
  times: number,
  firstFrame: number,
  cells: number,
  mask: number,
): number {
  for (let i = from; i < count; i++) {
    const start = base + ints[starts + i]!
    const end = start + ints[capLens + i]!
    const link = ints[links + i]!
    const ip = straightIp(view, start, end - start, link)
    const plain =
      ip >= 0 &&
      view.getUint8(ip) === VERSION_4_LENGTH_20 &&
      readPlainIpv4(view, bytes, ip, end, start + ints[wireLens + i]!, p)
    if (!plain) {
      ints[K_WHY] = WHY_DECODE
      return i
    }
    readLinkFields(view, start, link, p)
    p.tNs = floats[times + i]!
    p.frame = firstFrame + i
    const why = follow(processor, rows, p, ints, floats, cells, mask)
    if (why !== 0) {
      ints[K_WHY] = why
      return i
    }
  }
  return count
}

/** @returns 0 when all is done, else WHY_* */
function follow(
  processor: SegmentProcessor,
  rows: Rows,
  p: Packet,
  ints: Int32Array,
  floats: Float64Array,
  cells: number,
  mask: number,
): number {
  const t = p.tNs
  if (Math.abs(t - floats[K_LATEST_T]!) > GLUED_NS) return WHY_SEGMENT
  let at = ints[K_LAST_ROW]!
  let dir = directionIn(ints, at, p)
  if (dir < 0) {
    const hash = connectionHash(p.src, p.dst, p.srcPort, p.dstPort, 0)
    at = ints[cells + (hash & mask)]!
    dir = directionIn(ints, at, p)
    if (dir < 0) {
      if ((p.flags & (SYN | ACK | FIN | RST)) !== SYN) return WHY_SEGMENT
      if (!beginRow(rows, p, ints, floats, hash)) return WHY_SEGMENT
      at = rows.at
      ints[cells + (hash & mask)] = at
      ints[K_LAST_ROW] = at
      took(p, ints, floats, t)
      processor.process(0, p)
      return 0
    }
    ints[K_LAST_ROW] = at
  }
  rows.at = at
  const flags = p.flags
  if ((flags & ~PSH) === ACK && processor.fast(dir, p)) {
    took(p, ints, floats, t)
    return 0
  }
  // What begins or resets a connection, and what comes behind its end, needs more than its row.
  if ((flags & (SYN | ACK)) === SYN || (flags & RST) !== 0) return WHY_SEGMENT
  const bits = ints[at + R_BITS]!
  const isClosed = (bits & B_CLOSED) !== 0
  if ((bits & B_RESET) !== 0) return WHY_SEGMENT
  if (isClosed && ((flags & (SYN | FIN)) !== 0 || t < floats[(at + R_END_T) >> 1]! - 1e6)) {
    return WHY_SEGMENT
  }
  // And so does the first word of a server that is not the one heard last.
  if (dir === 1 && ints[at + SERVER_SIDE + S_PACKETS] === 0 && !isKnown(ints, p)) return WHY_SEGMENT
  took(p, ints, floats, t)
  if (!processor.process(dir, p)) {
    ints[K_DUPLICATES]!++
    return 0
  }
  if (isClosed) return 0
  const opensClosing =
    dir === 1 && (flags & FIN) !== 0 && (ints[at + CLIENT_SIDE + S_BITS]! & SB_FIN) === 0
  if (opensClosing && !isUsualFin(p, ints, floats, at)) {
    ints[K_DIR] = dir
    return WHY_ENDS
  }
  return isOver(ints, at) ? closeRow(rows, p, ints, floats) : 0
}

function isKnown(ints: Int32Array, p: Packet): boolean {
  if (ints[K_SERVER] !== p.src || ints[K_SERVER_PORT] !== p.srcPort) return false
  return ints[K_SERVER_TO] === p.dst
}

/** 0 = sent by the client of the row, 1 = by its server, -1 = the segment is not of this connection. */
function directionIn(ints: Int32Array, at: number, p: Packet): number {
  if (at === 0 || (ints[at + R_BITS]! & (B_LIVE | B_FAMILY6)) !== B_LIVE) return -1
  const ports = ints[at + R_PORTS]!
  if (ports === ((p.srcPort << 16) | p.dstPort)) {
    if (ints[at + R_CLIENT] === p.src && ints[at + R_SERVER] === p.dst) return 0
  }
  if (ports !== ((p.dstPort << 16) | p.srcPort)) return -1
  return ints[at + R_CLIENT] === p.dst && ints[at + R_SERVER] === p.src ? 1 : -1
}

function took(p: Packet, ints: Int32Array, floats: Float64Array, t: Ns): void {
  ints[K_SEGMENTS]!++
  if (hasPayload(p)) ints[K_PAYLOAD_FRAMES]!++
  floats[K_LAST_T] = t
  if (t > floats[K_LATEST_T]!) floats[K_LATEST_T] = t
}

/** As FinBursts.note: a server that closes right after its answer, as it did before. */
function isUsualFin(p: Packet, ints: Int32Array, floats: Float64Array, at: number): boolean {
  const key = finKey(p)
  if (ints[K_HABIT_READY] === 0 || ints[K_HABIT_KEY] !== key) return false
  const afterOwnData = p.dataLen > 0 || ints[at + R_LAST_DATA_BY] === 2
  if (!isAnswer(afterOwnData, p.tNs - lastDataT(floats, at))) return false
  if (!isYoung(p.tNs - floats[(at + R_START_T) >> 1]!)) return false
  ints[K_HABIT_COUNT]!++
  return true
}

/** Both FINs and at least one of them acknowledged: as maybeClose of flow/tracker.ts. */
function isOver(ints: Int32Array, at: number): boolean {
  const client = ints[at + CLIENT_SIDE + S_BITS]!
  const server = ints[at + SERVER_SIDE + S_BITS]!
  return (client & server & SB_FIN) !== 0 && ((client | server) & SB_FIN_ACKED) !== 0
}

/** `SegmentProcessor.process` for a segment that the caller has put into the packet. */
export function processRow(
  processor: SegmentProcessor,
  rows: Rows,
  p: Packet,
  at: number,
  dir: number,
): boolean {
  rows.at = at
  return processor.process(dir, p)
}

/** `SegmentProcessor.fast`, likewise. */
export function fastRow(
  processor: SegmentProcessor,
  rows: Rows,
  p: Packet,
  at: number,
  dir: number,
): boolean {
  rows.at = at
  return processor.fast(dir, p)
}

/** Zeroes words: the memory is shared, and JavaScript clears such memory word by word. */
export function clear(ints: Int32Array, at: number, words: number): void {
  ints.fill(0, at, at + words)
}
