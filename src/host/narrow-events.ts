import type { EventGroup, EventsFacts, KernelEvent } from './events.ts'
import type { Endpoint } from './facts.ts'
import type { NetnsSnapshot } from './snapshot.ts'

/** Which events are meant, where only a part of the host was asked for: trace events know no network namespace. */
export interface EventsAsk {
  /** The namespaces that were looked at. */
  namespaces: readonly NetnsSnapshot[]
  ports?: readonly number[]
  /** Of events that tell no address, or one that says nothing: whether this process is meant; null: it is gone. */
  pid: (pid: number) => boolean | null
}

/** The same facts without what belongs to others. Counts are of what is left. */
export function narrowedEvents(all: EventsFacts, ask: EventsAsk): EventsFacts {
  const addresses = addressesOf(ask.namespaces)
  const ports = new Set(ask.namespaces.flatMap((n) => n.listeners.map((l) => l.local.port)))
  // A listener at all addresses says its port only: one that nobody here listens at is of another namespace.
  const isHere = (end: Endpoint | null) =>
    end !== null && (isAny(end) ? ports.has(end.port) : addresses.has(plain(end.address)))
  const isOurs = (end: Endpoint | null, far: Endpoint | null) =>
    isAsked(ask, end, far) && (isHere(end) || isHere(far))
  const keeps = (event: KernelEvent) => {
    const { local, remote, pid } = event
    if (local === null && remote === null) return pid !== null && ask.pid(pid) === true
    // What a process does to a listener at all addresses is that of its namespace.
    const whose = pid !== null && local !== null && isAny(local) ? ask.pid(pid) : null
    if (whose !== null) return whose && isAsked(ask, local, remote)
    // Loopback is in every namespace: there the process decides, where there is one.
    if (pid !== null && isLoopback(local ?? remote) && ask.pid(pid) === false) return false
    return isOurs(local, remote)
  }
  const events = all.events.filter(keeps)
  const groups = all.groups.flatMap((group) => ofGroup(group, events, isOurs) ?? [])
  return { ...all, events, groups, counts: countsOf(groups) }
}

function ofGroup(
  group: EventGroup,
  events: readonly KernelEvent[],
  isOurs: (end: Endpoint | null, far: Endpoint | null) => boolean,
): EventGroup | null {
  if (group.service !== null) return isOurs(group.service, null) ? group : null
  // Without an address only the kept events tell whose they are.
  const count = events.filter(
    (e) => e.kind === group.kind && e.reason === group.reason && e.local === null,
  ).length
  return count === 0 ? null : { ...group, count }
}

function isAsked({ ports }: EventsAsk, end: Endpoint | null, far: Endpoint | null): boolean {
  return ports === undefined || [end, far].some((e) => e !== null && ports.includes(e.port))
}

/** At both ends: on loopback the peer is in the namespace too. */
function addressesOf(namespaces: readonly NetnsSnapshot[]): Set<string> {
  const addresses = new Set<string>()
  for (const { sockets, listeners, addresses: own } of namespaces) {
    for (const address of own) addresses.add(address)
    for (const { local, remote } of sockets) {
      addresses.add(plain(local.address))
      addresses.add(plain(remote.address))
    }
    for (const { local } of listeners) addresses.add(plain(local.address))
  }
  return addresses
}

function isLoopback(end: Endpoint | null): boolean {
  const address = plain(end?.address)
  return address.startsWith('127.') || address === '::1'
}

function isAny({ address }: Endpoint): boolean {
  return address === '0.0.0.0' || address === '::' || address === '::ffff:0.0.0.0'
}

function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}

function countsOf(groups: readonly EventGroup[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { kind, reason, count } of groups) {
    const key = reason === null ? kind : `${kind} ${reason}`
    counts.set(key, (counts.get(key) ?? 0) + count)
  }
  return counts
}
