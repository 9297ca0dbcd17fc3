import type { Packet } from '../../packet/packet.ts'
import { QUEUE_ENTRIES, QUEUE_WORDS } from '../closed-queue.ts'
import type { FinBursts } from '../fin-bursts.ts'
import type { TableStore } from '../index-table.ts'
import { R_ROW, ROW_WORDS } from '../layout.ts'
import type { RowStore } from '../rows.ts'
import { TOMB_WORDS, TOMBS, Tombs } from '../tombs.ts'
import * as K from './layout.ts'
import { PACKET, RARE, readPacket, writePacket } from './packet-words.ts'

const PAGE_OCTETS = 65_536
const FIRST_CELLS = 8192
/** A table of connections larger than this is not kept here; then JavaScript begins and ends them all. */
const TABLE_WORDS_MAX = 1 << 20
const ADVANCED = K.PROCESSOR_FIELDS.indexOf('advanced')

/** Memory that grows: what was there stays where it is, also in older buffers. */
export interface CoreMemory {
  readonly buffer: SharedArrayBuffer
  grow(pages: number): number
}

/** The functions of run.ts and pcap-walk.ts, parameters that are no numbers left out. */
export interface CoreExports {
  run(...numbers: number[]): number
  processRow(at: number, dir: number): number
  fastRow(at: number, dir: number): number
  clear(at: number, words: number): void
  walkRecords(...numbers: number[]): number
}

/** Records in columns, as a capture's reader gives them. */
export interface Columns {
  bytes: Uint8Array
  starts: Int32Array
  capLens: Int32Array
  wireLens: Int32Array
  links: Int32Array
  times: Float64Array
  count: number
}

/**
 * The straight path in WebAssembly: from the records of a batch to the rows of their connections, compiled from the same
 * sources as the rest (scripts/core), with its memory. It takes no warming up, and no other thread to compile it.
 */
export class Core implements RowStore {
  /** See capture/byte-source.ts: this is an arena too. */
  readonly walkRecords: (...numbers: number[]) => number
  private readonly memory: CoreMemory
  // Each in a field of its own: an object of exports is looked up as slowly as a dictionary.
  private readonly runRecords: CoreExports['run']
  private readonly processRow: CoreExports['processRow']
  private readonly fastRow: CoreExports['fastRow']
  private readonly clearWords: CoreExports['clear']
  // Where the batch lies.
  private count = 0
  private base = 0
  private starts = 0
  private capLens = 0
  private wireLens = 0
  private links = 0
  private times = 0
  /** All of the memory, as far as it went when they were made: it grows, and what was there stays where it is. */
  ints: Int32Array
  floats: Float64Array
  // Rows by hash: where the cells begin, and how many there are, a power of 2.
  private cells = 0
  private cellCount = 0
  private rowWords = 0
  private free = K.FREE_AT
  private readonly buffers = new Set<ArrayBufferLike>()

  /** @param exports  of the module that scripts/core makes, with `memory` as its memory */
  constructor(memory: CoreMemory, exports: CoreExports) {
    this.memory = memory
    this.runRecords = exports.run
    this.processRow = exports.processRow
    this.fastRow = exports.fastRow
    this.clearWords = exports.clear
    this.walkRecords = exports.walkRecords
    this.ints = new Int32Array(this.memory.buffer)
    this.floats = new Float64Array(this.memory.buffer)
    this.buffers.add(this.memory.buffer)
    this.growCells(FIRST_CELLS)
    this.ints[K.K_FREE] = this.reserve(K.FREE_MAX * 4) >> 2
    this.floats[K.K_LATEST_T] = Number.NEGATIVE_INFINITY
    this.ints[PACKET + RARE] = 1 // so that the first plain packet finds its other fields reset
  }

  /** Octets of the memory, zeroed and never given back. */
  allocate(octets: number): Uint8Array {
    const at = this.reserve(octets)
    return new Uint8Array(this.memory.buffer, at, octets)
  }

  /** Room for rows: their words, and the index of the first. */
  allocateWords(words: number): { ints: Int32Array; floats: Float64Array; at: number } {
    this.rowWords += words
    if (this.rowWords * 2 > this.cellCount * ROW_WORDS) this.growCells(this.cellCount * 2)
    const at = this.reserve(words * 4) >> 2
    return { ints: this.ints, floats: this.floats, at }
  }

  clear(_ints: Int32Array, at: number, words: number): void {
    this.clearWords(at, words)
  }

