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
  const isHere = ownEnd(ask)
  const keeps = (event: KernelEvent) => {
    const { local, remote, pid } = event
    if (!isAsked(ask, local, remote)) return false
    if (local === null && remote === null) return pid !== null && ask.pid(pid) === true
    // What a process does to a listener at all addresses is that of its namespace.
    const whose = pid !== null && local !== null && isAny(local) ? ask.pid(pid) : null
    if (whose !== null) return whose
    // Loopback is in every namespace: there the process decides, where there is one.
    if (pid !== null && isLoopback(local ?? remote) && ask.pid(pid) === false) return false
    return isHere(local, remote)
  }
  const events = all.events.filter(keeps)
  const kept = new Set(events)
  const groups = all.groups.flatMap((group) => ofGroup(group, all.events, kept) ?? [])
  return { ...all, events, groups, counts: countsOf(groups) }
}

/** Of a group only the first events are kept: where all of those are meant, the others are taken to be, too. */
function ofGroup(
  group: EventGroup,
  all: readonly KernelEvent[],
  kept: ReadonlySet<KernelEvent>,
): EventGroup | null {
  const members = all.filter((event) => isOf(event, group))
  const count = members.filter((event) => kept.has(event)).length
  if (count === 0) return null
  return count === members.length ? group : { ...group, count }
}

function isOf({ kind, reason, local, remote, pid }: KernelEvent, group: EventGroup): boolean {
  if (kind !== group.kind || reason !== group.reason) return false
  if (group.pid !== null && pid !== group.pid) return false
  if (group.service === null) return local === null
  const end = group.side === 'remote' ? remote : local
  return end?.port === group.service.port && end.address === group.service.address
}

/** Whether an event is of a socket of these namespaces: its local end is theirs. Containers of one host may be its two ends. */
function ownEnd({
  namespaces,
}: EventsAsk): (local: Endpoint | null, remote: Endpoint | null) => boolean {
  const own = addressesOf(namespaces, 'local')
  const ports = new Set(namespaces.flatMap((n) => n.listeners.map((l) => l.local.port)))
  // A listener at all addresses says its port only: one that nobody here listens at is of another namespace.
  const isIn = (addresses: ReadonlySet<string>, end: Endpoint | null) =>
    end !== null && (isAny(end) ? ports.has(end.port) : addresses.has(plain(end.address)))
  if (namespaces.some(({ addresses }) => addresses.length > 0)) {
    return (local, remote) => isIn(own, local ?? remote)
  }
  // Without the addresses of its interfaces (a bundle of an earlier version) either end may be known from another socket.
  const either = addressesOf(namespaces, 'both')
  return (local, remote) => isIn(either, local) || isIn(either, remote)
}

function isAsked({ ports }: EventsAsk, end: Endpoint | null, far: Endpoint | null): boolean {
  return ports === undefined || [end, far].some((e) => e !== null && ports.includes(e.port))
}

function addressesOf(
  namespaces: readonly NetnsSnapshot[],
  ends: 'local' | 'both',
): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { sockets, listeners, addresses } of namespaces) {
    for (const address of addresses) found.add(plain(address))
    for (const { local, remote } of sockets) {
      found.add(plain(local.address))
      if (ends === 'both') found.add(plain(remote.address))
    }
    for (const { local } of listeners) found.add(plain(local.address))
  }
  return found
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
