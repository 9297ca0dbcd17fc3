import { ACK, Packet, SYN } from '../packet/packet.ts'

// One embryo: a SYN, the first SYN-ACK to it and when that was repeated last. 22 words, 88 octets; float64 at even words.
const E_CLIENT = 0
const E_SERVER = 1
const E_PORTS = 2
/** family6 1 | syn-ack seen 2 | sack 4 | timestamps 8 | the syn-ack's sack 16, timestamps 32 | syn-acks << 8 */
const E_BITS = 3
const E_ISN = 4
const E_WND_MSS = 5
const E_SYN_T = 6
const E_SYNACK_T = 8
const E_SYN_FRAME = 10
const E_SYNACK_FRAME = 11
const E_ID = 12
/** ttl << 17 | ip id + 1 */
const E_TTL_ID = 13
const E_SYNACK_TTL_ID = 14
const E_SYNACK_ISN = 15
const E_SYNACK_WND_MSS = 16
/** window scale + 1, and that of the SYN-ACK << 8 */
const E_SCALES = 17
const E_TSVAL = 18
const E_SYNACK_TSVAL = 19
/** Milliseconds from the first SYN-ACK to its last repetition, and the frame of that. */
const E_AGAIN_MS = 20
const E_AGAIN_FRAME = 21
const EMBRYO_WORDS = 22
const CHUNK_SHIFT = 14
const CHUNK = 1 << CHUNK_SHIFT

/**
 * Connections of which only a SYN (and its SYN-ACK) was seen, while very many connections are open: a SYN flood or scan
 * costs 88 octets a connection. At the next segment an embryo becomes a full row by replaying what it remembers.
 */
export class Embryos {
  readonly chunks: Int32Array[] = []
  private floats: Float64Array[] = []
  private free: number[] = []
  private used = 0

  get size(): number {
    return this.used - this.free.length
  }

  get limit(): number {
    return this.used
  }

  add(p: Packet, t: number, frame: number, id: number): number {
    const e = this.free.pop() ?? this.used++
    if (e >> CHUNK_SHIFT === this.chunks.length) {
      const ints = new Int32Array(CHUNK * EMBRYO_WORDS)
      this.chunks.push(ints)
      this.floats.push(new Float64Array(ints.buffer))
    }
    const ints = this.chunks[e >> CHUNK_SHIFT]!
    const at = (e & (CHUNK - 1)) * EMBRYO_WORDS
    ints[at + E_CLIENT] = p.src
    ints[at + E_SERVER] = p.dst
    ints[at + E_PORTS] = (p.srcPort << 16) | p.dstPort
    const options = (p.sackPermitted === 1 ? 4 : 0) | (p.hasTimestamps === 1 ? 8 : 0)
    ints[at + E_BITS] = (p.family === 6 ? 1 : 0) | options
    ints[at + E_ISN] = p.seq
    ints[at + E_WND_MSS] = (p.wnd << 16) | (p.mss + 1)
    this.floats[e >> CHUNK_SHIFT]![(at + E_SYN_T) >> 1] = t
    ints[at + E_SYN_FRAME] = frame
    ints[at + E_ID] = id
    ints[at + E_TTL_ID] = (p.ttl << 17) | (p.ipId + 1)
    ints[at + E_SCALES] = p.windowScale + 1
    ints[at + E_TSVAL] = p.tsVal
    return e
  }

  /** @returns true when the segment is the SYN-ACK (again) and has been remembered. */
  noteSynAck(e: number, p: Packet, t: number, frame: number): boolean {
    const ints = this.chunks[e >> CHUNK_SHIFT]!
    const at = (e & (CHUNK - 1)) * EMBRYO_WORDS
    if ((p.flags & 0x17) !== (SYN | ACK) || p.src !== ints[at + E_SERVER] || p.dataLen > 0)
      return false
    if (p.ack !== ((ints[at + E_ISN]! + 1) | 0)) return false
    const bits = ints[at + E_BITS]!
    if ((bits & 2) !== 0) {
      if (p.seq !== ints[at + E_SYNACK_ISN]) return false
      ints[at + E_BITS] = bits + 256
      const first = this.floats[e >> CHUNK_SHIFT]![(at + E_SYNACK_T) >> 1]!
      ints[at + E_AGAIN_MS] = Math.min(0x7fff_ffff, Math.max(0, (t - first) / 1e6))
      ints[at + E_AGAIN_FRAME] = frame
      return true
    }
    ints[at + E_BITS] =
      bits | 2 | 256 | (p.sackPermitted === 1 ? 16 : 0) | (p.hasTimestamps === 1 ? 32 : 0)
    this.floats[e >> CHUNK_SHIFT]![(at + E_SYNACK_T) >> 1] = t
    ints[at + E_SYNACK_FRAME] = frame
    ints[at + E_SYNACK_ISN] = p.seq
    ints[at + E_SYNACK_WND_MSS] = (p.wnd << 16) | (p.mss + 1)
    ints[at + E_SYNACK_TTL_ID] = (p.ttl << 17) | (p.ipId + 1)
    ints[at + E_SCALES]! |= (p.windowScale + 1) << 8
    ints[at + E_SYNACK_TSVAL] = p.tsVal
    return true
  }

  idOf(e: number): number {
    return this.chunks[e >> CHUNK_SHIFT]![(e & (CHUNK - 1)) * EMBRYO_WORDS + E_ID]!
  }