  private reserve(octets: number): number {
    const at = this.free
    this.free += (octets + 63) & ~63
    const missing = this.free - this.memory.buffer.byteLength
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE_OCTETS))
      this.ints = new Int32Array(this.memory.buffer)
      this.floats = new Float64Array(this.memory.buffer)
      this.buffers.add(this.memory.buffer)
    }
    return at
  }

  /** Those that were remembered are forgotten, and come back when they are looked up. */
  private growCells(count: number): void {
    this.cells = this.reserve(count * 4) >> 2
    this.cellCount = count
  }

  /** For the tracker's table, tombs and queue of closed rows: both sides work on them. */
  tableStore(): TableStore {
    const { ints } = this
    return {
      get count() {
        return ints[K.K_TABLE_COUNT]!
      },
      set count(value: number) {
        ints[K.K_TABLE_COUNT] = value
      },
      // Memory here is never given back: what a flood needs, and outgrows again and again, is left to the collector.
      allocateInts: (words) =>
        words > TABLE_WORDS_MAX ? new Int32Array(words) : this.allocateInts(words),
      tell: (cells, mask) => {
        ints[K.K_TABLE] = this.owns(cells.buffer) ? cells.byteOffset >> 2 : 0
        ints[K.K_TABLE_MASK] = mask
      },
    }
  }

  tombs(): Tombs {
    const words = this.allocateInts(TOMBS * TOMB_WORDS)
    this.ints[K.K_TOMBS] = words.byteOffset >> 2
    return new Tombs(words, this.ints.subarray(K.K_TOMB_NEXT, K.K_TOMB_NEXT + 1))
  }

  queueRing(): Int32Array {
    const ring = this.allocateInts(QUEUE_ENTRIES * QUEUE_WORDS)
    this.ints[K.K_QUEUE] = ring.byteOffset >> 2
    return ring
  }

  giveBack(_row: number, at: number): void {
    const { ints } = this
    const count = ints[K.K_FREE_COUNT]!
    if (count === K.FREE_MAX) return // never used again: that many rows are not
    ints[ints[K.K_FREE]! + count] = at
    ints[K.K_FREE_COUNT] = count + 1
  }

  takeBack(): number {
    const { ints } = this
    const count = ints[K.K_FREE_COUNT]! - 1
    if (count < 0) return -1
    ints[K.K_FREE_COUNT] = count
    return ints[ints[ints[K.K_FREE]! + count]! + R_ROW]!
  }

  private allocateInts(words: number): Int32Array {
    const at = this.reserve(words * 4)
    return new Int32Array(this.memory.buffer, at, words)
  }

  owns(buffer: ArrayBufferLike): boolean {
    return this.buffers.has(buffer)
  }

  /** Takes this batch up. @returns false when it lies somewhere else */
  begin(batch: Columns): boolean {
    const { bytes, starts, capLens, wireLens, links, times } = batch
    if (!this.owns(bytes.buffer) || !this.owns(starts.buffer)) return false
    this.count = batch.count
    this.base = bytes.byteOffset
    this.starts = starts.byteOffset >> 2
    this.capLens = capLens.byteOffset >> 2
    this.wireLens = wireLens.byteOffset >> 2
    this.links = links.byteOffset >> 2
    this.times = times.byteOffset >> 3
    return true
  }

  /**
   * Deals with the batch's records from `from` on, as far as it can.
   * @param firstFrame running number of record 0
   * @returns the record it stopped at, `why` says for what; the batch's count when all are done
   */
  run(from: number, firstFrame: number): number {
    return this.runRecords(
      from,
      this.count,
      this.base,
      this.starts,
      this.capLens,
      this.wireLens,
      this.links,
      this.times,
      firstFrame,
      this.cells,
      this.cellCount - 1,
    )
  }

  get why(): number {
    return this.ints[K.K_WHY]!
  }

  /** Of the segment that WHY_ENDS is about: its row, and 1 if the server sent it. */
  get row(): number {
    return this.ints[this.ints[K.K_LAST_ROW]! + R_ROW]!
  }

  /** Expired rows that WHY_EXPIRES leaves. */
  get budget(): number {
    return this.ints[K.K_BUDGET]!
  }

  get dir(): number {
    return this.ints[K.K_DIR]!
  }

  /** The latest time of a segment, ns. */
  get latestT(): number {
    return this.floats[K.K_LATEST_T]!
  }

  /** The time of the last segment, whoever dealt with it. */
  get lastT(): number {
    return this.floats[K.K_LAST_T]!
  }

  set lastT(t: number) {
    this.floats[K.K_LAST_T] = t
  }

  set latestT(t: number) {
    this.floats[K.K_LATEST_T] = t
  }

  /** What it has counted since it was asked last. */
  taken(): { segments: number; payloadFrames: number; duplicates: number } {
    const { ints } = this
    const taken = {
      segments: ints[K.K_SEGMENTS]!,
      payloadFrames: ints[K.K_PAYLOAD_FRAMES]!,
      duplicates: ints[K.K_DUPLICATES]!,
    }
    ints.fill(0, K.K_SEGMENTS, K.K_DUPLICATES + 1)
    return taken
  }

  /** A live row, to be found by its hash. Another one of the same cell is forgotten: it is then looked up by the caller. */
  remember(hash: number, at: number): void {
    this.ints[this.cells + (hash & (this.cellCount - 1))] = at
  }

  /** A SYN-ACK of this server to this client was seen (IPv4): the next one tells nothing new of the two. */
  sawServer(p: Packet): void {
    this.ints[K.K_SERVER] = p.src
    this.ints[K.K_SERVER_PORT] = p.srcPort
    this.ints[K.K_SERVER_TO] = p.dst
  }

  /** Servers' FINs that were counted here since. */
  takeAnswers(bursts: FinBursts): void {
    const { ints } = this
    if (ints[K.K_HABIT_COUNT]! > 0) bursts.noteAnswers(ints[K.K_HABIT_KEY]!, ints[K.K_HABIT_COUNT]!)
    ints[K.K_HABIT_COUNT] = 0
  }

  /** From now on this endpoint's FINs right after its answers are only counted. */
  expectAnswers(key: number): void {
    this.ints[K.K_HABIT_KEY] = key
    this.ints[K.K_HABIT_READY] = 1
  }

  get advanced(): boolean {
    return this.ints[(K.PROCESSOR_AT >> 2) + ADVANCED] === 1
  }

  process(at: number, dir: number, p: Packet): boolean {
    writePacket(p, this.ints, this.floats)
    return this.processRow(at, dir) === 1
  }

  fast(at: number, dir: number, p: Packet): boolean {
    writePacket(p, this.ints, this.floats)
    return this.fastRow(at, dir) === 1
  }

  /** The packet it stopped at. */
  read(p: Packet): void {
    readPacket(p, this.ints, this.floats)
  }
}
