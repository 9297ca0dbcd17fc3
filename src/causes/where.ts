import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, ResetFacts, Side } from '../evidence/connection.ts'
import type { Evidence, SegmentFate } from '../evidence/evidence.ts'
import { once } from './once.ts'

/** What two captures prove of this connection's segments; empty with one capture. */
export function fatesOf(connection: ConnectionFacts, evidence: Evidence): readonly SegmentFate[] {
  return evidence.vantage?.fates.get(connection.id) ?? []
}

/** The same, or what one capture on both sides of a box that translates addresses proves of that box. */
export function provenFates(
  connection: ConnectionFacts,
  evidence: Evidence,
): readonly SegmentFate[] {
  return evidence.translation?.fates.get(connection.id) ?? fatesOf(connection, evidence)
}

/** What is proven of it is proven of the box that translates its addresses. */
export function isProvenOfBox(connection: ConnectionFacts, evidence: Evidence): boolean {
  return evidence.translation?.fates.has(connection.id) === true
}

/** The capture at the server ran, has others of that host and nothing of this: it never arrived, or was filtered out there. */
export function isAbsent(connection: ConnectionFacts, evidence: Evidence): boolean {
  return evidence.vantage?.absent?.has(connection.id) ?? false
}

/** Others that were seen on both sides of a box reached their server under another address than this: it is that box's. */
export function isTranslatedAddress(address: string, evidence: Evidence): boolean {
  const { translation, vantage } = evidence
  return (translation?.services ?? vantage?.services)?.has(address) ?? false
}

export function fateOfReset(
  connection: ConnectionFacts,
  evidence: Evidence,
  from: Side,
): SegmentFate | null {
  return fatesOf(connection, evidence).find((f) => f.kind === 'reset' && f.from === from) ?? null
}

const INITIAL_TTLS = [64, 128, 255] // Linux and macOS, Windows, routers and Solaris

/**
 * At which end one capture was taken, judged by TTLs: whose packets still have an initial value has not been forwarded.
 * null: cannot tell (both or neither are fresh, TTL not told), or there is more than one capture.
 */
export function captureSide(connection: ConnectionFacts, evidence: Evidence): Side | null {
  if (evidence.vantage !== null) return null
  if (connection.client.address === connection.server.address) return 'server' // no network lies between
  const told = evidence.sources.length === 1 ? evidence.sources[0]?.at : null
  if (told === 'client' || told === 'server') return told
  const client = freshTtl(connection, evidence, 'client')
  const server = freshTtl(connection, evidence, 'server')
  if (client === null || server === null || client === server) return null
  return client ? 'client' : 'server'
}

function freshTtl(connection: ConnectionFacts, evidence: Evidence, side: Side): boolean | null {
  const ttl =
    connection.sides[side].ttls[0] ??
    evidence.hosts.get(connection[side].address)?.ttls[0]?.ttl ??
    null
  return ttl === null || ttl === 0 ? null : INITIAL_TTLS.includes(ttl)
}

/** TTLs of the host's packets other than resets, over all its connections; empty when not told. */
export function usualTtls(address: string, evidence: Evidence): readonly number[] {
  return (evidence.hosts.get(address)?.ttls ?? []).map((t) => t.ttl).filter((ttl) => ttl > 0)
}

/** Connections that were served, by the server's address and the TTL of its first packet. */
const servedWith = once(({ connections }) =>
  groupBy(
    connections.filter((c) => c.sides.server.payloadOctets > 0),
    (c) => `${c.server.address} ${c.sides.server.ttls[0]}`,
  ),
)

/**
 * Whether packets with this TTL come from the address on another connection that lives: then who sent the reset is another machine
 * with that address (or the way to it has changed), and no box that only forges resets.
 */
export function servesOthers(
  ttl: number,
  { id, server }: ConnectionFacts,
  evidence: Evidence,
): boolean {
  const served = servedWith(evidence).get(`${server.address} ${ttl}`)
  return served !== undefined && (served.length > 1 || served[0]!.id !== id)
}

/** Initial TTLs lie this far apart (64, 128, 255), other ways through a network do not. */
const OTHER_STACK = 32

/**
 * The TTL that all data of a side has, when its reset came from a live socket and has quite another, as its SYN had: a proxy answers
 * for it in handshake and end (delayed binding) and lets its data through. null = not so, or not told.
 */
export function ttlOfDataOnly(connection: ConnectionFacts, reset: ResetFacts): number | null {
  if (reset.shape !== 'active' || reset.ttl === 0) return null
  const own = [...connection.head, ...connection.tail].filter((s) => s.from === reset.from)
  const data = own.filter((s) => s.len > 0)
  const [first] = data
  if (first === undefined || data.length < 2) return null
  const apart = data.every((s) => s.ttl === first.ttl) && Math.abs(first.ttl - reset.ttl)
  return first.ttl > 0 && Number(apart) >= OTHER_STACK ? first.ttl : null
}

/** Whether a reset's TTL is one that no other packet of its alleged sender has; null when one of both is not told. */
export function foreignTtl(
  ttl: number,
  connection: ConnectionFacts,
  side: Side,
  evidence: Evidence,
): boolean | null {
  const usual = new Set([
    ...connection.sides[side].ttls,
    ...usualTtls(connection[side].address, evidence),
  ])
  if (ttl === 0 || usual.size === 0) return null
  return !usual.has(ttl)
}
