import type { ConnectionFacts, Segment, Side } from '../connection.ts'

/**
 * The same connection before and after a box that translates its addresses, both in one capture (`-i any` on a router or a
 * container host, a mirror port on both its sides). NAT keeps sequence numbers: these decide, likeness does not.
 */
export interface Translated<T> {
  /** As the client sees it. */
  near: T
  /** As the server sees it. */
  far: T
  /** In between, where it is translated twice within the capture. */
  between: readonly T[]
}

/** What is kept of each connection to find its other side. */
export interface Trace {
  id: number
  firstFrame: number
  startMs: number
  client: string
  server: string
  /** Absolute numbers (unsigned) that relative 0 stands for; null = nothing of this side was seen. */
  bases: Record<Side, number | null>
  /** SYN and SYN-ACK were seen: the bases are the initial sequence numbers. */
  isns: Record<Side, boolean>
  ttls: Record<Side, number>
  /** What its SYNs carry, and when they were seen, ms: timestamps, else IP-IDs; empty = neither. */
  syns: ReadonlyMap<string, number>
  /** Of a connection whose start is not in the capture: its first and last segments in absolute numbers, and when. */
  segments: ReadonlyMap<string, number>
}

const SYN = 2
const FLAGS = 7 // FIN, SYN, RST
/** The first SYN may have been lost in the box, so that the other side begins with a later one. */
const SYN_MS = 130_000
/** A box may queue, but no longer: the same SYN much later is a capture that holds the traffic again. */
const QUEUE_MS = 3000
/** What passes a box does so at once; without timestamps this is part of the proof. */
const PASS_MS = 50
const ENOUGH_SHARED = 3
const NO_SEGMENTS: ReadonlyMap<string, number> = new Map()
/** Translated more often than this within one capture is nothing that happens. */
const SIDES_MAX = 4

export function traceOf(c: ConnectionFacts): Trace {
  const { client, server } = c.sides
  return {
    id: c.id,
    firstFrame: c.firstFrame,
    startMs: c.startMs,
    client: c.client.endpoint,
    server: c.server.endpoint,
    bases: {
      client: client.isn ?? client.seqBase ?? null,
      server: server.isn ?? server.seqBase ?? null,
    },
    isns: { client: client.isn !== null, server: server.isn !== null },
    ttls: { client: client.ttls[0] ?? 0, server: server.ttls[0] ?? 0 },
    syns: synsOf(c.head),
    segments: client.isn === null ? segmentsOf(c) : NO_SEGMENTS,
  }
}

function synsOf(head: readonly Segment[]): Map<string, number> {
  const syns = new Map<string, number>()
  for (const { from, flags, tsVal, ipId, tMs } of head) {
    if (from !== 'client' || (flags & SYN) === 0) continue
    if (tsVal !== null) syns.set(`ts ${tsVal}`, tMs)
    else if (ipId > 0) syns.set(`id ${ipId}`, tMs)
  }
  return syns
}

function segmentsOf(c: ConnectionFacts): Map<string, number> {
  const keys = new Map<string, number>()
  for (const s of [...c.head, ...c.tail]) {
    const { isn, seqBase } = c.sides[s.from]
    const seq = ((isn ?? seqBase ?? 0) + s.seq) >>> 0
    keys.set(`${s.from} ${seq} ${s.len} ${s.flags & FLAGS} ${s.tsVal} ${s.ack}`, s.tMs)
  }
  return keys
}

/** Pairs that the numbers prove. What could be three things, or is alike only, is left alone. */
export function translatedPairs(traces: readonly Trace[]): Translated<Trace>[] {
  const left = new Set(traces)
  const pairs: Translated<Trace>[] = []
  const take = (groups: readonly Trace[][]) => {
    for (const group of groups) {
      if (group.some((t) => !left.has(t))) continue
      for (const t of group) left.delete(t)
      pairs.push(ordered(group))
    }
  }
  take(byBothIsns(left))
  take(bySyn(left))
  take(byStream(left))
  return pairs.sort((a, b) => a.near.firstFrame - b.near.firstFrame)
}

