import type { ConnectionFacts } from '../connection.ts'
import type { Ending } from '../endings.ts'
import type { DataLosses, SegmentFate, VantageFacts } from '../evidence.ts'
import type { Clock } from './clock.ts'
import { rolesExchanged } from './exchanged.ts'
import { type Between, fatesOfPair, fatesOfUnpaired, isQuiet } from './fates.ts'
import { isAnswered } from './gaps.ts'
import { countParts, legsOf, narrowFates, routedOf } from './legs.ts'
import { link } from './link.ts'
import { lossesOfPair } from './losses.ts'
import { isTranslated, otherNames, servicesOf } from './names.ts'
import { oneSided } from './one-sided.ts'
import { relayedConnections } from './pair.ts'
import { isHandshakeSplit } from './split.ts'
import type { Pair, View } from './view.ts'

export interface Comparison {
  facts: VantageFacts
  /** One entry a pair. `primary`: whose facts (and id, and frames) stand for the connection from now on. */
  pairs: readonly (Pair & { primary: 'near' | 'far' })[]
  /** By id of a connection at one end: the same one in the router's capture. */
  routed: ReadonlyMap<number, number>
  /** Ids of connections that a capture holds twice, on both sides of a box: those of the side that is not compared. */
  hidden: readonly number[]
  /** Connections of the far view that are the rest of a paired one under another address or port: their ids, and whose. */
  continued: ReadonlyMap<number, number>
  paired: number
  /** By source id. */
  unpaired: Record<string, number>
  /** Pairs whose addresses or ports differ between the views. */
  translated: number
  /** Connections of the near view alone, by their server's endpoint: an address that is translated, so who got them is not known. */
  elsewhere: Record<string, number>
  /** Pairs with two handshakes: a box answered the client itself. */
  split: number
  /** Connections that said the same at both places and are made of other packets: something in between ends them. */
  relayed: number
  /** Whether the captures of client and server are given the wrong way round. */
  exchanged: 'surely' | 'perhaps' | null
  clocks: { source: string; offsetMs: number; uncertaintyMs: number | null; driftPpm: number }[]
  fates: Record<SegmentFate['fate'], number>
  /** What was lost, and injected. */
  kinds: Record<'lost' | 'injected', Partial<Record<SegmentFate['kind'], number>>>
  /** How often each kind of change was seen. */
  changes: Record<string, number>
  /** With a router's capture: on which part of the way what was lost or injected. */
  parts: ReturnType<typeof countParts>
}

const NEVER_SERVED: ReadonlySet<Ending> = new Set<Ending>(['refused', 'unanswered'])
const ORDER = ['client', 'router', 'server'] as const

/**
 * Captures of the same traffic from two or three places: pairs, clocks, and the fate of decisive segments between the
 * outermost two; a third one in the middle says on which half of the way it happened. Pure.
 * @param views two or three, each with its own `at`
 */
