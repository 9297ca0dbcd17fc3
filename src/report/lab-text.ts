import type { Concluded, LabReport } from '../lab/report.ts'
import type { Measure, Outcome, Scenario, Table } from '../lab/types.ts'
import { labWords as words } from '../messages/en/lab.ts'
import { render as fill, formatCount } from '../messages/render.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './printable.ts'
import { wrap } from './wrap.ts'

/** `tcpwhy lab run` for the terminal: the first line is the answer. */
export function labText(
  report: LabReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const { reproduced, concluded } = report
  const lines = [
    ...wrap(printable(headlineOf(report)), '', paint.columns).map((line) => paint.bold(line)),
    ...section(words.heading.fault, [printable(report.fault)], paint),
    ...section(words.heading.symptom, [printable(reproduced.symptom)], paint),
    ...(reproduced.table === undefined ? [] : ['', ...tableLines(reproduced.table)]),
    '',
    paint.bold(words.heading.concluded),
    ...concluded.flatMap((one) => concludedLines(one, paint)),
    ...section(words.heading.kernel, kernelTexts(report), paint),
    ...fixLines(report, paint),
    ...(report.faults.length === 0
      ? []
      : section(words.heading.faults, report.faults.map(printable), paint)),
    '',
    fill(words.took, { seconds: String(report.seconds) }),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function headlineOf({
  scenario,
  variant,
  expected,
  reproduced,
  concluded,
  fixed,
  isAsExpected,
}: LabReport): string {
  const values = { scenario, variant, cause: expected.cause ?? words.nothing }
  const best =
    concluded.find(({ evidence }) => evidence === (expected.isOffWire ? 'live' : 'both')) ??
    concluded[0]
  if (isAsExpected) {
    const { headline } = words
    if (expected.verdict === 'healthy' || expected.verdict === 'benign')
      return fill(headline.asExpectedHarmless, values)
    const first = best?.findings[0]?.cause ?? words.nothing
    const told =
      best?.judged === 'enough'
        ? fill(headline.asFarAsSeen, { ...values, found: first })
        : fill(headline.asExpected, values)
    if (fixed === null) return told
    const { remains } = fixed
    return (
      told + (remains === undefined ? headline.andFixed : fill(headline.andRemains, { remains }))
    )
  }
  if (fixed?.failing) return fill(words.headline.notFixed, values)
  const isBad = expected.verdict === 'problem'
  if (reproduced.failing !== isBad || best === undefined)
    return fill(words.headline.notReproduced, values)
  const { undecided, otherCause } = words.headline
  return fill(best.judged === 'undecided' ? undecided : otherCause, {
    ...values,
    found: best.findings[0]?.cause ?? words.nothing,
  })
}

function section(title: string, texts: readonly string[], paint: Paint): string[] {
  return ['', paint.bold(title), ...texts.flatMap((text) => wrap(text, '  ', paint.columns))]
}

function concludedLines(
  { evidence, judged, headline, findings }: Concluded,
  paint: Paint,
): string[] {
  const told = `${words.evidence[evidence]}: ${words.judged[judged]}`
  const seen = judged === 'wrong' ? paint.bold(told) : told
  const rest = findings.map(
    ({ cause, variant, certainty, severity }) =>
      `    ${cause}${variant === undefined ? '' : ` (${variant})`}, ${certainty}${severity === 'problem' ? '' : `, ${severity}`}`,
  )
  return [`  ${seen}`, ...wrap(printable(headline), '    ', paint.columns), ...rest.map(printable)]
}

function kernelTexts({ kernel, agreement, drops }: LabReport): string[] {
  if (kernel === null) return [words.noTracing]
  return [...reasonTexts(kernel), ...agreementTexts(agreement), ...dropTexts(drops)]
}

function dropTexts({ is, fitting, of, reasons }: LabReport['drops']): string[] {
  const template = words.drops[is]
  if (template === null) return []
  const counts = { fitting: formatCount(fitting), of: formatCount(of) }
  return [fill(template, { ...counts, reasons: printable(Object.keys(reasons).sort().join(', ')) })]
}

function agreementTexts({ is, fitting, of, makers }: LabReport['agreement']): string[] {
  const template = words.agreement[is]
  if (template === null) return []
  const told = Object.entries(makers)
    .sort(([, a], [, b]) => b - a)
    .map(([maker, n]) => fill(words.maker, { n: formatCount(n), maker: printable(maker) }))
  return [
    fill(template, {
      fitting: formatCount(fitting),
      of: formatCount(of),
      makers: told.join(', '),
    }),
  ]
}

function reasonTexts(kernel: NonNullable<LabReport['kernel']>): string[] {
  if (kernel.length === 0) return [words.noResets]
  return kernel.map(({ count, reason, state, process }) => {
    const where =
      process === null ? words.inInterrupt : fill(words.inProcess, { process: printable(process) })
    return fill(words.reason, { count: formatCount(count), reason, state, where })
  })
}

function fixLines({ fix, fixed, fixedConcluded, reproduced }: LabReport, paint: Paint): string[] {
  if (fix === null) return []
  const told = wrap(fill(words.fixIs, { fix: printable(fix) }), '  ', paint.columns)
  if (fixed === null) return ['', ...told.map((line) => line.slice(2))]
  const after = fixed.table === undefined ? [] : ['', ...tableLines(fixed.table)]
  return [
    '',
    paint.bold(words.heading.fix),
    ...told,
    '',
    ...tableLines(beforeAfter(reproduced, fixed)),
    ...after,
    ...saidLines(fixedConcluded, paint),
  ]
}

/** The same captures as before, of a performance in which nothing should be found any more. */
function saidLines(said: LabReport['fixedConcluded'], paint: Paint): string[] {
  if (said === null) return []
  const headline = fill(words.saidWithFix, { headline: printable(said.headline) })
  return ['', ...wrap(headline, '  ', paint.columns)]
}

/** Numbers of both performances side by side, in the order of the first. */
export function beforeAfter(before: Outcome, after: Outcome): Table {
  const names = [...new Set([...before.measures, ...after.measures].map(({ name }) => name))]
  const of = (measures: readonly Measure[], name: string) => {
    const found = measures.find((measure) => measure.name === name)
    return found === undefined
      ? ''
      : `${formatCount(Math.round(found.value * 10) / 10)}${found.unit ? ` ${found.unit}` : ''}`
  }
  const rows = names.map((name) => [name, of(before.measures, name), of(after.measures, name)])
  return { title: '', head: ['', words.before, words.after], rows }
}

function tableLines({ title, head, rows }: Table): string[] {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : printable(cell))),
  )
  const widths = head.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const lines = cells.map((row) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ')
      .trimEnd(),
  )
  return [...(title === '' ? [] : wrap(title, '  ')), ...lines.map((line) => `  ${line}`)]
}

/** `tcpwhy lab list`. */
export function labListText(scenarios: readonly Scenario[], { color }: { color: boolean }): string {
  const paint = paintFor(color)
  const groups = [
    [words.list.incidents, 'incident'],
    [words.list.neighbours, 'neighbour'],
    [words.list.healthy, 'healthy'],
  ] as const
  const lines = groups.flatMap(([title, kind]) => {
    const found = scenarios.filter((scenario) => scenario.kind === kind)
    return found.length === 0 ? [] : [paint.bold(title), ...found.flatMap(scenarioLines), '']
  })
  return [...lines, ...wrap(words.list.run, '')].map((line) => `${line}\n`).join('')
}

function scenarioLines({ id, title, variants }: Scenario): string[] {
  const causes = (variant: Scenario['variants'][number]) =>
    variant.expects.cause ?? variant.expects.verdict
  return [
    `  ${id}: ${title}`,
    ...variants.flatMap((variant) =>
      wrap(`${variant.id}: ${variant.title} -> ${causes(variant)}`, '      '),
    ),
  ]
}
