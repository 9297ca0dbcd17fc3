import type { CauseId } from '../causes/ids.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { say } from './finding.ts'
import type { Report } from './report.ts'
import type { Claim } from './rivals.ts'

/** What the captures do not have and many causes would need: when packets came, from how far, and what was said. */
type Doubt = keyof typeof words.doubts

export interface Doubted {
  claims: Claim[]
  /** What is missing for each cause that is therefore less certain. */
  unknown: Report['unknown']
  /** There are no times at all: nobody can say that nothing stalled. */
  untimed: boolean
}

/**
 * Text that was printed without times or without TTLs: what rests on them is possible at most. Without TTLs nobody can tell a
 * host's own reset from one that something in between made in its name. The same where headers alone would call a reset harmless.
 */
export function doubted(claims: readonly Claim[], evidence: Evidence): Doubted {
  const untimed = evidence.sources.some((s) => s.timesKnown === false)
  const doubts = new Map<CauseId, Doubt>()
  const lowered = claims.map((claim) => {
    const doubt = untimed ? 'times' : doubtOf(claim, evidence)
    if (doubt === null || claim.verdict.certainty === 'confirmed') return claim
    doubts.set(claim.cause.id, doubt)
    return { ...claim, verdict: { ...claim.verdict, certainty: 'possible' as const } }
  })
  const unknown = [...doubts].map(([cause, doubt]) => ({
    cause,
    missing: [say(words.doubts[doubt].missing, {})],
    ask: say(words.doubts[doubt].ask, {}),
  }))
  return { claims: lowered, unknown, untimed }
}

function doubtOf(claim: Claim, evidence: Evidence): Doubt | null {
  if (isResetUnproven(claim, evidence)) return 'ttl'
  return isHarmUnseen(claim, evidence) ? 'payload' : null
}

/** Whether it is called harmless that a connection was reset behind an answer of which nobody saw whether it was whole. */
function isHarmUnseen({ verdict: { connections, severity } }: Claim, { sources }: Evidence) {
  if (severity !== 'benign' || sources.some((s) => s.payload !== false)) return false
  return connections.some((c) => c.ending === 'reset' && c.sides.server.payloadOctets > 0)
}

/** Whether the claim is that a host reset connections, and nothing but its address in the packets says so. */
function isResetUnproven({ verdict }: Claim, { vantage, translation }: Evidence): boolean {
  const { connections, culprit } = verdict
  const ofHost = culprit.side === 'client' || culprit.side === 'server'
  if (!ofHost || vantage !== null || translation !== undefined) return false
  return connections.some(isResetAlone)
}

/**
 * A reset that nothing joins to its alleged sender: one after its own FIN is what a host does, and one that carries the
 * connection's timestamps knows them.
 */
function isResetAlone({ headerFieldsKnown, ending, resets, sides }: ConnectionFacts): boolean {
  const [first] = resets
  if (headerFieldsKnown || ending !== 'reset' || first === undefined) return false
  if (first.timestampsKept === true) return false
  const { fin } = sides[first.from]
  return fin === null || fin.frame > first.frame
}
