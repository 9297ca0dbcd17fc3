import { certainties, severities } from './merge.ts'
import type { Finding, Report } from './report.ts'

/**
 * Most important first: severity, certainty, share of connections, roots before consequences, then by name so that the
 * order is the same every time. A consequence or an alternative never stands before the finding it leans on.
 */
export function rank(findings: readonly Finding[]): Finding[] {
  const sorted = [...findings].sort(compare)
  const placed: Finding[] = []
  const waiting = new Set(sorted)
  const place = (finding: Finding) => {
    if (!waiting.delete(finding)) return
    const root = finding.consequenceOf ?? finding.alternativeTo
    for (const other of root === undefined ? [] : sorted) if (other.cause === root) place(other)
    placed.push(finding)
  }
  for (const finding of sorted) place(finding)
  return placed
}

function compare(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    certainties.indexOf(a.certainty) - certainties.indexOf(b.certainty) ||
    b.affected.connections - a.affected.connections ||
    Number(a.consequenceOf !== undefined) - Number(b.consequenceOf !== undefined) ||
    Number(a.alternativeTo !== undefined) - Number(b.alternativeTo !== undefined) ||
    order(a.cause, b.cause) ||
    order(a.title, b.title)
  )
}

/** A consequence of something that was not found is a finding of its own. */
export function cutLooseEnds(findings: readonly Finding[]): Finding[] {
  const found = new Set<string>(findings.map((f) => f.cause))
  return findings.map((finding) => {
    if (finding.consequenceOf === undefined || found.has(finding.consequenceOf)) return finding
    const { consequenceOf: _, ...rest } = finding
    return rest
  })
}

/**
 * @param unexplained endings that look like trouble and that no cause explains
 * @param seen whether there was anything to judge
 */
export function verdictOf(
  findings: readonly Finding[],
  unexplained: number,
  seen: boolean,
): Report['verdict'] {
  const problems = findings.filter((f) => f.severity === 'problem')
  if (problems.some((f) => f.certainty !== 'possible')) return 'problem'
  if (problems.length > 0 || unexplained > 0 || !seen) return 'inconclusive'
  return findings.length > 0 ? 'benign' : 'healthy'
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
