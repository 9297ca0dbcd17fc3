import { type AddressBook, formatEndpoint } from '../base/addresses.ts'
import type { Ended } from './ending.ts'
import {
  type ConnectionFacts,
  type FinFacts,
  type IcmpFacts,
  type MessageFacts,
  type ResetFacts,
  type Segment,
  type Side,
  type SideFacts,
  type SilenceFacts,
  segmentNotes,
  type UnansweredFacts,
} from './facts.ts'
import { ttlCount } from './habits.ts'
import { missingOctets } from './holes.ts'
import { type IcmpRecord, icmpMeaning } from './icmp.ts'
import { keptSegments } from './kept.ts'
import * as L from './layout.ts'
import type { ResetRecord } from './resets.ts'
import type { Rows } from './rows.ts'

export interface FactsInput {
  rows: Rows
  addresses: AddressBook
  resets: readonly ResetRecord[]
  icmp: readonly IcmpRecord[]
  ended: Ended
  captureEndMs: number
  previous: ConnectionFacts['previous']
  weight: number
}

/** The facts of the open row: what the numbers of tier 1 mean, with times in ms and relative sequence numbers. */
export function connectionFacts(input: FactsInput): ConnectionFacts {
  const { rows, addresses, ended } = input
  const { ints, floats, at } = rows
  const bits = ints[at + L.R_BITS]!
  const family = (bits & L.B_FAMILY6) !== 0 ? 6 : 4
  const ports = ints[at + L.R_PORTS]!
  const client = endpoint(addresses.format(ints[at + L.R_CLIENT]!, family), ports >>> 16)
  const server = endpoint(addresses.format(ints[at + L.R_SERVER]!, family), ports & 0xffff)
  const segments = keptSegments(ints, at).map((g) => segmentFacts(rows, g))
  const request = message(rows, 0)
  const response = message(rows, 1)
  const lastBy = ints[at + L.R_LAST_DATA_BY]!
  return {
    id: ints[at + L.R_ID]!,
    client,
    server,
    clientGuessed: (bits & L.B_GUESSED) !== 0,
    sawStart: (bits & L.B_SAW_SYN) !== 0,
    seen: seen(rows),
    ending: ended.ending,
    endedBy: ended.by,
    startMs: ms(floats, at + L.R_START_T),
    lastMs: ms(floats, at + L.R_LAST_T),
    captureEndMs: input.captureEndMs,
    firstFrame: ints[at + L.R_FIRST_FRAME]!,
    lastFrame: ints[at + L.R_LAST_FRAME]!,
    handshake: handshake(rows),
    sides: { client: sideFacts(rows, 0), server: sideFacts(rows, 1) },
    head: segments.slice(0, L.HEAD_SEGMENTS),
    tail: segments.slice(L.HEAD_SEGMENTS),
    resets: input.resets.map((r) => resetFacts(rows, r, segments)),
    icmp: input.icmp.map(icmpFacts),
    longestSilence: silence(rows, ended),
    silenceBeforeEndMs: silenceBeforeEnd(segments, ended),
    request,
    response: response !== null && request !== null && lastBy === 1 ? null : response,
    requestPending: lastBy === 1,
    exchanges: ints[at + L.R_EXCHANGES]!,
    survivedSilenceMs: ms(floats, at + L.R_SURVIVED_T),
    previous: input.previous,
    duplicateFrames: ints[at + L.R_DUPLICATES]!,
    headerFieldsKnown: (bits & L.B_NO_HEADERS) === 0,
    weight: input.weight,
  }
}

function endpoint(address: string, port: number): ConnectionFacts['client'] {
  return { address, port, endpoint: formatEndpoint(address, port) }
}

function ms(floats: Float64Array, word: number): number {
  return floats[word >> 1]! / 1e6
}

function sideAt(rows: Rows, dir: number): number {
  return rows.at + (dir === 0 ? L.CLIENT_SIDE : L.SERVER_SIDE)
}

function seen(rows: Rows): ConnectionFacts['seen'] {
  if (rows.ints[sideAt(rows, 1) + L.S_PACKETS] === 0) return 'client-only'
  return rows.ints[sideAt(rows, 0) + L.S_PACKETS] === 0 ? 'server-only' : 'both'
}

