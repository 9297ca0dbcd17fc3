import type { EventsFacts, KernelEvent } from './events.ts'
import type { Endpoint } from './facts.ts'

/**
 * Whether the SYNs that a socket of this host repeated were dropped by netfilter on this host. The kernel tells no address of a
 * packet that a rule drops, only the moment: a repeated SYN and the drop of it, on loopback, between namespaces or on the way
 * out, are microseconds apart.
 */
export interface SynDrops {
  /** Repeats that were seen. */
  repeats: number
  /** Of those, at how many netfilter dropped a packet in the same moment that can be of no other repeated SYN. */
  dropped: number
  /** Of those, at how many it dropped nothing for milliseconds around. */
  untouched: number
}

export interface SynDropFacts {
  /** By both ends as the socket has them, "10.0.0.1 40000 10.0.0.2 80"; mapped IPv4 addresses as IPv4. */
  bySocket: ReadonlyMap<string, SynDrops>
  /** Packets that netfilter dropped meanwhile, and how long that was. */
  drops: number
  seconds: number
}

/** On 6.18: 4 to 50 us between a repeated SYN and its drop on a quiet machine, longer where soft interrupts wait. */
const SAME_MOMENT_NS = 2_000_000n
/** Where soft interrupts wait for a processor, a drop comes later: nothing is said of what lies in between. */
const FAR_NS = 20_000_000n
/** Repeats to one service, of which all SYNs are kept: COLLECT_LIMITS and PAIRED of tracefs/collect.ts. */
const KEPT = 500

function endsKey(local: Endpoint, remote: Endpoint): string {
  return `${plain(local.address)} ${local.port} ${plain(remote.address)} ${remote.port}`
}

/** @returns null: cannot tell, because events are missing, were lost, or are too many to be kept one by one */
export function synDropsOf(events: EventsFacts | null): SynDropFacts | null {
  if (events === null || !events.dropReasons || events.lost > 0) return null
  if (events.fromNs === null || events.toNs === null || events.toNs <= events.fromNs) return null
  const drops = events.events.filter(isFiltered)
  const repeats = events.events.filter((e) => e.kind === 'retransmit')
  if (drops.length < countOf(events, isFilteredGroup)) return null
  const unkept = countOf(events, ({ kind, count }) => kind === 'retransmit' && count > KEPT)
  if (unkept > 0) return null
  const bySocket = new Map<string, SynDrops>()
  for (const moment of moments([...repeats, ...drops])) {
    const fell = moment.filter(isFiltered).length
    // What else was repeated in that moment may be what was dropped.
    const sent = moment.length - fell
    for (const syn of moment.filter(isSyn)) {
      const found = entry(bySocket, syn)
      found.repeats++
      if (fell >= sent) found.dropped++
      else if (isFarFrom(drops, syn.timeNs)) found.untouched++
    }
  }
  const seconds = Number(events.toNs - events.fromNs) / 1e9
  return { bySocket, drops: drops.length, seconds }
}

function isFiltered({ kind, reason }: KernelEvent): boolean {
  return kind === 'drop' && reason === 'NETFILTER_DROP'
}

function isFilteredGroup({ kind, reason }: EventsFacts['groups'][number]): boolean {
  return kind === 'drop' && reason === 'NETFILTER_DROP'
}

function isSyn({ kind, state }: KernelEvent): boolean {
  return kind === 'retransmit' && state === 'SYN-SENT'
}

function countOf(
  { groups }: EventsFacts,
  wanted: (group: EventsFacts['groups'][number]) => boolean,
): number {
  return groups.filter(wanted).reduce((sum, { count }) => sum + count, 0)
}

/** Events that are no further from one another than one moment, together. */
function moments(all: KernelEvent[]): KernelEvent[][] {
  all.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0))
  const found: KernelEvent[][] = []
  let last: bigint | null = null
  for (const event of all) {
    if (last !== null && event.timeNs - last <= SAME_MOMENT_NS) found.at(-1)!.push(event)
    else found.push([event])
    last = event.timeNs
  }
  return found
}

function isFarFrom(drops: readonly KernelEvent[], timeNs: bigint): boolean {
  return drops.every((d) => d.timeNs < timeNs - FAR_NS || d.timeNs > timeNs + FAR_NS)
}

function entry(all: Map<string, SynDrops>, { local, remote }: KernelEvent): SynDrops {
  const key = local === null || remote === null ? '' : endsKey(local, remote)
  const known = all.get(key) ?? { repeats: 0, dropped: 0, untouched: 0 }
  all.set(key, known)
  return known
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
