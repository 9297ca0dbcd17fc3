import { groupBy } from '../base/group-by.ts'
import {
  acceptorOf,
  containerName,
  endpointText,
  listenerBefore,
  netnsName,
  processOf,
  refusedBy,
} from '../causes/machine/lookup.ts'
import type { ListenerSnapshot, MachineFacts, NetnsSnapshot } from '../evidence/machine.ts'
import { disksOf } from './host-disks.ts'
import { loadOf, ratesOf, unguardedOf } from './host-picture.ts'
import { settingsOf } from './host-settings.ts'
import type { HostSummary, ListenerSummary } from './report.ts'

const MAX_LISTENERS = 200

export function hasSockets({ after }: MachineFacts): boolean {
  return after.namespaces.some((n) => n.sockets.length > 0)
}

/** What a host is doing, for the report, whether or not anything is wrong. */
export function hostSummary(machine: MachineFacts): HostSummary {
  const { after, events } = machine
  return {
    source: machine.source,
    name: machine.name,
    kernel: machine.release,
    observedMs: Math.round(machine.forMs),
    namespaces: after.namespaces.map((n) => ({
      netns: netnsName(n),
      ...(n.container === null ? {} : { container: containerName(machine, n.container.id) }),
      sockets: n.sockets.length,
      from: n.source,
    })),
    states: statesOf(after.namespaces),
    listeners: after.namespaces
      .flatMap((n) => n.listeners.map((l) => listenerSummary(machine, n, l)))
      .sort(fullestFirst)
      .slice(0, MAX_LISTENERS),
    rates: ratesOf(machine),
    machine: loadOf(machine),
    ...disksOf(machine),
    settings: settingsOf(machine),
    unguarded: unguardedOf(machine),
    resetsSent:
      events === null || events.fromNs === null ? null : byReason(events.counts, 'reset-sent'),
    eventsLost: events?.lost ?? 0,
    packetsDropped:
      events === null || events.fromNs === null ? null : byReason(events.counts, 'drop'),
    missing: foldMissing(machine.missing),
  }
}

function statesOf(namespaces: readonly NetnsSnapshot[]): Record<string, number> {
  const states: Record<string, number> = {}
  for (const { sockets } of namespaces) {
    for (const { state } of sockets) states[state] = (states[state] ?? 0) + 1
  }
  return states
}

function listenerSummary(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  listener: ListenerSnapshot,
): ListenerSummary {
  const owner = acceptorOf(machine, listener)
  const first = listenerBefore(machine, netns, listener)
  const { depth, limit, synReceived } = listener
  const refused = refusedBy(machine, netns, listener)
  return {
    netns: netnsName(netns),
    local: endpointText(listener.local),
    ...(owner === null ? {} : { process: processOf(machine, owner) }),
    depth: Math.max(depth, first?.depth ?? 0),
    limit,
    synReceived,
    drops: refused.meanwhile,
    dropsTotal: refused.total,
    ...listenerRatesOf(machine, listener),
  }
}

function listenerRatesOf(
  { listenerRates }: MachineFacts,
  { inode }: ListenerSnapshot,
): Pick<ListenerSummary, 'rates' | 'ratesUnknown'> {
  const rate = listenerRates.get(inode)
  if (rate === undefined) return { rates: null, ratesUnknown: 'once' }
  if (rate.is === 'unknown') return { rates: null, ratesUnknown: rate.why }
  const { is: _is, ...rates } = rate
  return { rates }
}

function fullestFirst(a: ListenerSummary, b: ListenerSummary): number {
  return (
    (b.drops ?? 0) - (a.drops ?? 0) ||
    fill(b) - fill(a) ||
    (b.dropsTotal ?? 0) - (a.dropsTotal ?? 0)
  )
}

function fill({ depth, limit }: ListenerSummary): number {
  return limit === null ? depth / 4096 : depth / (limit + 1)
}

function byReason(counts: ReadonlyMap<string, number>, kind: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [key, count] of counts) {
    const [of, reason = 'unknown'] = key.split(' ')
    if (of === kind) sums[reason] = (sums[reason] ?? 0) + count
  }
  return sums
}

/** The same of several namespaces is one line: the first why, and how many more. */
function foldMissing(all: MachineFacts['missing']): HostSummary['missing'] {
  return [...groupBy(all, (m) => m.what).values()].map((alike) => {
    const { what, why, adds } = alike[0]!
    const more = alike.length - 1
    return { what, why: more === 0 ? why : `${why}; ${more} more like this`, adds }
  })
}
