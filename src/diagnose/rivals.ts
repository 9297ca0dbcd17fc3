import type { Cause, Verdict } from '../causes/cause.ts'
import type { CauseId } from '../causes/ids.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'

/** One verdict of one cause. */
export interface Claim {
  cause: Cause
  verdict: Verdict
}

/**
 * How a claim fared for one connection. 'sole': it is the explanation; 'leader' and 'alternative': so near to each other
 * that neither can be called the explanation, the connection is counted under the leader; 'consequence': counted beside
 * the cause that it follows from, or that it is told beside.
 */
export interface Holding {
  claim: Claim
  connection: ConnectionFacts
  role: 'sole' | 'leader' | 'alternative' | 'consequence'
  /** The claims it is contested with. */
  rivals: readonly Claim[]
}

/** Weights nearer than this say nothing about which of two causes it was. */
const MARGIN = 5
/** A contested connection follows its group where the group has at least this many clear cases, and this many times the rival's. */
const COMPANY = 3
const COMPANY_RATIO = 4

interface Slots {
  connections: ConnectionFacts[]
  claimsOf: (readonly Claim[])[]
}

interface Contested {
  connection: ConnectionFacts
  tied: readonly Claim[]
}

const NONE: readonly Claim[] = []

/**
 * Who explains which connection. Per connection: a cause beats the general one it specialises, consequences stand back
 * behind their own cause, then the heaviest wins; what is left tied goes with the clear cases of the same group, else
 * stays contested. Linear in the number of (claim, connection) pairs.
 */
export function settle(claims: readonly Claim[]): Holding[] {
  const holdings: Holding[] = []
  const contested: Contested[] = []
  const { connections, claimsOf } = byConnection(claims)
  for (let i = 0; i < connections.length; i++) {
    const connection = connections[i]!
    const some = claimsOf[i]!
    const roots = rootsOf(some)
    const tied = tiedOf(roots)
    if (tied.length > 1) contested.push({ connection, tied })
    else holdings.push({ claim: tied[0]!, connection, role: 'sole', rivals: NONE })
    if (some.length > roots.length) pushConsequences(holdings, connection, { some, roots, tied })
  }
  if (contested.length === 0) return holdings
  const company = companyOf(holdings)
  for (const { connection, tied } of contested) {
    settleContested(holdings, connection, tied, company)
  }
  return holdings
}

/** Connections that each cause explains without a rival, by group. */
function companyOf(holdings: readonly Holding[]): Map<string, number> {
  const company = new Map<string, number>()
  for (const { claim, role, connection } of holdings) {
    if (role !== 'sole') continue
    const key = companyKey(claim)
    company.set(key, (company.get(key) ?? 0) + connection.weight)
  }
  return company
}

/** The cause a connection is counted under, by connection id. */
export function causeByConnection(holdings: readonly Holding[]): Map<number, CauseId> {
  const causes = new Map<number, CauseId>()
  for (const { role, connection, claim } of holdings) {
    if (role === 'sole' || role === 'leader') causes.set(connection.id, claim.cause.id)
  }
  return causes
}

/** Connections in order of their first claim, each with its claims. Most have one: those share an array a verdict. */
function byConnection(claims: readonly Claim[]): Slots {
  const places = new Map<number, number>()
  const connections: ConnectionFacts[] = []
  const claimsOf: (readonly Claim[])[] = []
  for (const claim of claims) {
    const alone = [claim]
    for (const connection of claim.verdict.connections) {
      const place = places.get(connection.id)
      if (place === undefined) {
        places.set(connection.id, connections.length)
        connections.push(connection)
        claimsOf.push(alone)
      } else claimsOf[place] = withClaim(claimsOf[place]!, claim)
    }
  }
  return { connections, claimsOf }
}

/** Two verdicts of one cause for one connection are no rivals: the heavier one speaks. */
function withClaim(claims: readonly Claim[], claim: Claim): readonly Claim[] {
  const same = claims.findIndex((c) => c.cause.id === claim.cause.id)
  if (same < 0) return [...claims, claim]
  return claim.verdict.weight > claims[same]!.verdict.weight ? claims.with(same, claim) : claims
}

