import { seqAdd, seqDiff } from '../base/seq.ts'
import type { Side } from '../evidence/connection.ts'

/** Payload of one segment as it lies in the capture. */
export interface PayloadSegment {
  from: Side
  frame: number
  /** Relative sequence number of the first octet (the first data octet of a direction is 1). */
  seq: number
  bytes: Uint8Array
  /** The capture kept fewer octets than the wire had (snap length). */
  cut: boolean
  /** Octets on the wire, when known; without it the size of a cut shows only with the next segment. */
  len?: number
}

/** Octets of one direction in sequence order; `lost` are the octets missing just before them. */
export interface Chunk {
  from: Side
  frame: number
  bytes: Uint8Array
  lost: number
}

// Bounds for hostile or huge input: a conversation is read for its last turns, not stored.
const MAX_SEGMENTS = 50_000
const MAX_OCTETS = 32 * 1024 * 1024
const MAX_HELD = 32 // out-of-order segments waited for before the hole is declared lost

interface Direction {
  /** Sequence number after the last octet handed on, and after the last octet known to have been on the wire. */
  have: number
  wireEnd: number
  started: boolean
  held: PayloadSegment[]
}

/**
 * Both directions in sequence order: repeated octets dropped, segments that came early held back until the hole is filled.
 * Never throws; input beyond the bounds is ignored.
 */
export function inOrder(segments: readonly PayloadSegment[]): Chunk[] {
  const out: Chunk[] = []
  const sides: Record<Side, Direction> = { client: newDirection(), server: newDirection() }
  let octets = 0
  for (const segment of segments.slice(0, MAX_SEGMENTS)) {
    octets += segment.bytes.length
    if (octets > MAX_OCTETS) break
    const side = sides[segment.from]
    accept(side, segment, out)
    releaseHeld(side, out, MAX_HELD)
  }
  releaseHeld(sides.client, out, 0)
  releaseHeld(sides.server, out, 0)
  return out
}

function newDirection(): Direction {
  return { have: 0, wireEnd: 0, started: false, held: [] }
}

function accept(side: Direction, segment: PayloadSegment, out: Chunk[]): void {
  if (segment.bytes.length === 0 && (segment.len ?? 0) === 0) return
  if (!side.started) {
    side.started = true
    side.have = segment.seq
    side.wireEnd = segment.seq
  }
  // A hole that a cut made will never be filled: only octets beyond the known end of the wire are waited for.
  if (seqDiff(segment.seq, side.wireEnd) > 0) side.held.push(segment)
  else emit(side, segment, out)
}

function emit(side: Direction, segment: PayloadSegment, out: Chunk[]): void {
  const skip = Math.max(0, seqDiff(side.have, segment.seq))
  const bytes = segment.bytes.subarray(Math.min(skip, segment.bytes.length))
  const wireLength = Math.max(segment.len ?? 0, segment.bytes.length)
  const end = seqAdd(segment.seq, segment.bytes.length)
  const wireEnd = seqAdd(segment.seq, wireLength)
  if (bytes.length > 0) {
    const lost = Math.max(0, seqDiff(segment.seq, side.have))
    out.push({ from: segment.from, frame: segment.frame, bytes, lost })
    side.have = end
  }
  if (segment.cut && seqDiff(wireEnd, side.have) > 0) {
    const lost = seqDiff(wireEnd, side.have)
    out.push({ from: segment.from, frame: segment.frame, bytes: bytes.subarray(0, 0), lost })
    side.have = wireEnd
  }
  if (seqDiff(wireEnd, side.wireEnd) > 0) side.wireEnd = wireEnd
  // A cut of unknown size: whatever comes next follows it.
  if (segment.cut && segment.len === undefined) side.wireEnd = seqAdd(side.wireEnd, 0x10000)
}

function releaseHeld(side: Direction, out: Chunk[], limit: number): void {
  if (side.held.length === 0) return
  side.held.sort((a, b) => seqDiff(a.seq, b.seq))
  while (side.held.length > 0) {
    const first = side.held[0]!
    if (seqDiff(first.seq, side.wireEnd) > 0 && side.held.length <= limit) return
    side.held.shift()
    emit(side, first, out)
  }
}