/** Both initial sequence numbers, and the SYN: some stacks begin all their connections with one number. */
function byBothIsns(left: ReadonlySet<Trace>): Trace[][] {
  const groups = grouped(left, ({ isns, bases }) =>
    isns.client && isns.server ? `${bases.client} ${bases.server}` : null,
  )
  return groups.filter(
    (g) => g.length <= SIDES_MAX && areDistinct(g) && within(g, SYN_MS) && isOneSyn(g),
  )
}

/** No answer on one side at least: the client's number, and a SYN that is the same one by its timestamp or IP-ID. */
function bySyn(left: ReadonlySet<Trace>): Trace[][] {
  const groups = grouped(left, ({ isns, bases }) => (isns.client ? String(bases.client) : null))
  return groups.filter(
    (g) =>
      g.length === 2 &&
      areDistinct(g) &&
      within(g, SYN_MS) &&
      g.some((t) => !t.isns.server) &&
      sharesSyn(g[0]!, g[1]!),
  )
}

function isOneSyn(group: readonly Trace[]): boolean {
  const [first, ...others] = group
  return others.every((t) => sharesSyn(first!, t) || isUnstampedHop(first!, t))
}

/** IPv6 without timestamps: a packet that passed at once and has crossed a router more. */
function isUnstampedHop(a: Trace, b: Trace): boolean {
  if (a.syns.size + b.syns.size > 0 || !within([a, b], PASS_MS)) return false
  return a.ttls.client !== b.ttls.client && a.ttls.server !== b.ttls.server
}

function sharesSyn(a: Trace, b: Trace): boolean {
  for (const [key, tMs] of a.syns) {
    const other = b.syns.get(key)
    if (other === undefined || Math.abs(other - tMs) > QUEUE_MS) continue
    // A scanner may give many SYNs one number, and makers of test captures all packets one IP-ID; who forwards lowers the TTL.
    if (key.startsWith('ts')) return true
    return within([a, b], PASS_MS) && a.ttls.client !== b.ttls.client
  }
  return false
}

/** Under way when the capture began: the same octets of both streams at the same moments. */
function byStream(left: ReadonlySet<Trace>): Trace[][] {
  const groups = grouped(left, ({ isns, bases }) =>
    isns.client || bases.client === null || bases.server === null
      ? null
      : `${bases.client} ${bases.server}`,
  )
  return groups.filter((g) => g.length === 2 && areDistinct(g) && sharesStream(g[0]!, g[1]!))
}

function sharesStream(a: Trace, b: Trace): boolean {
  let shared = 0
  for (const [key, tMs] of a.segments) {
    const other = b.segments.get(key)
    if (other !== undefined && Math.abs(other - tMs) < PASS_MS) shared++
  }
  return shared >= Math.min(ENOUGH_SHARED, a.segments.size) && shared >= 2
}

function grouped(left: ReadonlySet<Trace>, keyOf: (t: Trace) => string | null): Trace[][] {
  const groups = new Map<string, Trace[]>()
  for (const trace of left) {
    const key = keyOf(trace)
    if (key === null) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [trace])
    else group.push(trace)
  }
  return [...groups.values()].filter((g) => g.length > 1)
}

/** Each under other addresses or ports: a second one under the same is no translation. */
function areDistinct(group: readonly Trace[]): boolean {
  return new Set(group.map((t) => `${t.client} ${t.server}`)).size === group.length
}

function within(group: readonly Trace[], ms: number): boolean {
  const starts = group.map((t) => t.startMs)
  return Math.max(...starts) - Math.min(...starts) < ms
}

/** The client's side first: the client's packets have passed one router less there; else the one that came first. */
function ordered(group: readonly Trace[]): Translated<Trace> {
  const sorted = [...group].sort(
    (a, b) => hops(a, b) || a.startMs - b.startMs || a.firstFrame - b.firstFrame,
  )
  return { near: sorted[0]!, far: sorted.at(-1)!, between: sorted.slice(1, -1) }
}

function hops({ ttls: a }: Trace, { ttls: b }: Trace): number {
  if (a.client > 0 && b.client > 0 && a.client !== b.client) return b.client - a.client
  return a.server > 0 && b.server > 0 ? a.server - b.server : 0
}
