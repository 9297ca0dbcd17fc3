import type { ConnectionFacts } from '../connection.ts'
import { type Pair, SYN, type View } from './view.ts'

/** Shared timestamped segments that prove a pair: (TSval, TSecr, length) repeat by chance, three together do not. */
const ENOUGH_SHARED = 3
/** A payload pattern is proof only if it has something to tell apart. */
const MIN_PATTERN_OCTETS = 32

/**
 * The same connections in two captures, through address translation: by both initial sequence numbers, else the client's (a
 * SYN proxy has numbers of its own as a server), else by timestamps (firewalls that rewrite sequence numbers keep them), else by a
 * payload pattern or addresses that occur once in each view. What could be two is left unpaired, and so is what is alike in payload
 * but made of other packets: a proxy makes connections of its own.
 */
export function pairConnections(near: View, far: View): Pair[] {
  const pairs: Pair[] = []
  const left = { near: new Set(near.connections), far: new Set(far.connections) }
  const take = (
    by: Pair['by'],
    match: readonly (readonly [ConnectionFacts, ConnectionFacts])[],
  ) => {
    for (const [a, b] of match) {
      if (!left.near.delete(a)) continue
      if (left.far.delete(b)) pairs.push({ near: a, far: b, by })
      else left.near.add(a)
    }
  }
  take('isn', unique(left, bothIsns))
  take(
    'client-isn',
    unique(left, clientIsn).filter(
      ([a, b]) => isHalfAnswered(a) || isHalfAnswered(b) || sharesSyn(a, b) || sharesPackets(a, b),
    ),
  )
  take('timestamps', byTimestamps(left))
  take(
    'payload',
    unique(left, payloadPattern).filter(([a, b]) => sharesPackets(a, b)),
  )
  take(
    'addresses',
    unique(left, addresses).filter(([a, b]) => !contradicts(a, b)),
  )
  return pairs.sort((a, b) => a.near.id - b.near.id)
}

/** Connections that said the same at both places, once in each, and are not made of the same packets. */
export function relayedConnections(near: View, far: View, pairs: readonly Pair[]): number {
  const paired = new Set(pairs.flatMap((p) => [p.near, p.far]))
  const alone = (view: View) => new Set(view.connections.filter((c) => !paired.has(c)))
  return unique({ near: alone(near), far: alone(far) }, payloadPattern).length
}

interface Left {
  near: ReadonlySet<ConnectionFacts>
  far: ReadonlySet<ConnectionFacts>
}

type KeyOf = (connection: ConnectionFacts) => string | null

/** Connections whose key occurs exactly once in each view. */
function unique(left: Left, keyOf: KeyOf): [ConnectionFacts, ConnectionFacts][] {
  const near = indexOnce(left.near, keyOf)
  const far = indexOnce(left.far, keyOf)
  const matched: [ConnectionFacts, ConnectionFacts][] = []
  for (const [key, a] of near) {
    const b = far.get(key)
    if (a !== null && b !== null && b !== undefined) matched.push([a, b])
  }
  return matched
}

function indexOnce(
  connections: ReadonlySet<ConnectionFacts>,
  keyOf: KeyOf,
): Map<string, ConnectionFacts | null> {
  const index = new Map<string, ConnectionFacts | null>()
  for (const connection of connections) {
    const key = keyOf(connection)
    if (key !== null) index.set(key, index.has(key) ? null : connection)
  }
  return index
}

function bothIsns({ sides: { client, server } }: ConnectionFacts): string | null {
  return client.isn === null || server.isn === null ? null : `${client.isn} ${server.isn}`
}

function clientIsn({ sides: { client } }: ConnectionFacts): string | null {
  return client.isn === null ? null : String(client.isn)
}

/** No SYN-ACK in this view: its server number cannot be compared. */
function isHalfAnswered(connection: ConnectionFacts): boolean {
  return connection.sides.server.isn === null
}

/** The same SYN: with its timestamp the number is no chance. */
function sharesSyn(a: ConnectionFacts, b: ConnectionFacts): boolean {
  const [one, other] = [a, b].map(({ head }) => head.find((s) => (s.flags & SYN) !== 0)?.tsVal)
  return one != null && one === other
}

/** Packets that a router passes on keep their IP-ID; whoever makes new ones has other numbers. */
function sharesPackets(a: ConnectionFacts, b: ConnectionFacts): boolean {
  const there = packetIds(b)
  let shared = 0
  for (const id of packetIds(a)) if (there.has(id)) shared++
  return shared >= ENOUGH_SHARED
}

function packetIds({ head, tail }: ConnectionFacts): Set<string> {
  const own = [...head, ...tail].filter((s) => s.ipId > 0)
  return new Set(own.map((s) => `${s.from} ${s.ipId} ${s.len}`))
}

function byTimestamps(left: Left): [ConnectionFacts, ConnectionFacts][] {
  const holders = new Map<string, ConnectionFacts[]>()
  for (const connection of left.far) {
    for (const key of timestampKeys(connection)) {
      const list = holders.get(key)
      if (list === undefined) holders.set(key, [connection])
      else list.push(connection)
    }
  }
  const matched: [ConnectionFacts, ConnectionFacts][] = []
  for (const connection of left.near) {
    const best = mostShared(connection, holders)
    if (best !== null) matched.push([connection, best])
  }
  return matched
}

function mostShared(
  connection: ConnectionFacts,
  holders: ReadonlyMap<string, readonly ConnectionFacts[]>,
): ConnectionFacts | null {
  const votes = new Map<ConnectionFacts, number>()
  for (const key of timestampKeys(connection)) {
    for (const other of holders.get(key) ?? []) votes.set(other, (votes.get(other) ?? 0) + 1)
  }
  const [first, second] = [...votes].sort((a, b) => b[1] - a[1])
  if (first === undefined || first[1] < ENOUGH_SHARED) return null
  return second !== undefined && second[1] * 2 > first[1] ? null : first[0]
}

function timestampKeys(connection: ConnectionFacts): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const list of [connection.head, connection.tail]) {
    for (const s of list) {
      if (s.tsVal !== null) keys.add(`${s.from} ${s.tsVal} ${s.tsEcr} ${s.len}`)
    }
  }
  return keys
}

/** Only where the whole conversation was seen: octets each way, turns, and the last messages. */
function payloadPattern(c: ConnectionFacts): string | null {
  const { client, server } = c.sides
  if (!c.sawStart || c.seen !== 'both') return null
  if (client.payloadOctets + server.payloadOctets < MIN_PATTERN_OCTETS) return null
  if (client.missingOctets + server.missingOctets > 0) return null
  const last = `${c.request?.octets ?? 0} ${c.response?.octets ?? 0}`
  return `${client.payloadOctets} ${server.payloadOctets} ${c.exchanges} ${last}`
}

function addresses(c: ConnectionFacts): string {
  return `${c.client.endpoint} ${c.server.endpoint}`
}

/** Both views saw the SYN, and it was not the same: the port was used again. */
function contradicts(a: ConnectionFacts, b: ConnectionFacts): boolean {
  const [one, other] = [a.sides.client.isn, b.sides.client.isn]
  return one !== null && other !== null && one !== other
}
