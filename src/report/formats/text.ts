import type { ConnectionSummary, Finding, Report } from '../../diagnose/report.ts'
import { hostWords } from '../../messages/en/hosts.ts'
import { reportWords as words } from '../../messages/en/report.ts'
import { render as fill } from '../../messages/render.ts'
import type { RenderOptions, ReportFormat } from '../format.ts'
import { comparisonTexts } from '../hosts.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
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
import { wrap, wrapCommand } from '../wrap.ts'
import { hostLines } from './text-host.ts'

/** For the terminal: the first line is the answer, as wide as the terminal is or 100 columns, colours only if asked. */
export const text: ReportFormat = { id: 'text', title: 'text for the terminal', render }

const LABEL_WIDTH = 13

function* render(report: Report, options: RenderOptions): Iterable<string> {
  const paint = paintFor(options.color, options.columns)
  const names = sourceNames(report)
  yield lines(wrap(printable(report.headline), '', paint.columns).map((line) => paint.bold(line)))
  let number = 0
  for (const finding of report.findings) {
    number++
    yield '\n'
    yield lines(findingLines(finding, number, names, paint))
  }
  for (const host of report.hosts ?? []) yield lines(hostLines(host, options, paint))
  if (report.comparison !== undefined) {
    const texts = comparisonTexts(report.comparison)
    const body = texts.flatMap((t) => wrap(printable(t), '  ', paint.columns))
    yield section(hostWords.heading, body, paint)
  }
  yield section(words.heading.excluded, excludedLines(report, names, paint), paint)
  yield section(words.heading.unknown, unknownLines(report, paint), paint)
  if (report.vantage ?? report.translation) {
    const vantage = vantageTexts(report, names).flatMap((t) =>
      wrap(printable(t), '  ', paint.columns),
    )
    yield section(words.heading.vantage, vantage, paint)
  }
  yield baselineSection(report, paint)
  if (options.verbose && report.connections.total > 0) {
    yield* connections(report, options, names, paint)
  }
  yield '\n'
  yield lines(
    [...sourceLines(report, paint), ...moreLines(report, paint)].map((line) => paint.dim(line)),
  )
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('')
}

function section(heading: string, body: readonly string[], paint: Paint): string {
  return body.length === 0 ? '' : `\n${paint.bold(printable(heading))}\n${lines(body)}`
}

function findingLines(f: Finding, number: number, names: SourceNames, paint: Paint): string[] {
  const color = f.severity === 'problem' ? paint.red : paint.yellow
  const title = wrap(`${printable(f.title)}`, `${number}. `, paint.columns).map((line) =>
    color(line),
  )
  const kind = `${causeText(f)}: ${words.certainty[f.certainty]}, ${words.severity[f.severity]}`
  return [
    ...title,
    ...labelled(words.label.cause, [kind], paint),
    ...labelled(words.label.culprit, [culpritText(f.culprit)], paint),
    ...labelled(words.label.affected, [affectedText(f.affected)], paint),
    ...relations(f).flatMap(([label, cause]) => labelled(label, [cause], paint)),
    ...labelled(
      words.label.because,
      f.because.map((b) => becauseText(b, names, f.affected.connections)),
      paint,
    ),
    ...labelled(words.label.against, againstTexts(f, names), paint),
    ...steps(words.label.now, f.now ?? [], paint),
    ...steps(words.label.confirm, f.confirm, paint),
    ...steps(words.label.fix, f.fix, paint),
  ]
}

function againstTexts(f: Finding, names: SourceNames): string[] {
  if (f.against.length === 0) return [words.against.none]
  return f.against.map((b) => becauseText(b, names, f.affected.connections))
}

/** "   evidence     - first" and the others below it; a single one has no dash. */
function labelled(label: string, texts: readonly string[], paint: Paint): string[] {
  const dash = texts.length > 1 ? '- ' : ''
  return texts.flatMap((t, i) => {
    const margin = `   ${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}`
    const wrapped = wrap(printable(t), margin + dash, paint.columns)
    return i === 0 ? [paintLabel(wrapped[0] ?? '', paint), ...wrapped.slice(1)] : wrapped
  })
}