/** One message of a length-prefixed protocol: its first octets (header included), its full size, the frame it began in. */
export interface Message {
  bytes: Uint8Array
  size: number
  frame: number
}

const KEEP = 4096 // octets of a message that are kept: status flags and statements are at the front

/**
 * Cuts one direction into length-prefixed messages. `sizeOf` gives the whole size of the message whose first `headerSize()`
 * octets it sees, or -1 when that cannot be a message: then, as after lost octets that reach beyond a message, the reader is
 * out of step until `startsHere` accepts the beginning of a later chunk.
 */
export class Framer {
  private kept = new Uint8Array(KEEP)
  private filled = 0
  private seen = 0
  private size = -1
  private holed = false
  private frame = 0
  private readonly headerSize: () => number
  private readonly sizeOf: (header: Uint8Array) => number
  private readonly startsHere: (bytes: Uint8Array) => boolean
  inStep: boolean

  constructor(options: {
    headerSize: () => number
    sizeOf: (header: Uint8Array) => number
    startsHere: (bytes: Uint8Array) => boolean
    inStep: boolean
  }) {
    this.headerSize = options.headerSize
    this.sizeOf = options.sizeOf
    this.startsHere = options.startsHere
    this.inStep = options.inStep
  }

  push(chunk: Chunk, onMessage: (message: Message) => void): void {
    if (chunk.lost > 0) this.lose(chunk.lost, onMessage)
    let at = 0
    if (!this.inStep) {
      if (chunk.bytes.length === 0 || !this.startsHere(chunk.bytes)) return
      this.inStep = true
      this.reset()
    }
    while (at < chunk.bytes.length && this.inStep) {
      if (this.seen === 0) this.frame = chunk.frame
      at += this.size < 0 ? this.takeHeader(chunk.bytes, at) : this.takeBody(chunk.bytes, at)
      if (this.size >= 0 && this.seen >= this.size) this.finish(onMessage)
    }
  }

  private takeHeader(bytes: Uint8Array, at: number): number {
    const wanted = Math.min(this.headerSize() - this.filled, bytes.length - at)
    this.keep(bytes, at, wanted)
    if (this.filled >= this.headerSize()) {
      this.size = this.sizeOf(this.kept.subarray(0, this.filled))
      if (this.size < this.headerSize()) this.outOfStep()
    }
    return wanted
  }

  private takeBody(bytes: Uint8Array, at: number): number {
    const wanted = Math.min(this.size - this.seen, bytes.length - at)
    this.keep(bytes, at, wanted)
    return wanted
  }

  private keep(bytes: Uint8Array, at: number, count: number): void {
    const room = this.holed ? 0 : Math.min(count, KEEP - this.filled)
    if (room > 0) this.kept.set(bytes.subarray(at, at + room), this.filled)
    this.filled += room
    this.seen += count
  }

  private lose(octets: number, onMessage: (message: Message) => void): void {
    if (!this.inStep) return
    if (this.size < 0 || this.seen + octets > this.size) {
      this.outOfStep()
      return
    }
    this.holed = true
    this.seen += octets
    if (this.seen >= this.size) this.finish(onMessage)
  }

  private finish(onMessage: (message: Message) => void): void {
    const message = {
      bytes: this.kept.slice(0, this.filled),
      size: this.size,
      frame: this.frame,
    }
    this.reset()
    onMessage(message)
  }

  private reset(): void {
    this.filled = 0
    this.seen = 0
    this.size = -1
    this.holed = false
  }

  private outOfStep(): void {
    this.reset()
    this.inStep = false
  }
}

/** Arguments of one call. */
const AT_ONCE = 4096

/** Octets as text, one character an octet; at most `limit`. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length, limit = 65_536): string {
  let text = ''
  const end = Math.min(to, bytes.length, from + limit)
  for (let at = from; at < end; at += AT_ONCE) {
    // Not spread, which asks for each octet by itself: ten times as long.
    const some = bytes.subarray(at, Math.min(end, at + AT_ONCE)) as unknown as number[]
    text += String.fromCharCode.apply(null, some)
  }
  return text
}

/** Safe to print: one line, no control characters, bounded. */
export function printable(text: string, limit = 200): string {
  const clean = text.replace(/[^\x20-\x7e…]+/g, ' ').trim()
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
}
