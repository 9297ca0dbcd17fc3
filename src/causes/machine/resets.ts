import type { KernelEvent, MachineFacts, ResetCause, ResetFact } from '../../evidence/machine.ts'
import type { Judgement, Reason, Verdict } from '../cause.ts'
import { endpointText, eventRef, serverEnd, whereOf } from './lookup.ts'

/** How a cause reads the resets that this host sent. */
export interface ResetReading {
  /** The kernel's stories that are this cause. */
  of: readonly ResetCause[]
  /** Whether resets of a dying process are this cause's (true), another's (false), or either's. */
  dying?: boolean
  severity(fact: ResetFact): Verdict['severity']
  /** Whose doing it is, seen from this host. Default: this host's end. */
  culprit?: 'here' | 'peer'
  because(fact: ResetFact, machine: MachineFacts): readonly Reason[]
  against?(fact: ResetFact, machine: MachineFacts): readonly Reason[]
  consequenceOf?(fact: ResetFact): Verdict['consequenceOf'] | undefined
  variant?: string
  /** Where it depends on what was reset. */
  variantOf?(fact: ResetFact): string | undefined
}

/**
 * What a cause concludes from the resets of this host. The kernel names its reason beyond doubt where one story is left;
 * where several are, the likeliest is `possible` and says which others there are.
 */
export function judgeResets(machine: MachineFacts, reading: ResetReading): Judgement {
  const verdicts: Verdict[] = []
  const total = machine.resets.reduce((sum, fact) => sum + fact.count, 0)
  for (const fact of machine.resets) {
    const [first] = fact.causes
    if (first === undefined || !reading.of.includes(first)) continue
    if (reading.dying !== undefined && (fact.culprit?.dying ?? false) !== reading.dying) continue
    verdicts.push(verdictOf(machine, fact, total, reading))
  }
  return { verdicts }
}

function verdictOf(
  machine: MachineFacts,
  fact: ResetFact,
  total: number,
  reading: ResetReading,
): Verdict {
  const { service, side, culprit, count } = fact
  const alone = fact.causes.every((cause) => reading.of.includes(cause))
  const here = side === 'local' ? 'server' : 'client'
  const there = side === 'local' ? 'client' : 'server'
  const byPeer = reading.culprit === 'peer'
  const server = endpointText(service)
  const container = whereOf(machine, culprit?.pid)
  const consequenceOf = reading.consequenceOf?.(fact)
  const variant = reading.variantOf?.(fact) ?? reading.variant
  return {
    connections: [],
    ...(variant === undefined ? {} : { variant }),
    certainty: alone ? 'confirmed' : 'possible',
    severity: reading.severity(fact),
    weight: alone ? 95 : 45,
    culprit: {
      side: byPeer ? there : here,
      ...(byPeer ? {} : { host: machine.name }),
      ...(byPeer || culprit === null
        ? {}
        : {
            process: {
              pid: culprit.pid,
              command: culprit.command,
              ...(container === null ? {} : { container }),
            },
          }),
    },
    because: reading.because(fact, machine),
    against: reading.against?.(fact, machine) ?? [],
    values: {
      who: culprit === null ? machine.name : culprit.command,
      pid: culprit?.pid ?? 'PID',
      server,
      address: service.address,
      port: service.port,
      here,
      there,
      of: machine.name,
      host: machine.name,
      culprit: machine.name,
      prober: machine.name,
      peer: fact.event.remote?.address ?? service.address,
      client: (side === 'local' ? fact.event.remote : fact.event.local)?.address ?? machine.name,
    },
    group: `${culprit?.pid ?? ''} ${here} ${server}`,
    ...(consequenceOf === undefined ? {} : { consequenceOf }),
    machine: {
      source: machine.source,
      count,
      of: total,
      what: 'resets',
      examples: fact.examples.flatMap(({ local, remote }) =>
        local === null || remote === null
          ? []
          : [`${endpointText(local)} > ${endpointText(remote)}`],
      ),
      server: serverEnd(service),
    },
  }
}

/** The kept events of a fact: of very many alike only the first are. */
export function membersOf({ events }: MachineFacts, fact: ResetFact): KernelEvent[] {
  const { service, side, event } = fact
  return (events?.events ?? []).filter((one) => {
    if (one.kind !== 'reset-sent' || one.reason !== event.reason || one.pid !== event.pid)
      return false
    const end = side === 'local' ? one.local : one.remote
    return end?.port === service.port && end.address === service.address
  })
}

/** The event itself, as evidence; the reader opens it by its time. */
export function eventOf(fact: ResetFact, machine: MachineFacts) {
  return eventRef(machine, fact.event)
}