/** Sequence number of a side, relative to its start; 0 when nothing is known of its start. */
function relative(rows: Rows, dir: number, seq: number): number {
  const o = sideAt(rows, dir)
  if ((rows.ints[o + L.S_BITS]! & L.SB_BASE) === 0) return 0
  return unwrap(rows, dir, (seq - rows.ints[o + L.S_BASE]!) | 0)
}

/** Connections longer than 2^31 octets: near the end of a long one a negative difference has wrapped. */
function unwrap(rows: Rows, dir: number, diff: number): number {
  const o = sideAt(rows, dir)
  const sent = rows.floats[(o + L.S_OCTETS) >> 1]!
  if (sent < 0x7000_0000) return diff
  const turns = Math.round((sent - diff) / 0x1_0000_0000)
  return diff + turns * 0x1_0000_0000
}

export function segmentFacts(rows: Rows, g: number): Segment {
  const { ints, floats } = rows
  const bits = ints[g + L.G_BITS]!
  const dir = (bits >> 8) & 1
  const timestamps = ((bits >> 18) & 1) === 1
  return {
    frame: ints[g + L.G_FRAME]!,
    tMs: ms(floats, g + L.G_T),
    from: dir === 0 ? 'client' : 'server',
    flags: bits & 255,
    seq: relative(rows, dir, ints[g + L.G_SEQ]!),
    ack: ((bits >> 19) & 1) === 1 ? relative(rows, 1 - dir, ints[g + L.G_ACK]!) : 0,
    len: ints[g + L.G_LEN]!,
    wnd: ints[g + L.G_WND]!,
    ttl: ints[g + L.G_TTL_ID]! >>> 17,
    ipId: (ints[g + L.G_TTL_ID]! & 0x1ffff) - 1,
    tsVal: timestamps ? ints[g + L.G_TSVAL]! >>> 0 : null,
    tsEcr: timestamps ? ints[g + L.G_TSECR]! >>> 0 : null,
    options: ((bits >> 17) & 1) === 1,
    note: segmentNotes[(bits >> 12) & 31] ?? 'none',
  }
}

function resetFacts(rows: Rows, r: ResetRecord, segments: readonly Segment[]): ResetFacts {
  return {
    frame: r.frame,
    tMs: r.t / 1e6,
    from: r.dir === 0 ? 'client' : 'server',
    flags: r.flags & 255,
    seq: r.shape === 'syn-reply' ? 0 : relative(rows, r.dir, r.seq),
    ack: (r.flags & 16) !== 0 ? relative(rows, 1 - r.dir, r.ack) : 0,
    len: r.len,
    wnd: r.wnd << rows.ints[sideAt(rows, r.dir) + L.S_SCALE]!,
    ttl: r.ttl,
    ipId: r.ipId,
    tsVal: r.tsVal === null ? null : r.tsVal >>> 0,
    tsEcr: r.tsEcr === null ? null : r.tsEcr >>> 0,
    options: r.options,
    note: r.accepted === false ? 'reset-not-accepted' : 'none',
    shape: r.shape,
    accepted: r.accepted,
    seqOffset: r.shape === 'syn-reply' ? 0 : r.seqOffset,
    trigger: segments.find((s) => s.frame === r.triggerFrame) ?? null,
    afterTriggerMs: r.afterTriggerMs,
    silenceBeforeMs: r.silenceBeforeMs,
    ttlUnusual: r.ttlUnusual,
    ttlUsual: r.ttlUsual,
    ipIdFits: r.ipIdFits,
    timestampsKept: r.timestampsKept,
  }
}

function icmpFacts(r: IcmpRecord): IcmpFacts {
  return {
    frame: r.frame,
    tMs: r.t / 1e6,
    from: r.from,
    type: r.type,
    code: r.code,
    meaning: icmpMeaning(r.family, r.type, r.code),
    mtu: r.mtu > 0 ? r.mtu : null,
    quotes: r.quotesClient ? 'client' : 'server',
  }
}

