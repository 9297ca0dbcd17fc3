import type { Concluded, EvidenceSet, Judged } from './report.ts'
import type { Expects } from './types.ts'

type Conclusion = Pick<Concluded, 'evidence' | 'verdict' | 'findings'>

/** How near a conclusion from this evidence comes to what was done. */
export function judge(expected: Expects, { evidence, verdict, findings }: Conclusion): Judged {
  if (expected.verdict === 'healthy' || expected.verdict === 'benign') {
    return judgeHarmless(expected, verdict, findings)
  }
  const [first] = findings
  const isSure = verdict === 'problem'
  if (!isSure && verdict !== 'inconclusive') return sawNothing(expected, evidence)
  if (!isSure || first === undefined || first.certainty === 'possible') return 'undecided'
  if (first.cause === expected.cause) {
    return expected.variant === undefined || first.variant === expected.variant
      ? 'right'
      : 'variant'
  }
  const enough = [...(expected.enough ?? []), ...(expected.consequences ?? [])]
  if (enough.includes(first.cause)) return 'enough'
  if (evidence !== 'both' && expected.shallower?.includes(first.cause)) return 'enough'
  return 'wrong'
}

function judgeHarmless(
  { cause, verdict: expected }: Expects,
  verdict: Concluded['verdict'],
  findings: Concluded['findings'],
): Judged {
  if (verdict === 'problem') return 'wrong'
  if (verdict === 'inconclusive') return 'undecided'
  if (cause !== null) return findings[0]?.cause === cause ? 'right' : 'unseen'
  return expected === verdict || verdict === 'healthy' ? 'right' : 'enough'
}

/** From one end some faults cannot be seen at all; with both captures that is no excuse. */
function sawNothing({ isOffWire }: Expects, evidence: EvidenceSet): Judged {
  return evidence === 'both' && !isOffWire ? 'wrong' : 'unseen'
}

/** The best evidence there is: all captures, then one; of what no packet shows, the live host. */
export function isExpectedFirst(
  concluded: readonly Concluded[],
  { isOffWire }: Pick<Expects, 'isOffWire'> = {},
): boolean {
  const best = isOffWire
    ? concluded.find(({ evidence }) => evidence === 'live')
    : (concluded.find(({ evidence }) => evidence === 'both') ??
      concluded.find(({ evidence }) => !evidence.startsWith('live')))
  return best !== undefined && ['right', 'variant', 'enough'].includes(best.judged)
}
