import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { endpointText, isServed } from './lookup.ts'

// Whom an experiment asks where a finding is about a host or a process, and not about a service: `asked` among its values.

/** The service that most connections of the namespace go out to; null: none does. */
function mostUsed({ sockets, ...netns }: NetnsSnapshot): string | null {
  const outgoing = sockets.filter(
    (s) => s.state === 'ESTABLISHED' && !isServed({ ...netns, sockets }, s),
  )
  return mostOf(outgoing.map(({ remote }) => endpointText(remote)))
}

/** The end of this host that clients of the namespace are connected to, else one that is listened at. */
function mostServed(netns: NetnsSnapshot): string | null {
  const { sockets, listeners } = netns
  const incoming = sockets.filter((s) => s.state === 'ESTABLISHED' && isServed(netns, s))
  const [first] = listeners
  return (
    mostOf(incoming.map(({ local }) => endpointText(local))) ??
    (first === undefined ? null : endpointText(first.local))
  )
}

function mostOf(ends: readonly string[]): string | null {
  const counted = [...groupBy(ends, (end) => end)].sort(([, a], [, b]) => b.length - a.length)
  return counted[0]?.[0] ?? null
}

/** A service that is asked from this host, through its own tables. */
export function askedFrom(netns: NetnsSnapshot): { asked?: string } {
  return askedEnd(mostUsed(netns) ?? mostServed(netns))
}

/** A service of this host. */
export function askedAt(netns: NetnsSnapshot): { asked?: string } {
  return askedEnd(mostServed(netns) ?? mostUsed(netns))
}

/** What the process serves, else whom it uses. */
export function askedOf(machine: MachineFacts, pid: number): { asked?: string } {
  const listeners = machine.after.namespaces.flatMap((n) => n.listeners)
  const own = listeners.find(({ holders }) => holders.some((holder) => holder.pid === pid))
  if (own !== undefined) return { asked: endpointText(own.local) }
  const [peer] = machine.after.processes.find((p) => p.pid === pid)?.peers ?? []
  return askedEnd(peer === undefined || peer.served !== null ? null : endpointText(peer.peer))
}

function askedEnd(end: string | null): { asked?: string } {
  return end === null ? {} : { asked: end }
}