function handshake(rows: Rows): ConnectionFacts['handshake'] {
  const { ints, floats, at } = rows
  const bits = ints[at + L.R_BITS]!
  const syns = ints[at + L.R_SYNS]!
  const synTimesMs: number[] = []
  for (let i = 0; i < Math.min(syns, 8); i++) {
    synTimesMs.push(floats[((at + L.R_SYN_TIMES) >> 1) + i]! / 1e6)
  }
  const sawSynAck = ints[at + L.R_SYNACKS]! > 0
  const acked = ints[at + L.R_ACK_FRAME]! > 0
  const start = synTimesMs[synTimesMs.length - 1]
  const synAckMs = sawSynAck ? ms(floats, at + L.R_SYNACK_T) : null
  const ackMs = acked ? ms(floats, at + L.R_ACK_T) : null
  const end = ackMs ?? synAckMs
  return {
    synTimesMs,
    syns,
    synFrame: syns > 0 ? ints[at + L.R_SYN_FRAME]! : null,
    synAckMs,
    synAckFrame: sawSynAck ? ints[at + L.R_SYNACK_FRAME]! : null,
    synAcks: ints[at + L.R_SYNACKS]!,
    ackMs,
    ackFrame: acked ? ints[at + L.R_ACK_FRAME]! : null,
    rttMs: sawSynAck && start !== undefined && end !== null && end >= start ? end - start : null,
    synAckAfterAck: ints[at + L.R_SYNACK_AFTER_ACK]!,
    answeredByAckFrame: ints[at + L.R_BARE_ACK_FRAME]! || null,
    fastOpen: (bits & L.B_FAST_OPEN) !== 0,
  }
}

function sideFacts(rows: Rows, dir: number): SideFacts {
  const { ints, floats } = rows
  const o = sideAt(rows, dir)
  const q = sideAt(rows, 1 - dir)
  const bits = ints[o + L.S_BITS]!
  const ackKnown = (ints[q + L.S_BITS]! & L.SB_ACK) !== 0
  const acked = ackKnown ? ints[q + L.S_ACKED]! : ints[o + L.S_NXT]!
  const octets = floats[(o + L.S_OCTETS) >> 1]!
  const hasData = (bits & L.SB_DATA) !== 0
  const packets = ints[o + L.S_PACKETS]!
  const zeroOpen = (bits & L.SB_ZERO) !== 0
  const missing = missingOctets(ints, floats, o, acked)
  const finBit =
    (bits & L.SB_FIN) !== 0 && ackKnown && ((acked - ints[o + L.S_NXT]!) | 0) < 0 ? 1 : 0
  const inFlight = ackKnown ? Math.max(0, ((ints[o + L.S_NXT]! - acked) | 0) - finBit) : 0
  return {
    packets,
    payloadOctets: octets,
    ackedOctets: Math.max(0, octets + missing - inFlight),
    inFlightOctets: inFlight,
    missingOctets: missing,
    unreadOctets: unread(rows, dir),
    lastWindow: ints[o + L.S_WND]! << ints[o + L.S_SCALE]!,
    maxWindow: ints[o + L.S_MAX_WND]!,
    retransmissions: {
      rto: ints[o + L.S_RTO]!,
      fast: ints[o + L.S_FAST]!,
      spurious: ints[o + L.S_SPURIOUS]!,
      syn: ints[o + L.S_RE_SYN]!,
      synAck: ints[o + L.S_RE_SYNACK]!,
      fin: ints[o + L.S_RE_FIN]!,
    },
    duplicateAcks: ints[o + L.S_DUPACKS]!,
    outOfOrder: ints[o + L.S_OOO]!,
    undecided: ints[o + L.S_UNDECIDED]!,
    keepaliveProbes: ints[o + L.S_KEEPALIVES]!,
    keepaliveUnanswered: ints[o + L.S_KA_RUN]!,
    keepaliveIntervalMs: ints[o + L.S_KEEPALIVES]! > 1 ? ms(floats, o + L.S_KA_INTERVAL) : null,
    zeroWindowProbes: ints[o + L.S_ZW_PROBES]!,
    zeroWindow: {
      times: ints[o + L.S_ZW_TIMES]!,
      ms:
        ms(floats, o + L.S_ZERO_TOTAL) +
        (zeroOpen
          ? Math.max(0, ms(floats, rows.at + L.R_LAST_T) - ms(floats, o + L.S_ZERO_SINCE))
          : 0),
      openAtEnd: zeroOpen,
      firstFrame: ints[o + L.S_ZW_FRAME]! || null,
    },
    resets: ints[o + L.S_RSTS]!,
    fins: ints[o + L.S_FINS]!,
    fin: finFacts(rows, dir),
    firstDataMs: hasData ? ms(floats, o + L.S_DATA_FIRST_T) : null,
    lastDataMs: hasData ? ms(floats, o + L.S_DATA_LAST_T) : null,
    lastDataFrame: hasData ? ints[o + L.S_DATA_LAST_FRAME]! : null,
    lastMs: packets > 0 ? ms(floats, o + L.S_LAST_T) : null,
    lastFrame: packets > 0 ? ints[o + L.S_LAST_FRAME]! : null,
    unanswered: unanswered(rows, dir),
    largestAckedSegment: ints[o + L.S_BIG_ACKED]!,
    smallestLostSegment: smallestLost(rows, dir),
    ttls: ttls(ints, o),
    ipIdHabit: ipIdHabit(ints, o),
    timestamps: (bits & L.SB_TIMESTAMPS) !== 0,
    mss: ints[o + L.S_MSS]! > 0 ? ints[o + L.S_MSS]! - 1 : null,
    windowScale: (bits & L.SB_SCALE) !== 0 ? ints[o + L.S_SCALE]! : null,
    sackPermitted: (bits & L.SB_SACK) !== 0,
    isn: (bits & L.SB_ISN) !== 0 ? ints[o + L.S_BASE]! >>> 0 : null,
    seqBase: (bits & L.SB_BASE) !== 0 ? ints[o + L.S_BASE]! >>> 0 : null,
    changedHabitsFrame: ints[o + L.S_CHANGED]! || null,
  }
}

