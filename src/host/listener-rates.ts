import type { EventsFacts } from './events.ts'
import type { Endpoint, Listener } from './facts.ts'
import type { HostSnapshot, NetnsSnapshot } from './snapshot.ts'

/** How fast connections come to a listener, and how fast they are taken from it. */
export type ListenerRate =
  | {
      is: 'known'
      /** Handshakes that ended there, a second. */
      newPerSecond: number
      /** Of those and of the ones that waited before: taken by accept(), a second. */
      acceptedPerSecond: number
      /** How far acceptedPerSecond can be off: the queue was not looked at in the very moment in which counting began and ended. */
      acceptedWithin: number
      /** So many share the address and port (SO_REUSEPORT): the numbers are of all of them together. */
      listeners: number
      /** For how long was counted. */
      forMs: number
    }
  | { is: 'unknown'; why: RateUnknown }

export type RateUnknown =
  /** There was one look only. */
  | 'once'
  /** The event that tells was not to be had. */
  | 'no-events'
  /** Events were overwritten, or there were more addresses than are counted. */
  | 'lost'
  /** It, or one that shares its port, began or ceased to listen meanwhile. */
  | 'new'
  /** Listeners of several network namespaces have the address and port, and events tell no namespace. */
  | 'namespaces'

interface Looked {
  before: HostSnapshot | null
  after: HostSnapshot
  events: EventsFacts | null
}

/** By inode of the listener, for all that are there at the last look. */
export function listenerRates(looked: Looked): Map<number, ListenerRate> {
  const rates = new Map<number, ListenerRate>()
  const groups = groupsOf(looked.after)
  const why = whyNot(looked)
  const arrived = why === null ? arrivals(looked, groups) : null
  for (const group of groups) {
    const count = arrived?.get(group) ?? 0
    const rate: ListenerRate =
      why !== null
        ? { is: 'unknown', why }
        : count === 'ambiguous'
          ? { is: 'unknown', why: 'namespaces' }
          : rateOf(looked, group, count)
    for (const { inode } of group.listeners) rates.set(inode, rate)
  }
  return rates
}

function whyNot({ before, events }: Looked): RateUnknown | null {
  if (before === null) return 'once'
  if (events === null || events.established === null || events.fromNs === null) return 'no-events'
  return events.lost > 0 || events.established.unlisted > 0 ? 'lost' : null
}

/** All listeners of one address and port in one namespace: SO_REUSEPORT. */
interface Group {
  netns: NetnsSnapshot
  local: Endpoint
  family: 4 | 6
  v6only: boolean
  listeners: Listener[]
}

function groupsOf({ namespaces }: HostSnapshot): Group[] {
  const groups = new Map<string, Group>()
  for (const netns of namespaces) {
    for (const listener of netns.listeners) {
      const { local, family, v6only } = listener
      const key = `${netns.id} ${family} ${local.address} ${local.port} ${v6only}`
      const known = groups.get(key)
      if (known === undefined) {
        const group = { netns, local, family, v6only: v6only === true, listeners: [listener] }
        groups.set(key, group)
      } else known.listeners.push(listener)
    }
  }
  return [...groups.values()]
}

type Arrivals = Map<Group, number | 'ambiguous'>

/** Each end that was counted goes to the listener that the kernel would give its connections to. */
function arrivals({ after, events }: Looked, groups: readonly Group[]): Arrivals {
  const found: Arrivals = new Map()
  const byPort = new Map<number, Group[]>()
  for (const group of groups) {
    const known = byPort.get(group.local.port)
    if (known === undefined) byPort.set(group.local.port, [group])
    else known.push(group)
  }
  for (const { local, count } of events?.established?.ends ?? []) {
    const fitting = nearest(byPort.get(local.port) ?? [], local.address)
    const there = fitting.filter(({ netns }) => mayHave(netns, local.address))
    const candidates = there.length > 0 ? there : fitting
    const sure = candidates.length === 1 && !isElsewhere(after, local.address)
    for (const group of candidates) {
      const known = found.get(group) ?? 0
      found.set(group, sure && known !== 'ambiguous' ? known + count : 'ambiguous')
    }
  }
  return found
}

/** Of each namespace at most one: its own address before any address, IPv4 before IPv6 that takes IPv4 too. */
function nearest(groups: readonly Group[], address: string): Group[] {
  const found = new Map<number, { group: Group; rank: number }>()
  for (const group of groups) {
    const rank = rankOf(group, address)
    if (rank === null) continue
    const known = found.get(group.netns.id)
    if (known === undefined || rank < known.rank) found.set(group.netns.id, { group, rank })
  }
  return [...found.values()].map(({ group }) => group)
}

function rankOf({ local, family, v6only }: Group, address: string): number | null {
  const wide = address.includes(':')
  if (local.address.replace(/^::ffff:(?=\d+\.)/, '') === address) return 0
  if (!wide && family === 4 && local.address === '0.0.0.0') return 1
  if (family === 6 && local.address === '::' && (wide || !v6only)) return 2
  return null
}

function mayHave({ addresses }: NetnsSnapshot, address: string): boolean {
  return isLoopback(address) || addresses.length === 0 || addresses.includes(address)
}

/** Whether a namespace that was not looked at may have counted there too. */
function isElsewhere({ elsewhere }: HostSnapshot, address: string): boolean {
  if (elsewhere.namespaces === 0) return false
  return isLoopback(address) || elsewhere.unread || elsewhere.addresses.has(address)
}

/** Every namespace has one of its own. */
function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** Between the moment for which a queue's depth is told and that in which counting began or ended; where no clock says it. */
const LOOK_MS = 500

function rateOf({ before, after, events }: Looked, group: Group, count: number): ListenerRate {
  const first = before?.namespaces.find(({ id }) => id === group.netns.id)?.listeners ?? []
  const earlier = first.filter((one) => isAt(one, group))
  const same = group.listeners.every((l) => earlier.some((one) => isSame(one, l)))
  if (!same || earlier.length > group.listeners.length) return { is: 'unknown', why: 'new' }
  const waited = depthOf(earlier)
  const waits = depthOf(group.listeners)
  const forMs = Number(events!.established!.untilNs - events!.fromNs!) / 1e6
  if (forMs <= 0) return { is: 'unknown', why: 'once' }
  const newPerMs = count / forMs
  const watchedMs = events!.toNs === null ? forMs : Number(events!.toNs - events!.fromNs!) / 1e6
  const off =
    Math.min(newPerMs * lookMs(before!), waited) + Math.min(newPerMs * lookMs(after), waits)
  return {
    is: 'known',
    newPerSecond: tenth(newPerMs * 1000),
    acceptedPerSecond: tenth(Math.max(0, newPerMs * 1000 - ((waits - waited) / watchedMs) * 1000)),
    acceptedWithin: tenth((off / watchedMs) * 1000),
    listeners: group.listeners.length,
    forMs: Math.round(forMs),
  }
}

function lookMs({ tookMs }: HostSnapshot): number {
  return tookMs > 0 ? tookMs : LOOK_MS
}

function isSame(one: Listener, other: Listener): boolean {
  if (one.cookie !== null && other.cookie !== null) return one.cookie === other.cookie
  return one.inode === other.inode
}

function isAt({ local, family, v6only }: Listener, group: Group): boolean {
  if (local.port !== group.local.port || local.address !== group.local.address) return false
  return family === group.family && (v6only === true) === group.v6only
}

function depthOf(listeners: readonly Listener[]): number {
  return listeners.reduce((sum, { depth }) => sum + depth, 0)
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
