import type { Certainty, Reason, Severity, Verdict } from '../causes/cause.ts'
import type { CauseId } from '../causes/ids.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Claim, Holding } from './rivals.ts'

/** One finding in the making: everything that one cause says in one variant about one group (or many, folded). */
export interface Merged {
  claim: Claim
  /** The best case of all: its reasons, culprit and values speak for the finding. */
  strongest: Holding
  /** Connections counted here, heaviest evidence aside, in order of id. */
  connections: readonly ConnectionFacts[]
  /** Sum of their weights. */
  count: number
  /** Only ever the second choice: counted elsewhere, under one of `rivals`. */
  alternative: boolean
  rivals: readonly { claim: Claim; connections: number; example: ConnectionFacts }[]
  certainty: Certainty
  severity: Severity
  because: readonly CountedReason[]
  against: readonly CountedReason[]
  groups: readonly { group: string; connections: number }[]
}

/** A reason, and how many connections gave one of the same template. */
export interface CountedReason {
  reason: Reason
  times: number
}

/** More groups of one cause than this are one finding with a list. */
const FOLD_ABOVE = 8
const MAX_BECAUSE = 8
const MAX_AGAINST = 6
export const certainties = ['confirmed', 'likely', 'possible'] as const
export const severities = ['problem', 'notice', 'benign'] as const

/**
 * Holdings of one cause, variant and group become one finding; many groups of one cause and variant are folded.
 * @param isHeard  whether the payload of that connection was read; of many that are alike some are
 */
export function merge(
  holdings: readonly Holding[],
  isHeard: (connection: ConnectionFacts) => boolean,
): Merged[] {
  const byCause = new Map<CauseId, Map<string, Map<string, Holding[]>>>()
  for (const holding of holdings) {
    const { cause, verdict } = holding.claim
    const byVariant = getOrMake(byCause, cause.id, newVariants)
    const groups = getOrMake(byVariant, verdict.variant ?? '', newGroups)
    getOrMake(groups, verdict.group, newHoldings).push(holding)
  }
  const merged: Merged[] = []
  for (const groups of [...byCause.values()].flatMap((variants) => [...variants.values()])) {
    if (groups.size > FOLD_ABOVE)
      merged.push(mergeGroup([...groups.values()].flat(), groups, isHeard))
    else {
      for (const [group, all] of groups)
        merged.push(mergeGroup(all, new Map([[group, all]]), isHeard))
    }
  }
  return merged
}

function mergeGroup(
  all: Holding[],
  groups: ReadonlyMap<string, readonly Holding[]>,
  isHeard: (connection: ConnectionFacts) => boolean,
): Merged {
  const counted = all.filter((h) => h.role !== 'alternative')
  const alternative = counted.length === 0
  const kept = alternative ? all : counted
  const strongest = strongestOf(kept)
  const voters = votersOf(kept, isHeard)
  return {
    claim: strongest.claim,
    strongest,
    connections: kept.map((h) => h.connection).sort((a, b) => a.id - b.id),
    count: weightOf(kept),
    alternative,
    rivals: rivalsOf(all),
    certainty: certaintyOf(voters),
    severity: severityOf(voters),
    because: fold(strongest, kept, 'because', MAX_BECAUSE),
    against: fold(strongest, kept, 'against', MAX_AGAINST),
    groups: [...groups]
      .map(([group, members]) => ({
        group,
        connections: weightOf(
          alternative ? members : members.filter((h) => h.role !== 'alternative'),
        ),
      }))
      .filter((g) => g.connections > 0)
      .sort((a, b) => b.connections - a.connections),
  }
}

function weightOf(holdings: readonly Holding[]): number {
  let sum = 0
  for (const { connection } of holdings) sum += connection.weight
  return sum
}

function strongestOf(holdings: readonly Holding[]): Holding {
  let best = holdings[0]!
  for (const holding of holdings) if (strength(holding) > strength(best)) best = holding
  return best
}

/** Uncontested first, then weight, certainty, and how much is said and seen. */
function strength({ claim: { verdict }, role, connection }: Holding): number {
  const contested = role === 'leader' || role === 'alternative' ? 0 : 1
  return (
    contested * 1_000_000 +
    verdict.weight * 1000 +
    (2 - certainties.indexOf(verdict.certainty)) * 100 +
    Math.min(verdict.because.length, 20) * 4 +
    (connection.sawStart ? 2 : 0) +
    (connection.seen === 'both' ? 1 : 0)
  )
}

