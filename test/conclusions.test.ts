import { describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../src/app/analyze.ts'
import type { AnalyzeOptions, Vantage } from '../src/app/types.ts'
import type { Finding, Report } from '../src/diagnose/report.ts'
import { capturePages } from './helpers/capture-pages.ts'
import { planOf } from './helpers/probe-commands.ts'

const pages = capturePages()

/** With everything the page has, tcpwhy concludes what the page expects: verdict, cause, variant and culprit. */
describe.each(pages)('$id', (page) => {
  test('concludes what its page expects', async () => {
    const report = await conclude(page.files)
    const { verdict, cause, variant, culprit } = page.expects
    for (const finding of report.findings) await expectExperiment(finding)
    const first = report.findings[0]
    expect(said(report)).toContain(`${verdict}:`)
    if (cause === 'null') {
      expect(report.findings.filter((f) => f.severity === 'problem')).toEqual([])
      return
    }
    expect(first?.cause, said(report)).toBe(cause)
    if (variant !== undefined) expect(first?.variant, said(report)).toBe(variant)
    if (culprit !== undefined) expect(first?.culprit.side, said(report)).toBe(culprit)
  })

  test('is never confidently wrong from one side alone', async () => {
    for (const file of page.files) {
      const report = await conclude([file])
      const allowed = new Set<string>([
        page.expects['cause']!,
        ...page.also,
        ...(SAME[page.id] ?? []),
      ])
      const wrong = report.findings.filter(
        (f) => isConfident(f) && !allowed.has(f.cause) && !allowed.has(f.consequenceOf ?? ''),
      )
      expect(wrong.map((f) => `${file}: ${f.cause} ${f.certainty}`)).toEqual([])
    }
  })
})

/** What would confirm it begins with an experiment that tcpwhy takes as it is printed. */
async function expectExperiment({ cause, confirm }: Finding): Promise<void> {
  const [experiment] = confirm
  expect(experiment?.command, cause).toMatch(/tcpwhy probe /)
  expect(experiment?.text).toMatch(/^For it: .+ Against it: .+\.$/)
  await planOf(experiment?.command ?? '')
}

/** What one side alone cannot tell apart from the truth, or companions of it, by page; each with its reason. */
const SAME: Record<string, readonly string[]> = {}

function isConfident(finding: Finding): boolean {
  return finding.severity === 'problem' && finding.certainty !== 'possible'
}

function conclude(files: readonly string[]): Promise<Report> {
  const both = files.length > 1
  const roles: Vantage[] =
    files.length === 3 ? ['client', 'router', 'server'] : ['client', 'server']
  const options: AnalyzeOptions = {
    inputs: both ? [] : files,
    at: both ? files.map((path, i) => ({ vantage: roles[i]!, path })) : [],
    filter: {},
    all: false,
  }
  return analyzeCaptures(options).then((result) => result.report)
}

function said(report: Report): string {
  const findings = report.findings.map((f) => `${f.cause}(${f.variant ?? ''}) ${f.certainty}`)
  return `${report.verdict}: ${findings.join(', ')}; unknown ${report.unknown.map((u) => u.cause)}`
}
