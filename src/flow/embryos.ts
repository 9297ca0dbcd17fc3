import { ACK, Packet, SYN } from '../packet/packet.ts'

// One embryo: a SYN. 12 words, 48 octets; the float64 at an even word.
const E_SYN_T = 0
const E_CLIENT = 2
const E_SERVER = 3
const E_PORTS = 4
const E_ISN = 5
const E_WND_MSS = 6
const E_SYN_FRAME = 7
/** Running number of the connection; -1 = the place is free. */
const E_ID = 8
/** Of the SYN: bits << 25 | ttl << 17 | ip id + 1. */
const E_TTL_ID = 9
const E_TSVAL = 10
/** Place of the SYN-ACK + 1 (0 = none was seen) << 9 | window scale + 1. */
const E_ANSWER = 11
const EMBRYO_WORDS = 12

// The first SYN-ACK to it and when that was repeated last, only for those that were answered. 10 words, 40 octets.
const A_T = 0
const A_FRAME = 2
const A_ISN = 3
const A_WND_MSS = 4
const A_TTL_ID = 5
const A_TSVAL = 6
/** How many SYN-ACKs there were << 9 | window scale + 1. */
const A_COUNT_SCALE = 7
/** Milliseconds from the first SYN-ACK to its last repetition, and the frame of that. */
const A_AGAIN_MS = 8
const A_AGAIN_FRAME = 9
const ANSWER_WORDS = 10

// The bits in E_TTL_ID and A_TTL_ID, above 8 bits of TTL and 17 of IP-ID + 1.
const BIT_FAMILY6 = 1 << 25
const BIT_SACK = 1 << 26
const BIT_TIMESTAMPS = 1 << 27
const SCALE_BITS = 9
const SCALE_MASK = (1 << SCALE_BITS) - 1
const MAX_COUNT = 0x3f_ffff

const CHUNK_SHIFT = 14
const CHUNK = 1 << CHUNK_SHIFT

/** Records of a fixed number of words in chunks: growing never copies, a place given back is used again. */
class Pool {
  ints: Int32Array[] = []
  floats: Float64Array[] = []
  used = 0
  private free: number[] = []
  private readonly words: number

  constructor(words: number) {
    this.words = words
  }

  get size(): number {
    return this.used - this.free.length
  }

  take(): number {
    const place = this.free.pop() ?? this.used++
    if (place >> CHUNK_SHIFT === this.ints.length) {
      const ints = new Int32Array(CHUNK * this.words)
      this.ints.push(ints)
      this.floats.push(new Float64Array(ints.buffer))
    }
    return place
  }

  giveBack(place: number): void {
    this.free.push(place)
  }

  /** Forgets everything. */
  clear(): void {
    this.ints = []
    this.floats = []
    this.free = []
    this.used = 0
  }
}

/**
 * Connections of which only a SYN (and its SYN-ACK) was seen, while very many connections are open: a SYN flood or scan
 * costs 48 octets a connection, 88 where it was answered. At the next segment an embryo becomes a full row by replaying
 * what it remembers.
 */
export class Embryos {
  private readonly syns = new Pool(EMBRYO_WORDS)
  private readonly answers = new Pool(ANSWER_WORDS)

  get size(): number {
    return this.syns.size
  }

  add(p: Packet, t: number, frame: number, id: number): number {
    const e = this.syns.take()
    const ints = this.intsOf(e)
    const at = placeOf(e)
    this.syns.floats[e >> CHUNK_SHIFT]![(at + E_SYN_T) >> 1] = t
    ints[at + E_CLIENT] = p.src
    ints[at + E_SERVER] = p.dst
    ints[at + E_PORTS] = (p.srcPort << 16) | p.dstPort
    ints[at + E_ISN] = p.seq
    ints[at + E_WND_MSS] = (p.wnd << 16) | (p.mss + 1)
    ints[at + E_SYN_FRAME] = frame
    ints[at + E_ID] = id
    ints[at + E_TTL_ID] = ttlAndBits(p)
    ints[at + E_TSVAL] = p.tsVal
    ints[at + E_ANSWER] = p.windowScale + 1
    return e
  }