/** Where what was said is known of some, these speak for those whose payload nobody read. */
function votersOf(
  holdings: readonly Holding[],
  isHeard: (connection: ConnectionFacts) => boolean,
): readonly Holding[] {
  if (!holdings.some(({ connection }) => isHeard(connection))) return holdings
  return holdings.filter(({ connection }) => isHeard(connection) || !hasSpoken(connection))
}

function hasSpoken({ sides: { client, server } }: ConnectionFacts): boolean {
  return client.payloadOctets + server.payloadOctets > 0
}

/** As certain as at least half of the connections are; a contested one is `possible` whatever its cause says. */
function certaintyOf(holdings: readonly Holding[]): Certainty {
  const votes = [0, 0, 0]
  for (const { role, claim, connection } of holdings) {
    const contested = role === 'leader' || role === 'alternative'
    votes[contested ? 2 : certainties.indexOf(claim.verdict.certainty)]! += connection.weight
  }
  return certainties[majorityOf(votes)]!
}

function severityOf(holdings: readonly Holding[]): Severity {
  const votes = [0, 0, 0]
  for (const { claim, connection } of holdings) {
    votes[severities.indexOf(claim.verdict.severity)]! += connection.weight
  }
  return severities[majorityOf(votes)]!
}

/** The first place at which the votes so far reach half of all. */
function majorityOf(votes: readonly number[]): number {
  const half = votes.reduce((a, b) => a + b, 0) / 2
  let sum = 0
  for (const [i, vote] of votes.entries()) {
    sum += vote
    if (sum >= half && sum > 0) return i
  }
  return votes.length - 1
}

/** Reasons of the strongest example first, then templates that only others use, the most frequent first. */
function fold(
  strongest: Holding,
  holdings: readonly Holding[],
  list: 'because' | 'against',
  limit: number,
): CountedReason[] {
  const counted: CountedReason[] = []
  for (const reason of strongest.claim.verdict[list]) {
    if (find(counted, reason) === undefined) counted.push({ reason, times: 0 })
  }
  const own = Math.min(counted.length, limit)
  const told = new Set<Verdict>()
  for (const { claim, connection } of holdings) {
    const { verdict } = claim
    const one = verdict.connections.length === 1
    // A verdict on many connections gives its reasons once; a sampled connection stands for `weight` of them.
    if (!one && told.has(verdict)) continue
    if (!one) told.add(verdict)
    count(counted, verdict[list], one ? connection.weight : 1)
  }
  const others = counted.slice(own).sort((a, b) => b.times - a.times)
  return [...counted.slice(0, own), ...others].slice(0, limit)
}

function count(counted: CountedReason[], reasons: readonly Reason[], times: number): void {
  for (let i = 0; i < reasons.length; i++) {
    const reason = reasons[i]!
    if (isRepeated(reasons, i)) continue
    const known = find(counted, reason)
    if (known === undefined) counted.push({ reason, times })
    else known.times += times
  }
}

/** Templates are few (the catalogue has a dozen for each cause): a scan is quicker than a key made of strings. */
function find(counted: readonly CountedReason[], reason: Reason): CountedReason | undefined {
  for (const entry of counted) if (sameTemplate(entry.reason, reason)) return entry
  return undefined
}

function isRepeated(reasons: readonly Reason[], at: number): boolean {
  for (let i = 0; i < at; i++) if (sameTemplate(reasons[i]!, reasons[at]!)) return true
  return false
}

function sameTemplate(a: Reason, b: Reason): boolean {
  return a.key === b.key && a.cause === b.cause
}

function rivalsOf(holdings: readonly Holding[]): Merged['rivals'] {
  const rivals = new Map<string, { claim: Claim; connections: number; example: ConnectionFacts }>()
  for (const { rivals: others, connection } of holdings) {
    for (const claim of others) {
      const known = rivals.get(claim.cause.id)
      if (known !== undefined) known.connections += connection.weight
      else {
        rivals.set(claim.cause.id, { claim, connections: connection.weight, example: connection })
      }
    }
  }
  return [...rivals.values()]
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

const newVariants = (): Map<string, Map<string, Holding[]>> => new Map()
const newGroups = (): Map<string, Holding[]> => new Map()
const newHoldings = (): Holding[] => []
