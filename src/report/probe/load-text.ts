import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { LatencySummary } from '../../probe/load/histogram.ts'
import type { LoadReport, LoadSample, LoadStep } from '../../probe/load/report.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'
import { dimTable } from './table.ts'

const words = probeWords.load
const MAX_SECONDS = 30
/** Timers may be a little early. */
const WHOLE_SECOND_MS = 950

/** `tcpwhy probe load` for the terminal; the first line is the answer. */
export function loadText(
  report: LoadReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const lines = [
    ...wrap(printable(report.conclusion), '', paint.columns).map((line) => paint.bold(line)),
    ...(report.steps === undefined ? [] : stepLines(report.steps, paint)),
    ...failureLines(report, paint),
    ...(report.steps === undefined ? latencyLines(report, paint) : []),
    ...connectionLines(report, paint),
    ...(report.steps === undefined ? secondLines(report, paint) : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** From how many answers on one in a thousand is not just the longest. */
const ENOUGH_FOR_P999 = 1000

function stepLines(steps: readonly LoadStep[], paint: Paint): string[] {
  const { concurrency, rate, p50, p99, p999, failed, how } = words.column
  // Nothing failed: nothing to say of what it died of.
  const isFailed = steps.some(({ failures }) => failures.length > 0)
  const head = [concurrency, rate, p50, p99, p999, failed, ...(isFailed ? [how] : [])]
  const table = dimTable(head, steps.map(stepRow), { right: [0, 1, 2, 3, 4, 5], paint })
  const of = (some: (step: LoadStep) => boolean, text: string) => {
    const list = steps.filter(some).map((step) => formatCount(step.concurrency))
    return list.length === 0 ? [] : wrap(fill(text, { list: list.join(', ') }), '  ', paint.columns)
  }
  return [
    '',
    paint.bold(words.heading.steps),
    ...table,
    ...of(({ whole }) => !whole, words.cutShort),
    ...of(
      ({ requests: { answered } }) => answered > 0 && answered < ENOUGH_FOR_P999,
      words.fewAnswers,
    ),
  ]
}

function stepRow(step: LoadStep): string[] {
  const { answeredPerS: perS, errorPerS, requests, failures, latencyMs } = step
  const whole = (n: number) => formatCount(n < 10 ? Math.round(n * 10) / 10 : Math.round(n))
  const values = { rate: whole(perS), error: whole(errorPerS ?? 0) }
  const l = latencyMs.corrected
  return [
    formatCount(step.concurrency),
    errorPerS === null ? values.rate : fill(words.rate, values),
    ...(l === null ? ['-', '-', '-'] : [l.p50, l.p99, l.p999].map(formatDuration)),
    formatCount(requests.failed),
    failures
      .map(({ kind, count }) => `${formatCount(count)} ${probeWords.failure[kind]}`)
      .join(', '),
  ]
}

function failureLines({ failures }: LoadReport, paint: Paint): string[] {
  if (failures.length === 0) return []
  const { failure, requests, reused, first } = words.column
  const rows = failures.map(({ kind, count, onReused, examples }) => [
    probeWords.failure[kind],
    formatCount(count),
    formatCount(onReused),
    `+${formatDuration(examples[0]?.atMs ?? 0)}`,
  ])
  const table = dimTable([failure, requests, reused, first], rows, { right: [1, 2], paint })
  return ['', paint.bold(words.heading.failures), ...table]
}

function latencyLines({ latencyMs, statuses }: LoadReport, paint: Paint): string[] {
  const { measured, corrected, correction } = latencyMs
  if (measured === null || corrected === null) return []
  const head = ['', 'p50', 'p75', 'p90', 'p99', 'p99.9', words.column.max]
  const row = (name: string, l: LatencySummary) => [
    name,
    ...[l.p50, l.p75, l.p90, l.p99, l.p999, l.max].map(formatDuration),
  ]
  const rows = [row(words.measured, measured), row(words.corrected[correction], corrected)]
  const list = Object.entries(statuses)
    .map(([status, count]) => `${status}: ${formatCount(count)}`)
    .join(', ')
  return [
    '',
    paint.bold(words.heading.latency),
    ...dimTable(head, rows, { right: [1, 2, 3, 4, 5, 6], paint }),
    ...wrap(fill(words.statuses, { list }), '  ', paint.columns),
  ]
}

function connectionLines({ connections, requests }: LoadReport, paint: Paint): string[] {
  const { opened, slowHandshakes: slow, connectMs } = connections
  const values = {
    opened: formatCount(opened),
    begun: formatCount(requests.begun),
    p50: formatDuration(connectMs?.p50 ?? 0),
    p99: formatDuration(connectMs?.p99 ?? 0),
    max: formatDuration(connectMs?.max ?? 0),
  }
  const texts = [
    fill(connectMs === null ? words.openedNone : words.opened, values),
    ...(slow > 0 ? [fill(words.slow, { n: formatCount(slow) })] : []),
    ...counted(words.unfinished, requests.unfinished),
    ...counted(words.notBegun, requests.notBegun),
  ]
  const lines = texts.flatMap((text) => wrap(text, '  ', paint.columns))
  return ['', paint.bold(words.heading.connections), ...lines]
}

function counted(text: string, n: number): string[] {
  return n === 0 ? [] : [fill(text, { n: formatCount(n) })]
}

function secondLines({ samples }: LoadReport, paint: Paint): string[] {
  if (samples.length < 2) return []
  const { second, answered, failed, p50, p99, max, open, waiting, commonest } = words.column
  const head = [second, answered, failed, p50, p99, max, open, waiting, commonest]
  const shown = samples.slice(0, MAX_SECONDS)
  const lines = dimTable(
    head,
    shown.map((sample, i) => secondRow(sample, shown[i - 1])),
    { right: [0, 1, 2, 3, 4, 5, 6, 7], paint },
  )
  const rest = samples.length - shown.length
  return [
    '',
    paint.bold(words.heading.seconds),
    ...lines,
    ...(rest > 0 ? [`  ${fill(words.secondsLeftOut, { n: formatCount(rest) })}`] : []),
  ]
}

/** A last one that is no whole second tells its tenths, or it would look like the one before. */
function secondRow(sample: LoadSample, before: LoadSample | undefined): string[] {
  const isPart = sample.atMs - (before?.atMs ?? 0) < WHOLE_SECOND_MS
  const ms = (value: number | null) => (value === null ? '-' : formatDuration(value))
  const [kind] = Object.entries(sample.failures).sort(([, a], [, b]) => b - a)[0] ?? []
  return [
    (sample.atMs / 1000).toFixed(isPart ? 1 : 0),
    formatCount(sample.answered),
    formatCount(sample.failed),
    ms(sample.p50Ms),
    ms(sample.p99Ms),
    ms(sample.maxMs),
    formatCount(sample.openConnections),
    formatCount(sample.inFlight),
    kind === undefined ? '' : probeWords.failure[kind as keyof typeof probeWords.failure],
  ]
}
