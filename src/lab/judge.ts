import type { CauseId } from '../causes/ids.ts'
import type { Concluded, EvidenceSet, Judged } from './report.ts'
import type { Expects } from './types.ts'

type Conclusion = Pick<Concluded, 'evidence' | 'verdict' | 'findings'>

/**
 * How near a conclusion from this evidence comes to what was done.
 * @param general  the causes of which the expected one is a special case: true as far as it goes where the special cannot be seen
 */
export function judge(
  expected: Expects,
  { evidence, verdict, findings }: Conclusion,
  general: readonly CauseId[] = [],
): Judged {
  if (expected.verdict === 'healthy' || expected.verdict === 'benign') {
    return judgeHarmless(expected, verdict, findings)
  }
  const [first] = findings
  // A host alone cannot tell whether anybody was harmed: named surely, if only as a remark.
  if (evidence.startsWith('live') && verdict === 'benign' && isSame(expected, first))
    return 'enough'
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
  if (isFromBothEnds(evidence)) return 'wrong'
  return [...general, ...(expected.shallower ?? [])].includes(first.cause) ? 'enough' : 'wrong'
}

function isSame({ cause }: Expects, first: Concluded['findings'][number] | undefined): boolean {
  return first !== undefined && first.cause === cause && first.certainty !== 'possible'
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
  return isFromBothEnds(evidence) && !isOffWire ? 'wrong' : 'unseen'
}

function isFromBothEnds(evidence: EvidenceSet): boolean {
  return evidence === 'both' || evidence === 'all'
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