function paintLabel(line: string, paint: Paint): string {
  const width = 3 + LABEL_WIDTH
  return paint.cyan(line.slice(0, width)) + line.slice(width)
}

function steps(label: string, all: Finding['fix'], paint: Paint): string[] {
  const dash = all.length > 1 ? '- ' : ''
  const indent = ' '.repeat(3 + LABEL_WIDTH + dash.length)
  return all.flatMap((step, i) => {
    const margin = `   ${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}`
    const [first = '', ...rest] = wrap(printable(step.text), margin + dash, paint.columns)
    const out = [paintLabel(first, paint), ...rest]
    const { setting, command, verify } = step
    if (setting !== undefined) {
      out.push(...wrap(printable(`${words.label.setting}: ${setting}`), indent, paint.columns))
    }
    if (command !== undefined) out.push(...commandLines(command, `${indent}$ `, paint))
    if (verify !== undefined) {
      out.push(...commandLines(verify, `${indent}${words.label.verify} $ `, paint))
    }
    return out
  })
}

function commandLines(command: string, margin: string, paint: Paint): string[] {
  return wrapCommand(printable(command), margin, paint.columns).map((line) => paint.green(line))
}

function excludedLines(report: Report, names: SourceNames, paint: Paint): string[] {
  return report.excluded.flatMap(({ cause, because }) => {
    const why = because.map((b) => becauseText(b, names)).join('; ')
    return wrap(printable(`${cause}: ${why}`), '  ', paint.columns)
  })
}

function unknownLines(report: Report, paint: Paint): string[] {
  return report.unknown.flatMap(({ cause, missing, ask }) => [
    ...wrap(
      printable(`${cause}: ${words.label.missing} ${missing.join(', ')}`),
      '  ',
      paint.columns,
    ),
    ...wrapCommand(printable(ask), '    $ ', paint.columns).map((line) => paint.green(line)),
  ])
}

function baselineSection(report: Report, paint: Paint): string {
  if (report.baseline === undefined) return ''
  const body = report.baseline.differences.flatMap((d) => {
    return wrap(printable(differenceText(d)), '  ', paint.columns)
  })
  return section(fill(words.heading.baseline, { name: report.baseline.name }), body, paint)
}

function* connections(
  report: Report,
  options: RenderOptions,
  names: SourceNames,
  paint: Paint,
): Iterable<string> {
  yield '\n'
  yield `${paint.bold(connectionsHeading(report))}\n`
  for (const connection of options.listed ?? report.connections.listed) {
    yield lines(connectionLines(connection, names, paint))
  }
}

function connectionLines(
  connection: ConnectionSummary,
  names: SourceNames,
  paint: Paint,
): string[] {
  const { ends, what, odd } = connectionTexts(connection, names)
  const id = `  ${connection.id.padStart(5)}  `
  return [
    ...wrap(printable(`${ends} ${what}`), id, paint.columns),
    ...wrap(printable(odd), ' '.repeat(id.length), paint.columns),
  ]
}

/** What to type next. */
function moreLines(report: Report, paint: Paint): string[] {
  const finding = report.findings.find((f) => f.affected.examples.length > 0)
  if (finding === undefined) return []
  const values = { cause: finding.cause, id: finding.affected.examples[0] ?? '' }
  return wrap(printable(fill(words.more, values)), '', paint.columns)
}

function sourceLines(report: Report, paint: Paint): string[] {
  const body = report.sources.flatMap((source) => {
    const [first = '', ...faults] = sourceTexts(source)
    return [
      ...wrap(printable(first), '', paint.columns),
      ...faults.flatMap((f) => wrap(printable(f), '  ! ', paint.columns)),
    ]
  })
  const noCapture = report.sources.every((s) => s.kind === 'host' || s.kind === 'bundle')
  return noCapture ? body : [...wrap(totalsText(report), '', paint.columns), ...body]
}
