import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'

/** How a connection was first ended on purpose: a FIN, or a RST that answers nothing (RFC 9293 §3.6; close, exit, kill). */
export interface Act {
  connection: ConnectionFacts
  side: Side
  how: 'fin' | 'reset'
  atMs: number
  frame: number
}

/** The first FIN or spontaneous RST of a connection, null when there was none. Replies to late segments do not count. */
export function firstAct(connection: ConnectionFacts): Act | null {
  let first: Act | null = null
  const offer = (act: Act): void => {
    if (first === null || act.frame < first.frame) first = act
  }
  for (const side of ['client', 'server'] as const) {
    const fin = connection.sides[side].fin
    if (fin !== null) offer({ connection, side, how: 'fin', atMs: fin.tMs, frame: fin.frame })
  }
  for (const r of connection.resets) {
    if (r.shape !== 'active' || r.accepted === false) continue
    offer({ connection, side: r.from, how: 'reset', atMs: r.tMs, frame: r.frame })
  }
  return first
}

/** Whether a side never said anything, not even octets that the capture missed: its FIN or RST is at its first octet. */
export function saidNothing(connection: ConnectionFacts, side: Side): boolean {
  const { payloadOctets, missingOctets, fin } = connection.sides[side]
  return payloadOctets === 0 && missingOctets === 0 && (fin?.seq ?? 1) <= 1
}

/** A dying process closes its descriptors in one go; its resets and FINs leave within microseconds, a capture adds jitter. */
const BURST_GAP_MS = 10
/** More than this is traffic, not one event. */
const BURST_SPAN_MS = 500

/** First acts of one side that follow each other within 10 ms, by the key of that side; at least two each. */
export function bursts(
  evidence: Evidence,
  side: Side,
  keyOf: (connection: ConnectionFacts) => string,
): { key: string; acts: Act[]; fromMs: number; toMs: number }[] {
  const byKey = new Map<string, Act[]>()
  for (const connection of evidence.connections) {
    const act = firstAct(connection)
    if (act === null || act.side !== side) continue
    const key = keyOf(connection)
    const acts = byKey.get(key)
    if (acts === undefined) byKey.set(key, [act])
    else acts.push(act)
  }
  return [...byKey].flatMap(([key, acts]) => split(acts).map((group) => burst(key, group)))
}

function burst(key: string, acts: Act[]) {
  return { key, acts, fromMs: acts[0]!.atMs, toMs: acts.at(-1)!.atMs }
}

function split(acts: Act[]): Act[][] {
  acts.sort((a, b) => a.atMs - b.atMs)
  const groups: Act[][] = []
  for (const act of acts) {
    const group = groups.at(-1)
    const near = group !== undefined && act.atMs - group.at(-1)!.atMs <= BURST_GAP_MS
    if (near) group.push(act)
    else groups.push([act])
  }
  return groups.filter((g) => g.length > 1 && g.at(-1)!.atMs - g[0]!.atMs <= BURST_SPAN_MS)
}

/** SYNs to this endpoint that were refused at or after a time: the port was closed then. */
export function refusedAfter(evidence: Evidence, endpoint: string, afterMs: number): number {
  let refused = 0
  for (const c of evidence.connections) {
    if (c.ending === 'refused' && c.server.endpoint === endpoint && c.startMs >= afterMs) refused++
  }
  return refused
}