  /** @returns true when the segment is the SYN-ACK (again) and has been remembered. */
  noteSynAck(e: number, p: Packet, t: number, frame: number): boolean {
    const ints = this.intsOf(e)
    const at = placeOf(e)
    if ((p.flags & 0x17) !== (SYN | ACK) || p.src !== ints[at + E_SERVER] || p.dataLen > 0)
      return false
    if (p.ack !== ((ints[at + E_ISN]! + 1) | 0)) return false
    const known = (ints[at + E_ANSWER]! >>> SCALE_BITS) - 1
    if (known >= 0) return this.noteAgain(known, p, t, frame)
    const answer = this.answers.take()
    const words = this.answers.ints[answer >> CHUNK_SHIFT]!
    const a = (answer & (CHUNK - 1)) * ANSWER_WORDS
    ints[at + E_ANSWER]! |= (answer + 1) << SCALE_BITS
    this.answers.floats[answer >> CHUNK_SHIFT]![(a + A_T) >> 1] = t
    words[a + A_FRAME] = frame
    words[a + A_ISN] = p.seq
    words[a + A_WND_MSS] = (p.wnd << 16) | (p.mss + 1)
    words[a + A_TTL_ID] = ttlAndBits(p)
    words[a + A_TSVAL] = p.tsVal
    words[a + A_COUNT_SCALE] = (1 << SCALE_BITS) | (p.windowScale + 1)
    words[a + A_AGAIN_MS] = 0
    words[a + A_AGAIN_FRAME] = 0
    return true
  }

  private noteAgain(answer: number, p: Packet, t: number, frame: number): boolean {
    const words = this.answers.ints[answer >> CHUNK_SHIFT]!
    const a = (answer & (CHUNK - 1)) * ANSWER_WORDS
    if (p.seq !== words[a + A_ISN]) return false
    const first = this.answers.floats[answer >> CHUNK_SHIFT]![(a + A_T) >> 1]!
    if (words[a + A_COUNT_SCALE]! >>> SCALE_BITS < MAX_COUNT)
      words[a + A_COUNT_SCALE]! += 1 << SCALE_BITS
    words[a + A_AGAIN_MS] = Math.min(0x7fff_ffff, Math.max(0, (t - first) / 1e6))
    words[a + A_AGAIN_FRAME] = frame
    return true
  }

  idOf(e: number): number {
    return this.intsOf(e)[placeOf(e) + E_ID]!
  }

  release(e: number): void {
    const ints = this.intsOf(e)
    const at = placeOf(e)
    const answer = (ints[at + E_ANSWER]! >>> SCALE_BITS) - 1
    if (answer >= 0) this.answers.giveBack(answer)
    ints[at + E_ID] = -1
    this.syns.giveBack(e)
  }

  /** All that are left, in order; then they are forgotten. Nothing may be added or released meanwhile. */
  *drain(): Generator<number> {
    for (let e = 0; e < this.syns.used; e++) if (this.idOf(e) !== -1) yield e
    this.syns.clear()
    this.answers.clear()
  }

  /** Server address, port, family and whether a SYN-ACK was seen: what the groups of a flood are made of. */
  serverOf(e: number): { address: number; port: number; family: 4 | 6; synAck: boolean } {
    const ints = this.intsOf(e)
    const at = placeOf(e)
    return {
      address: ints[at + E_SERVER]!,
      port: ints[at + E_PORTS]! & 0xffff,
      family: familyOf(ints[at + E_TTL_ID]!),
      synAck: ints[at + E_ANSWER]! >>> SCALE_BITS !== 0,
    }
  }

  /** The packet is of this connection, in either direction. */
  matches(e: number, p: Packet): boolean {
    const ints = this.intsOf(e)
    const at = placeOf(e)
    if (familyOf(ints[at + E_TTL_ID]!) !== p.family) return false
    const ports = ints[at + E_PORTS]!
    if (ints[at + E_CLIENT] === p.src && ints[at + E_SERVER] === p.dst) {
      if (ports === ((p.srcPort << 16) | p.dstPort)) return true
    }
    if (ints[at + E_CLIENT] !== p.dst || ints[at + E_SERVER] !== p.src) return false
    return ports === ((p.dstPort << 16) | p.srcPort)
  }