/**
 * Octets received and acknowledged, but by all signs not read: those acknowledged since the window's right edge last
 * moved, or what the window has shrunk by if that is more (Linux moves the edge while a new buffer grows, read or not).
 */
function unread(rows: Rows, dir: number): number | null {
  const { ints } = rows
  const o = sideAt(rows, dir)
  const bits = ints[o + L.S_BITS]!
  if ((bits & (L.SB_EDGE | L.SB_ACK | L.SB_ISN)) !== (L.SB_EDGE | L.SB_ACK | L.SB_ISN)) return null
  const sinceMoved = Math.max(0, (ints[o + L.S_ACKED]! - ints[o + L.S_EDGE_ACK]!) | 0)
  if (sinceMoved === 0) return 0
  const q = sideAt(rows, 1 - dir)
  const received = (ints[o + L.S_ACKED]! - ints[q + L.S_BASE]! - 1) | 0
  const shrunk = ints[o + L.S_MAX_WND]! - (ints[o + L.S_WND]! << ints[o + L.S_SCALE]!)
  return Math.max(sinceMoved, Math.min(received, shrunk))
}

function finFacts(rows: Rows, dir: number): FinFacts | null {
  const { ints, floats } = rows
  const o = sideAt(rows, dir)
  const bits = ints[o + L.S_BITS]!
  if ((bits & L.SB_FIN) === 0) return null
  const acked = (bits & L.SB_FIN_ACKED) !== 0
  return {
    frame: ints[o + L.S_FIN_FRAME]!,
    tMs: ms(floats, o + L.S_FIN_T),
    seq: relative(rows, dir, ints[o + L.S_FIN_SEQ]!),
    ackedMs: acked ? ms(floats, o + L.S_FIN_ACK_T) : null,
    ackedFrame: acked ? ints[o + L.S_FIN_ACK_FRAME]! : null,
    times: ints[o + L.S_FINS]!,
  }
}

function unanswered(rows: Rows, dir: number): UnansweredFacts | null {
  const { ints, floats, at } = rows
  const o = sideAt(rows, dir)
  if (dir === 0 && ints[at + L.R_SYNS]! > 0 && ints[at + L.R_SYNACKS] === 0) {
    const established = (ints[at + L.R_BITS]! & L.B_ESTABLISHED) !== 0
    if (!established) return unansweredSyn(rows)
  }
  const times = ints[o + L.S_UNA_TIMES]!
  if (times < 2) return null
  return {
    what: ints[o + L.S_UNA_LEN] === 0 ? 'fin' : 'data',
    seq: relative(rows, dir, ints[o + L.S_UNA_SEQ]!),
    len: ints[o + L.S_UNA_LEN]!,
    firstFrame: ints[o + L.S_UNA_FRAME]!,
    lastFrame: ints[o + L.S_UNA_LAST_FRAME]!,
    firstMs: ms(floats, o + L.S_UNA_FIRST_T),
    lastMs: ms(floats, o + L.S_UNA_LAST_T),
    times,
  }
}

