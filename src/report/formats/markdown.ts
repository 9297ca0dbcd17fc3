import type { Finding, Report } from '../../diagnose/report.ts'
import { hostWords } from '../../messages/en/hosts.ts'
import { reportWords as words } from '../../messages/en/report.ts'
import { render as fill } from '../../messages/render.ts'
import { markdownBlock, markdownCode, markdownText } from '../escape.ts'
import type { RenderOptions, ReportFormat } from '../format.ts'
import { comparisonTexts } from '../hosts.ts'
import {
  affectedText,
  becauseText,
  causeText,
  connectionsHeading,
  connectionTexts,
  culpritText,
  differenceText,
  relations,
  type SourceNames,
  sourceNames,
  sourceTexts,
  totalsText,
  vantageTexts,
} from '../sentences.ts'

/** For an incident ticket: headings that nest below the ticket's own, commands in blocks that can be copied. */
export const markdown: ReportFormat = {
  id: 'markdown',
  title: 'Markdown for an incident ticket',
  render,
}

function* render(report: Report, options: RenderOptions): Iterable<string> {
  const names = sourceNames(report)
  yield `**${markdownText(report.headline)}**\n`
  let number = 0
  for (const finding of report.findings) {
    number++
    yield `\n### ${number}. ${markdownText(finding.title)}\n\n`
    yield findingText(finding, names)
  }
  yield section(
    words.heading.excluded,
    report.excluded.map(({ cause, because }) => {
      const why = because.map((b) => markdownText(becauseText(b, names))).join('; ')
      return `${markdownCode(cause)}: ${why}`
    }),
  )
  yield section(
    words.heading.unknown,
    report.unknown.map(({ cause, missing, ask }) => {
      const what = `${markdownCode(cause)}: ${words.label.missing} ${markdownText(missing.join(', '))}`
      return `${what}\n${markdownBlock(ask, '  ').trimEnd()}`
    }),
  )
  if (report.comparison !== undefined) {
    yield section(hostWords.heading, comparisonTexts(report.comparison).map(markdownText))
  }
  yield section(words.heading.vantage, vantageTexts(report, names).map(markdownText))
  if (report.baseline !== undefined) {
    const heading = markdownText(fill(words.heading.baseline, { name: report.baseline.name }))
    yield section(
      heading,
      report.baseline.differences.map((d) => markdownText(differenceText(d))),
    )
  }
  if (options.verbose && report.connections.total > 0) yield* connections(report, options, names)
  const sources = report.sources.map((source) => sourceTexts(source).map(markdownText).join('; '))
  yield section(words.heading.sources, [markdownText(totalsText(report)), ...sources])
}

function section(heading: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `\n### ${heading}\n\n${list(items)}`
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}\n`).join('')
}

function findingText(f: Finding, names: SourceNames): string {
  const kind = `${words.certainty[f.certainty]}, ${words.severity[f.severity]}`
  const facts = [
    `**${words.label.cause}**: ${markdownCode(causeText(f))} (${kind})`,
    `**${words.label.culprit}**: ${markdownText(culpritText(f.culprit))}`,
    `**${words.label.affected}**: ${markdownText(affectedText(f.affected))}`,
  ]
  facts.push(...relations(f).map(([label, cause]) => `**${label}**: ${markdownCode(cause)}`))
  const against =
    f.against.length === 0
      ? [words.against.none]
      : f.against.map((b) => markdownText(becauseText(b, names, f.affected.connections)))
  return [
    list(facts),
    part(
      words.label.because,
      list(f.because.map((b) => markdownText(becauseText(b, names, f.affected.connections)))),
    ),
    part(words.label.against, list(against)),
    part(words.label.now, steps(f.now ?? [])),
    part(words.label.confirm, steps(f.confirm)),
    part(words.label.fix, steps(f.fix)),
  ].join('')
}

function part(label: string, body: string): string {
  return body === '' ? '' : `\n**${label}**\n\n${body}`
}

function steps(all: Finding['fix']): string {
  return all
    .map((step) => {
      const setting = step.setting === undefined ? '' : ` (${markdownCode(step.setting)})`
      const verify = step.verify === undefined ? '' : `  ${words.label.verify}:\n`
      return [
        `- ${markdownText(step.text)}${setting}\n`,
        step.command === undefined ? '' : markdownBlock(step.command, '  '),
        verify,
        step.verify === undefined ? '' : markdownBlock(step.verify, '  '),
      ].join('')
    })
    .join('')
}

function* connections(
  report: Report,
  options: RenderOptions,
  names: SourceNames,
): Iterable<string> {
  yield `\n### ${connectionsHeading(report)}\n\n| id | client > server | | |\n|---|---|---|---|\n`
  for (const connection of options.listed ?? report.connections.listed) {
    const { ends, what, odd } = connectionTexts(connection, names)
    yield `| ${[connection.id, ends, what, odd].map(markdownText).join(' | ')} |\n`
  }
}
