import type { EventGroup, EventsFacts, KernelEvent } from './events.ts'
import type { Endpoint } from './facts.ts'
import { type ResetCause, type ResetContext, type ResetDecider, resetStory } from './reset-story.ts'
import type { NetnsSnapshot } from './snapshot.ts'

/** Resets alike that this host sent, and what they can have been. */
export interface ResetFact {
  /** The first of them. */
  event: KernelEvent
  /** The likeliest first; one: nothing else fits. */
  causes: readonly ResetCause[]
  decides: readonly ResetDecider[]
  /** The process that did it; null: a packet or a timer caused it, or the kernel does not tell. */
  culprit: { pid: number; command: string; dying: boolean } | null
  /** The end with the lower port, most likely the service, and whether it is this host's. */
  service: Endpoint
  side: 'local' | 'remote'
  count: number
  examples: readonly KernelEvent[]
}

export interface Looks {
  before: readonly NetnsSnapshot[]
  after: readonly NetnsSnapshot[]
}

const MAX_EXAMPLES = 5

/** All resets that this host's TCP sent meanwhile, those alike together, most first. */
export function resetsOf(events: EventsFacts, looks: Looks): ResetFact[] {
  const found = new Map<string, ResetFact & { examples: KernelEvent[] }>()
  for (const event of events.events) {
    if (event.kind !== 'reset-sent') continue
    const { service, side } = serviceOf(event)
    if (service === null) continue
    const {
      causes: all,
      decides,
      culprit: doer,
    } = resetStory(event, contextOf(event, events, looks))
    const culprit = doer === null ? null : processOf(doer, event, looks)
    const causes = all.length > 1 ? all.filter((cause) => isLikely(cause, event, side, looks)) : all
    const key = [causes.join(), culprit?.pid, service.address, service.port, side].join(' ')
    const known = found.get(key)
    if (known === undefined) {
      const who = culprit === null ? null : { ...culprit, command: culprit.command ?? '?' }
      found.set(key, {
        event,
        causes,
        decides,
        culprit: who,
        service,
        side,
        count: 1,
        examples: [event],
      })
      continue
    }
    known.count++
    if (known.examples.length < MAX_EXAMPLES) known.examples.push(event)
  }
  return [...found.values()]
    .map((fact) => withUnkept(fact, events))
    .sort((a, b) => b.count - a.count)
}

type Culprit = NonNullable<ReturnType<typeof resetStory>['culprit']>

/**
 * A thread that served one connection and ended is gone before it can be asked whose it was: the one process that listens there and
 * has its name.
 */
function processOf(doer: Culprit, { local }: KernelEvent, { before, after }: Looks): Culprit {
  const holders = [...before, ...after].flatMap((n) =>
    n.listeners.filter((l) => l.local.port === local?.port).flatMap((l) => l.holders),
  )
  const named = new Set(
    holders.filter(({ command }) => command === doer.command).map(({ pid }) => pid),
  )
  const [pid, ...more] = named
  return pid === undefined || more.length > 0 || named.has(doer.pid) ? doer : { ...doer, pid }
}

/** What else is known beside the event, where that leaves several. */
function isLikely(
  cause: ResetCause,
  event: KernelEvent,
  side: 'local' | 'remote',
  looks: Looks,
): boolean {
  if (cause === 'listener-closed') return !stillListens(event, looks)
  // Nobody connects from a service's port to a higher one: what came is a stranger's answer.
  return cause !== 'syn-to-closed-port' || side === 'local'
}

/** The same listener at both looks: its queue was not reset. Needed where events that would tell were lost. */
function stillListens({ local }: KernelEvent, { before, after }: Looks): boolean {
  const at = (all: readonly NetnsSnapshot[]) =>
    all.flatMap((n) => n.listeners.filter((l) => l.local.port === local?.port).map((l) => l.inode))
  const first = at(before)
  const last = new Set(at(after))
  return first.length > 0 && first.every((inode) => last.has(inode))
}

/** As the groups of events have it: of two ends the one with the lower port. */
function serviceOf({ local, remote }: KernelEvent): {
  service: Endpoint | null
  side: 'local' | 'remote'
} {
  if (remote === null || remote.port === 0) return { service: local, side: 'local' }
  if (local === null || local.port === 0) return { service: remote, side: 'remote' }
  return local.port <= remote.port
    ? { service: local, side: 'local' }
    : { service: remote, side: 'remote' }
}

/** Of a group only the first events are kept; where all of those are of one kind, the others are taken to be too. */
function withUnkept(fact: ResetFact, events: EventsFacts): ResetFact {
  const group = events.groups.find((g) => isGroupOf(g, fact))
  if (group === undefined) return fact
  const kept = events.events.filter(
    (e) => e.kind === 'reset-sent' && e.reason === group.reason && sameService(e, fact),
  )
  return kept.length === fact.count ? { ...fact, count: Math.max(fact.count, group.count) } : fact
}

function isGroupOf({ kind, reason, service, side }: EventGroup, fact: ResetFact): boolean {
  return (
    kind === 'reset-sent' &&
    reason === fact.event.reason &&
    side === fact.side &&
    service?.port === fact.service.port &&
    service.address === fact.service.address
  )
}

function sameService(event: KernelEvent, fact: ResetFact): boolean {
  const { service, side } = serviceOf(event)
  return (
    side === fact.side &&
    service?.port === fact.service.port &&
    service.address === fact.service.address
  )
}

/** Settings and counters of the namespace whose listener it was; those of another would decide wrongly. */
function contextOf(
  event: KernelEvent,
  events: EventsFacts,
  { before, after }: Looks,
): ResetContext {
  const port = event.local?.port
  const homes = after.filter((n) => n.listeners.some((l) => l.local.port === port))
  const [home] = homes
  if (home === undefined || homes.length > 1) {
    return { events, abortOnOverflow: null, listenOverflows: null }
  }
  const abort = home.settings.settings.get('net.ipv4.tcp_abort_on_overflow')?.value
  const name = 'TcpExtListenOverflows'
  const first = before.find((n) => n.id === home.id)?.counters.counters.get(name)
  const last = home.counters.counters.get(name)
  return {
    events,
    abortOnOverflow: abort === undefined ? null : abort === '1',
    listenOverflows: first === undefined || last === undefined ? null : last - first,
  }
}