function unansweredSyn(rows: Rows): UnansweredFacts {
  const { ints, floats, at } = rows
  return {
    what: 'syn',
    seq: 0,
    len: 0,
    firstFrame: ints[at + L.R_SYN_FRAME]!,
    lastFrame: ints[at + L.R_LAST_FRAME]!,
    firstMs: ms(floats, at + L.R_START_T),
    lastMs: ms(floats, at + L.R_LAST_T),
    times: ints[at + L.R_SYNS]!,
  }
}

function smallestLost(rows: Rows, dir: number): number | null {
  const { ints } = rows
  const o = sideAt(rows, dir)
  if (ints[o + L.S_UNA_TIMES]! < 3 || ints[o + L.S_UNA_LEN] === 0) return null
  return ints[o + L.S_UNA_LEN]!
}

/** TTLs by number of packets, most first. */
function ttls(ints: Int32Array, o: number): number[] {
  const found: { ttl: number; packets: number }[] = []
  for (let i = 0; i < 4; i++) {
    const ttl = (ints[o + L.S_TTLS]! >>> (i * 8)) & 255
    if (ttl > 0) found.push({ ttl, packets: ttlCount(ints, o, i) })
  }
  return found.sort((a, b) => b.packets - a.packets).map((f) => f.ttl)
}

function ipIdHabit(ints: Int32Array, o: number): SideFacts['ipIdHabit'] {
  const zero = ints[o + L.S_IPID_ZERO]!
  const near = ints[o + L.S_IPID_NEAR]!
  const far = ints[o + L.S_IPID_FAR]!
  if (zero + near + far < 3) return 'unknown'
  if (near === 0 && far === 0) return 'zero'
  return near > far * 4 ? 'counter' : 'scattered'
}

function message(rows: Rows, dir: number): MessageFacts | null {
  const { ints, floats } = rows
  const o = sideAt(rows, dir)
  if ((ints[o + L.S_BITS]! & L.SB_DATA) === 0) return null
  const fin = (ints[o + L.S_BITS]! & L.SB_FIN) !== 0 ? 1 : 0
  return {
    startFrame: ints[o + L.S_MSG_FRAME]!,
    startMs: ms(floats, o + L.S_MSG_T),
    lastFrame: ints[o + L.S_DATA_LAST_FRAME]!,
    lastMs: ms(floats, o + L.S_DATA_LAST_T),
    octets: Math.max(0, ((ints[o + L.S_NXT]! - ints[o + L.S_MSG_SEQ]!) | 0) - fin),
    seq: relative(rows, dir, ints[o + L.S_MSG_SEQ]!),
  }
}

function silence(rows: Rows, ended: Ended): SilenceFacts | null {
  const { ints, floats, at } = rows
  const longest = floats[(at + L.R_SILENCE_T) >> 1]!
  if (longest === 0) return null
  const survived = floats[(at + L.R_SURVIVED_T) >> 1]!
  const pending = floats[(at + L.R_PENDING_T) >> 1]!
  const died = ended.ending !== 'open' && ended.ending !== 'clean'
  const brokenBy: Side = ints[at + L.R_SILENCE_BY] === 1 ? 'client' : 'server'
  return {
    ms: longest / 1e6,
    beforeFrame: ints[at + L.R_SILENCE_BEFORE]!,
    afterFrame: ints[at + L.R_SILENCE_AFTER]!,
    brokenBy,
    survived: survived >= longest ? true : pending >= longest && !died ? 'unknown' : false,
  }
}

/** The pause right before what ended it: the reset, the first FIN, or the first of the unanswered transmissions. */
function silenceBeforeEnd(segments: readonly Segment[], ended: Ended): number {
  const end = endIndex(segments, ended)
  const here = segments[end]
  const before = segments[end - 1]
  return here === undefined || before === undefined ? 0 : Math.max(0, here.tMs - before.tMs)
}

function endIndex(segments: readonly Segment[], ended: Ended): number {
  switch (ended.ending) {
    case 'clean':
    case 'half-closed':
    case 'reset-after-close':
    case 'reset-after-fin':
      return segments.findIndex((s) => (s.flags & 1) !== 0)
    case 'refused':
    case 'reset':
    case 'handshake-reset':
      return segments.findIndex((s) => (s.flags & 4) !== 0)
    case 'timed-out':
      return firstOfRepeated(segments)
    default:
      return segments.length - 1
  }
}

function firstOfRepeated(segments: readonly Segment[]): number {
  const last = segments[segments.length - 1]
  if (last === undefined) return -1
  return segments.findIndex((s) => s.from === last.from && s.seq === last.seq && s.len === last.len)
}