  /** Frees its place; a zero in E_BITS with E_ID -1 marks it for `isFree`. */
  release(e: number): void {
    this.chunks[e >> CHUNK_SHIFT]![(e & (CHUNK - 1)) * EMBRYO_WORDS + E_ID] = -1
    this.free.push(e)
  }

  isFree(e: number): boolean {
    return this.idOf(e) === -1
  }

  /** Server address, port, family and whether a SYN-ACK was seen: what the groups of a flood are made of. */
  serverOf(e: number): { address: number; port: number; family: 4 | 6; synAck: boolean } {
    const ints = this.chunks[e >> CHUNK_SHIFT]!
    const at = (e & (CHUNK - 1)) * EMBRYO_WORDS
    const bits = ints[at + E_BITS]!
    return {
      address: ints[at + E_SERVER]!,
      port: ints[at + E_PORTS]! & 0xffff,
      family: (bits & 1) !== 0 ? 6 : 4,
      synAck: (bits & 2) !== 0,
    }
  }

  floatsOf(e: number): Float64Array {
    return this.floats[e >> CHUNK_SHIFT]!
  }
}

export function embryoMatches(embryos: Embryos, e: number, p: Packet): boolean {
  const ints = embryos.chunks[e >> CHUNK_SHIFT]!
  const at = (e & (CHUNK - 1)) * EMBRYO_WORDS
  if ((ints[at + E_BITS]! & 1) !== (p.family === 6 ? 1 : 0)) return false
  const ports = ints[at + E_PORTS]!
  if (ints[at + E_CLIENT] === p.src && ints[at + E_SERVER] === p.dst) {
    if (ports === ((p.srcPort << 16) | p.dstPort)) return true
  }
  if (ints[at + E_CLIENT] !== p.dst || ints[at + E_SERVER] !== p.src) return false
  return ports === ((p.dstPort << 16) | p.srcPort)
}

export interface Replay {
  syn: Packet
  synAck: Packet | null
  /** How many SYN-ACKs there were, and the last of them when there were several. */
  synAcks: number
  againT: number
  againFrame: number
}

/** The segments an embryo stands for, as packets again. */
export function replayEmbryo(embryos: Embryos, e: number): Replay {
  const ints = embryos.chunks[e >> CHUNK_SHIFT]!
  const floats = embryos.floatsOf(e)
  const at = (e & (CHUNK - 1)) * EMBRYO_WORDS
  const bits = ints[at + E_BITS]!
  const syn = new Packet()
  syn.kind = 1
  syn.family = (bits & 1) !== 0 ? 6 : 4
  syn.src = ints[at + E_CLIENT]!
  syn.dst = ints[at + E_SERVER]!
  syn.srcPort = ints[at + E_PORTS]! >>> 16
  syn.dstPort = ints[at + E_PORTS]! & 0xffff
  syn.flags = SYN
  syn.seq = ints[at + E_ISN]!
  fillOptions(syn, {
    wndMss: ints[at + E_WND_MSS]!,
    ttlId: ints[at + E_TTL_ID]!,
    scale: (ints[at + E_SCALES]! & 255) - 1,
    sack: (bits & 4) !== 0,
    timestamps: (bits & 8) !== 0,
    tsVal: ints[at + E_TSVAL]!,
  })
  syn.tNs = floats[(at + E_SYN_T) >> 1]!
  syn.frame = ints[at + E_SYN_FRAME]!
  return {
    syn,
    synAck: (bits & 2) !== 0 ? replaySynAck(ints, floats, at, syn) : null,
    synAcks: bits >>> 8,
    againT: floats[(at + E_SYNACK_T) >> 1]! + ints[at + E_AGAIN_MS]! * 1e6,
    againFrame: ints[at + E_AGAIN_FRAME]!,
  }
}

function replaySynAck(ints: Int32Array, floats: Float64Array, at: number, syn: Packet): Packet {
  const bits = ints[at + E_BITS]!
  const p = new Packet()
  p.kind = 1
  p.family = syn.family
  p.src = syn.dst
  p.dst = syn.src
  p.srcPort = syn.dstPort
  p.dstPort = syn.srcPort
  p.flags = SYN | ACK
  p.tNs = floats[(at + E_SYNACK_T) >> 1]!
  p.frame = ints[at + E_SYNACK_FRAME]!
  p.seq = ints[at + E_SYNACK_ISN]!
  p.ack = (syn.seq + 1) | 0
  fillOptions(p, {
    wndMss: ints[at + E_SYNACK_WND_MSS]!,
    ttlId: ints[at + E_SYNACK_TTL_ID]!,
    scale: ((ints[at + E_SCALES]! >> 8) & 255) - 1,
    sack: (bits & 16) !== 0,
    timestamps: (bits & 32) !== 0,
    tsVal: ints[at + E_SYNACK_TSVAL]!,
  })
  return p
}

function fillOptions(
  p: Packet,
  from: {
    wndMss: number
    ttlId: number
    scale: number
    sack: boolean
    timestamps: boolean
    tsVal: number
  },
): void {
  p.wnd = from.wndMss >>> 16
  p.mss = (from.wndMss & 0xffff) - 1
  p.ttl = from.ttlId >>> 17
  p.ipId = (from.ttlId & 0x1ffff) - 1
  p.windowScale = from.scale
  p.sackPermitted = from.sack ? 1 : 0
  p.hasTimestamps = from.timestamps ? 1 : 0
  p.tsVal = from.tsVal
  p.optionsLen = p.mss >= 0 || from.scale >= 0 || from.sack || from.timestamps ? 4 : 0
}