export function compareViews(views: readonly View[]): Comparison {
  const sorted = [...views].sort((a, b) => ORDER.indexOf(a.at) - ORDER.indexOf(b.at))
  const outer = oneSided(sorted[0]!)
  const inner = oneSided(sorted.at(-1)!)
  const [near, far] = [outer.near, inner.far]
  const middle = sorted.length > 2 ? oneSided(sorted[1]!) : null
  const { pairs, clock, between } = link(near, far)
  const chosen = pairs.map((pair) => ({ ...pair, primary: primaryOf(pair) }))
  const fates = new Map<number, readonly SegmentFate[]>()
  const data = new Map<number, DataLosses>()
  for (const pair of chosen) {
    const { id } = pair[pair.primary]
    fates.set(id, fatesOfPair(pair, between, pair.primary))
    const losses = lossesOfPair(pair, between, pair.primary)
    if (losses !== null) data.set(id, losses)
  }
  const answered = new Set<number>()
  for (const { near, far, primary } of chosen) {
    if (near.handshake.synAckMs === null && far.handshake.synAckMs !== null) {
      answered.add((primary === 'near' ? near : far).id)
    }
  }
  const absent = new Set<number>()
  const { missing, elsewhere } = neverArrived(between, pairs)
  for (const { connection, sure } of missing) {
    const lost = fatesOfUnpaired(connection, between)
    if (lost.length === 0) continue
    if (sure) fates.set(connection.id, lost)
    else absent.add(connection.id)
  }
  const continued = renamedOnTheWay(chosen, between, fates)
  const clocks = [clockOf(far, clock)]
  let routed: Comparison['routed'] = new Map()
  if (middle !== null) {
    const legs = legsOf(near, middle, far)
    clocks.unshift(clockOf(middle.near, legs.toRouter.clock))
    narrowFates(fates, chosen, legs)
    routed = routedOf(legs)
  }
  return {
    facts: factsOf({
      near,
      middle: middle?.near ?? null,
      far,
      clock,
      fates,
      data,
      absent,
      answered,
      pairs,
    }),
    pairs: chosen,
    continued,
    routed,
    hidden: [...outer.hidden.near, ...inner.hidden.far],
    paired: pairs.length,
    unpaired: {
      [near.source]: near.connections.length - pairs.length,
      [far.source]: far.connections.length - pairs.length - continued.size,
    },
    translated: pairs.filter(isTranslated).length,
    elsewhere,
    split: pairs.filter(isHandshakeSplit).length,
    relayed: relayedConnections(near, far, pairs),
    exchanged: rolesExchanged(pairs),
    clocks,
    fates: countFates(fates),
    kinds: countKinds(fates),
    changes: countChanges(fates),
    parts: countParts(fates),
  }
}

/** The end that the reset reached tells the story; else the client's, which is who complains. */
function primaryOf({ near, far }: Pair): 'near' | 'far' {
  const resetSeen = (c: ConnectionFacts) => c.resets.some((r) => r.accepted !== false)
  return resetSeen(far) && !resetSeen(near) ? 'far' : 'near'
}

interface Missing {
  missing: { connection: ConnectionFacts; sure: boolean }[]
  /** See Comparison. */
  elsewhere: Record<string, number>
}

/**
 * Connections of the near view that must have been in the far one: others to the same endpoint are (or to the same
 * address as the far host has there), and none that was established is missing there (a balancer with further
 * backends would explain that, unless the far capture has gaps). Not `sure`: the far capture is one of a single port,
 * perhaps by a filter; said only of SYNs that nothing answered, or that were refused.
 * Who translates the server's address may send some elsewhere, to a host that is down: of those nothing is known.
 */
function neverArrived({ near, far, gaps }: Between, pairs: readonly Pair[]): Missing {
  const found = new Set(pairs.map((p) => p.near))
  const endpoints = new Set(pairs.map((p) => p.near.server.endpoint))
  const anyPort = new Set(far.connections.map((c) => c.server.port)).size > 1
  const hosts = new Set(pairs.map((p) => p.far.server.address))
  const chosenByBox = servicesOf(pairs)
  const apart = new Set<string>()
  // Where the far capture lacks packets by its own account, what is missing in it needs no other backend.
  const away = near.connections.filter((c) => !found.has(c) && isAnswered(c))
  if (gaps.far.length === 0 || away.length > pairs.length) {
    for (const c of away) apart.add(c.server.endpoint)
  }
  const missing: Missing['missing'] = []
  const elsewhere: Missing['elsewhere'] = {}
  for (const connection of near.connections) {
    const { server, ending } = connection
    if (found.has(connection)) continue
    if (chosenByBox.has(server.address)) {
      elsewhere[server.endpoint] = (elsewhere[server.endpoint] ?? 0) + 1
      continue
    }
    if (apart.has(server.endpoint)) continue
    const here = hosts.has(server.address)
    if (endpoints.has(server.endpoint) || (here && anyPort)) {
      missing.push({ connection, sure: true })
    } else if (here && NEVER_SERVED.has(ending)) missing.push({ connection, sure: false })
  }
  return { missing, elsewhere }
}

/**
 * A NAT that forgot a connection gives its next segment another port: in the far view that is a connection without a
 * SYN, with the very sequence numbers that the near view's sends. Its fates replace those of the old one.
 */