  /** The segments an embryo stands for, as packets again. */
  replay(e: number): Replay {
    const ints = this.intsOf(e)
    const at = placeOf(e)
    const syn = new Packet()
    syn.kind = 1
    syn.family = familyOf(ints[at + E_TTL_ID]!)
    syn.src = ints[at + E_CLIENT]!
    syn.dst = ints[at + E_SERVER]!
    syn.srcPort = ints[at + E_PORTS]! >>> 16
    syn.dstPort = ints[at + E_PORTS]! & 0xffff
    syn.flags = SYN
    syn.seq = ints[at + E_ISN]!
    fillOptions(syn, {
      wndMss: ints[at + E_WND_MSS]!,
      ttlAndBits: ints[at + E_TTL_ID]!,
      scale: (ints[at + E_ANSWER]! & SCALE_MASK) - 1,
      tsVal: ints[at + E_TSVAL]!,
    })
    syn.tNs = this.syns.floats[e >> CHUNK_SHIFT]![(at + E_SYN_T) >> 1]!
    syn.frame = ints[at + E_SYN_FRAME]!
    const answer = (ints[at + E_ANSWER]! >>> SCALE_BITS) - 1
    if (answer < 0) return { syn, synAck: null, synAcks: 0, againT: 0, againFrame: 0 }
    return { syn, ...this.replayAnswer(answer, syn) }
  }

  private replayAnswer(answer: number, syn: Packet): Omit<Replay, 'syn'> {
    const words = this.answers.ints[answer >> CHUNK_SHIFT]!
    const a = (answer & (CHUNK - 1)) * ANSWER_WORDS
    const p = new Packet()
    p.kind = 1
    p.family = syn.family
    p.src = syn.dst
    p.dst = syn.src
    p.srcPort = syn.dstPort
    p.dstPort = syn.srcPort
    p.flags = SYN | ACK
    p.tNs = this.answers.floats[answer >> CHUNK_SHIFT]![(a + A_T) >> 1]!
    p.frame = words[a + A_FRAME]!
    p.seq = words[a + A_ISN]!
    p.ack = (syn.seq + 1) | 0
    fillOptions(p, {
      wndMss: words[a + A_WND_MSS]!,
      ttlAndBits: words[a + A_TTL_ID]!,
      scale: (words[a + A_COUNT_SCALE]! & SCALE_MASK) - 1,
      tsVal: words[a + A_TSVAL]!,
    })
    return {
      synAck: p,
      synAcks: words[a + A_COUNT_SCALE]! >>> SCALE_BITS,
      againT: p.tNs + words[a + A_AGAIN_MS]! * 1e6,
      againFrame: words[a + A_AGAIN_FRAME]!,
    }
  }

  private intsOf(e: number): Int32Array {
    return this.syns.ints[e >> CHUNK_SHIFT]!
  }
}

export interface Replay {
  syn: Packet
  synAck: Packet | null
  /** How many SYN-ACKs there were, and the last of them when there were several. */
  synAcks: number
  againT: number
  againFrame: number
}

function placeOf(e: number): number {
  return (e & (CHUNK - 1)) * EMBRYO_WORDS
}

function ttlAndBits(p: Packet): number {
  const bits =
    (p.family === 6 ? BIT_FAMILY6 : 0) |
    (p.sackPermitted === 1 ? BIT_SACK : 0) |
    (p.hasTimestamps === 1 ? BIT_TIMESTAMPS : 0)
  return bits | (p.ttl << 17) | (p.ipId + 1)
}

function familyOf(bits: number): 4 | 6 {
  return (bits & BIT_FAMILY6) !== 0 ? 6 : 4
}

function fillOptions(
  p: Packet,
  from: { wndMss: number; ttlAndBits: number; scale: number; tsVal: number },
): void {
  const sack = (from.ttlAndBits & BIT_SACK) !== 0
  const timestamps = (from.ttlAndBits & BIT_TIMESTAMPS) !== 0
  p.wnd = from.wndMss >>> 16
  p.mss = (from.wndMss & 0xffff) - 1
  p.ttl = (from.ttlAndBits >>> 17) & 255
  p.ipId = (from.ttlAndBits & 0x1ffff) - 1
  p.windowScale = from.scale
  p.sackPermitted = sack ? 1 : 0
  p.hasTimestamps = timestamps ? 1 : 0
  p.tsVal = from.tsVal
  p.rare = 1
  p.optionsLen = p.mss >= 0 || from.scale >= 0 || sack || timestamps ? 4 : 0
}