/** Claims that do not follow from (or stand beside) another claim for the same connection; all of them if that leaves none (a cycle). */
function rootsOf(claims: readonly Claim[]): readonly Claim[] {
  if (claims.every((c) => leansOn(c) === undefined)) return claims
  const roots = claims.filter((c) => {
    const parent = leansOn(c)
    return parent === undefined || !claims.some((other) => other !== c && other.cause.id === parent)
  })
  return roots.length === 0 ? claims : roots
}

function leansOn({ verdict }: Claim): CauseId | undefined {
  return verdict.consequenceOf ?? verdict.beside
}

function tiedOf(roots: readonly Claim[]): readonly Claim[] {
  if (roots.length === 1) return roots
  if (roots.every((c) => c.cause.specialises === undefined)) {
    const best = heaviest(roots)
    if (best !== null) return [best]
  }
  const special = roots.filter((c) => !roots.some((o) => specialises(o, c) && !specialises(c, o)))
  const standing = special.length === 0 ? roots : special
  const weighed = standing
    .map((claim) => ({ claim, weight: weightOf(claim, roots) }))
    .sort((a, b) => b.weight - a.weight || order(a.claim.cause.id, b.claim.cause.id))
  const best = weighed[0]!.weight
  return weighed.filter((w) => best - w.weight < MARGIN).map((w) => w.claim)
}

/** The one that is heavier than every other by more than the margin, or null. */
function heaviest(claims: readonly Claim[]): Claim | null {
  let best = claims[0]!
  let second = Number.NEGATIVE_INFINITY
  for (let i = 1; i < claims.length; i++) {
    const claim = claims[i]!
    second = Math.max(second, Math.min(claim.verdict.weight, best.verdict.weight))
    if (claim.verdict.weight > best.verdict.weight) best = claim
  }
  return best.verdict.weight - second < MARGIN ? null : best
}

/** What speaks for the general cause speaks for its special case too. */
function weightOf(claim: Claim, all: readonly Claim[]): number {
  let weight = claim.verdict.weight
  for (const other of all) {
    if (specialises(claim, other)) weight = Math.max(weight, other.verdict.weight)
  }
  return weight
}

function specialises(special: Claim, general: Claim): boolean {
  return special.cause.specialises?.includes(general.cause.id) ?? false
}

/** Consequences, near and far, of a cause that stands. */
function pushConsequences(
  holdings: Holding[],
  connection: ConnectionFacts,
  claims: { some: readonly Claim[]; roots: readonly Claim[]; tied: readonly Claim[] },
): void {
  const { some, roots, tied } = claims
  const standing = new Set<CauseId>(tied.map((c) => c.cause.id))
  const left = new Set(some.filter((c) => !roots.includes(c)))
  let found = true
  while (found) {
    found = false
    for (const claim of left) {
      const parent = leansOn(claim)
      if (parent === undefined || !standing.has(parent)) continue
      standing.add(claim.cause.id)
      left.delete(claim)
      holdings.push({ claim, connection, role: 'consequence', rivals: NONE })
      found = true
    }
  }
}

function settleContested(
  holdings: Holding[],
  connection: ConnectionFacts,
  tied: readonly Claim[],
  company: ReadonlyMap<string, number>,
): void {
  const support = tied.map((claim) => ({ claim, clear: company.get(companyKey(claim)) ?? 0 }))
  support.sort((a, b) => b.clear - a.clear)
  const [first, second] = [support[0]!, support[1]!]
  if (first.clear >= COMPANY && first.clear >= COMPANY_RATIO * second.clear) {
    holdings.push({ claim: first.claim, connection, role: 'sole', rivals: NONE })
    return
  }
  // `support` keeps the order of weight among equals, so the heaviest or best accompanied one leads.
  for (const [i, { claim }] of support.entries()) {
    const rivals = tied.filter((c) => c !== claim)
    holdings.push({ claim, connection, role: i === 0 ? 'leader' : 'alternative', rivals })
  }
}

function companyKey({ cause, verdict }: Claim): string {
  return `${cause.id}\n${verdict.group}`
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