function renamedOnTheWay(
  pairs: readonly (Pair & { primary: 'near' | 'far' })[],
  between: Between,
  fates: Map<number, readonly SegmentFate[]>,
): Map<number, number> {
  const continued = new Map<number, number>()
  const strays = new Map<string, ConnectionFacts>()
  const paired = new Set(pairs.map((p) => p.far))
  for (const c of between.far.connections) {
    const data = c.head.find((s) => s.from === 'client' && s.len > 0)
    const base = c.sides.client.seqBase ?? null
    if (c.sawStart || paired.has(c) || data === undefined || base === null) continue
    strays.set(`${c.server.port} ${(base + data.seq) >>> 0} ${data.len}`, c)
  }
  if (strays.size === 0) return continued
  for (const pair of pairs) {
    const { near, primary } = pair
    const base = near.sides.client.seqBase ?? near.sides.client.isn
    const last = [...near.head, ...near.tail].findLast((s) => s.from === 'client' && s.len > 0)
    if (base === null || last === undefined) continue
    const far = strays.get(`${pair.far.server.port} ${(base + last.seq) >>> 0} ${last.len}`)
    if (far === undefined || far.client.endpoint === pair.far.client.endpoint) continue
    const rest = fatesOfPair({ near, far, by: 'payload' }, between, 'near').filter(isQuiet)
    if (!rest.some((f) => f.kind === 'data')) continue
    continued.set(far.id, near.id)
    const id = pair[primary].id
    const renamed = new Map(
      rest.map((f) => [f.frame, { ...f, fate: 'altered', renamed: far.client.endpoint } as const]),
    )
    const own = (fates.get(id) ?? []).map((f) => renamed.get(f.frame) ?? f)
    fates.set(id, own)
  }
  return continued
}

function clockOf(view: View, clock: Clock): Comparison['clocks'][number] {
  const { offsetMs, uncertaintyMs, driftPpm } = clock
  const known = Number.isFinite(uncertaintyMs)
  return { source: view.source, offsetMs, uncertaintyMs: known ? uncertaintyMs : null, driftPpm }
}

function factsOf(parts: {
  near: View
  middle: View | null
  far: View
  clock: Clock
  fates: ReadonlyMap<number, readonly SegmentFate[]>
  data: ReadonlyMap<number, DataLosses>
  absent: ReadonlySet<number>
  answered: ReadonlySet<number>
  pairs: readonly Pair[]
}): VantageFacts {
  const { near, middle, far, clock, fates, data, absent, answered, pairs } = parts
  const sourceAt = (at: View['at']) =>
    [near, middle, far].find((view) => view?.at === at)?.source ?? null
  return {
    client: sourceAt('client'),
    server: sourceAt('server'),
    router: sourceAt('router'),
    offsetMs: clock.offsetMs,
    driftPpm: clock.driftPpm,
    fates,
    data,
    absent,
    answered,
    views: otherNames(pairs.filter(isTranslated)),
    services: servicesOf(pairs),
  }
}

function countFates(fates: ReadonlyMap<number, readonly SegmentFate[]>): Comparison['fates'] {
  const counts = { delivered: 0, lost: 0, altered: 0, injected: 0 }
  for (const list of fates.values()) for (const { fate } of list) counts[fate]++
  return counts
}

function countKinds(fates: ReadonlyMap<number, readonly SegmentFate[]>): Comparison['kinds'] {
  const counts: Comparison['kinds'] = { lost: {}, injected: {} }
  for (const { fate, kind } of [...fates.values()].flat()) {
    if (fate !== 'lost' && fate !== 'injected') continue
    counts[fate][kind] = (counts[fate][kind] ?? 0) + 1
  }
  return counts
}

function countChanges(fates: ReadonlyMap<number, readonly SegmentFate[]>): Comparison['changes'] {
  const counts: Comparison['changes'] = {}
  for (const { fate, what, renamed } of [...fates.values()].flat()) {
    if (fate !== 'altered') continue
    const change = renamed === undefined ? what : 'from another address or port than before'
    if (change !== null) counts[change] = (counts[change] ?? 0) + 1
  }
  return counts
}
