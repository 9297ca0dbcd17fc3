import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatDuration, formatSeconds } from '../../messages/render.ts'
import type {
  IdleAdvice,
  IdleAttempt,
  IdleReport,
  IdleRun,
  IdleTarget,
} from '../../probe/idle/report.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { widthOf, wrap } from '../wrap.ts'
import { dimTable } from './table.ts'

const words = probeWords.idle

/** `tcpwhy probe idle` for the terminal; the first lines are the answer. */
export function idleText(
  report: IdleReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const lines = [
    ...wrap(printable(report.conclusion), '', paint.columns).map((line) => paint.bold(line)),
    ...tableOf(report.targets, paint),
    ...chartOf(report, paint),
    ...adviceLines(report, paint),
    ...assumedLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function tableOf(targets: readonly IdleTarget[], paint: Paint): string[] {
  const { target, keepalive, traffic, survived, died, how, by } = words.column
  const rows = targets.flatMap(({ name, runs }) => runs.map((run) => rowOf(printable(name), run)))
  if (rows.length === 0) return []
  const head = [target, keepalive, traffic, survived, died, how, by]
  const table = dimTable(head, rows, { right: [3, 4], paint })
  return ['', paint.bold(words.heading.table), ...table]
}

function rowOf(name: string, run: IdleRun): string[] {
  const { keepalive, traffic, longestSurvivedMs, shortestDiedMs, flavour, by } = run
  return [
    name,
    keepalive,
    words.traffic[traffic],
    longestSurvivedMs === 0 ? '-' : formatSeconds(longestSurvivedMs, 'down'),
    shortestDiedMs === null ? '-' : formatSeconds(shortestDiedMs, 'up'),
    flavour === null ? '' : words.flavour[flavour],
    by ?? '',
  ]
}

const CHART_COLUMNS = 60
/** What surrounds a line of the chart: two spaces, one, and two bars. */
const CHART_FRAME = 5
const MARK = { ok: '.', reset: 'R', fin: 'F', silent: 'x', unusable: '?' } as const
/** What is worth seeing wins a cell that several share. */
const RANK = '.?xFR'

/** One line a run, each silence a mark at its place. */
function chartOf({ targets }: IdleReport, paint: Paint): string[] {
  const silences = targets.flatMap((t) => t.runs.flatMap((r) => r.attempts.map((a) => a.silenceMs)))
  const [least, most] = [Math.min(...silences), Math.max(...silences)]
  if (silences.length < 3 || most <= least) return []
  const scale = { least: Math.max(least, 1), most }
  const labels = targets.flatMap(({ name, runs }) =>
    runs.map((run) => ({ label: labelOf(printable(name), run), run })),
  )
  const width = Math.max(...labels.map(({ label }) => widthOf(label)))
  const cells = Math.min(CHART_COLUMNS, paint.columns - width - CHART_FRAME)
  const lines = labels.map(({ label, run }) => {
    const pad = ' '.repeat(width - widthOf(label))
    return `  ${label}${pad} |${marksOf(run.attempts, { ...scale, count: cells })}|`
  })
  const [from, to] = [formatDuration(scale.least), formatDuration(most)]
  const gap = ' '.repeat(Math.max(cells - from.length - to.length, 1))
  return [
    '',
    paint.bold(words.heading.chart),
    ...lines,
    paint.dim(`  ${' '.repeat(width)}  ${from}${gap}${to}`),
    ...legendLines(paint),
  ]
}

/** Broken between marks only. */
function legendLines({ columns, dim }: Paint): string[] {
  const all = `  ${words.legend}`
  if (widthOf(all) <= columns) return [dim(all)]
  return wrap(
    words.legend.replaceAll(/(\S) (?=\S)/g, '$1\u00a0').replaceAll(/ {2,}/g, ', '),
    '  ',
    columns,
  ).map((line) => dim(line.replaceAll('\u00a0', ' ')))
}

function labelOf(name: string, { keepalive, traffic }: IdleRun): string {
  const short = widthOf(name) > MAX_LABEL ? `${name.slice(0, MAX_LABEL - 1)}…` : name
  return `${short} ${traffic === 'heartbeat' ? words.traffic.heartbeat : keepalive}`
}

const MAX_LABEL = 20

function marksOf(
  attempts: readonly IdleAttempt[],
  { least, most, count }: { least: number; most: number; count: number },
): string {
  const cells = Array.from({ length: count }, () => ' ')
  for (const { silenceMs, outcome } of attempts) {
    const part = Math.log(Math.max(silenceMs, least) / least) / Math.log(most / least)
    const at = Math.min(Math.round(part * (count - 1)), count - 1)
    const mark = MARK[outcome]
    if (RANK.indexOf(mark) >= RANK.indexOf(cells[at] ?? ' ')) cells[at] = mark
  }
  return cells.join('')
}

/** For what is in use, with why it is taken to be; what is not known to be in use, in one table, or where that is known by name only. */
function adviceLines({ advice, settings }: IdleReport, paint: Paint): string[] {
  const unspoken = NOT_SPOKEN[settings.request]
  const used = advice.filter(({ inUse }) => inUse !== null)
  const others = advice.filter(({ inUse, speaks }) => inUse === null && speaks !== unspoken)
  const reasons = [...new Set(used.map(({ inUse }) => inUse ?? ''))]
  const lines = reasons.flatMap((why) => [
    ...wrap(printable(why), '  ', paint.columns),
    ...settingLines(
      used.filter(({ inUse }) => inUse === why),
      '    ',
      paint.columns,
    ),
  ])
  const known = lines.length === 0 ? [] : ['', paint.bold(words.heading.inUse), ...lines]
  if (others.length === 0) return known
  const isClientKnown = used.some(({ side }) => side === 'client')
  // A server of which the name is known needs no list of others: their names.
  const isServerKnown = used.some(({ side }) => side === 'server')
  const hidden = others.filter(({ side }) => isClientKnown || (isServerKnown && side === 'server'))
  const shown = others.filter((one) => !hidden.includes(one))
  const servers = shown.filter(({ side }) => side === 'server')
  return [
    ...known,
    ...section(
      words.heading.advice,
      shown.filter(({ side }) => side !== 'server'),
      paint,
    ),
    ...section(words.heading.servers, servers, paint),
    ...othersLines(hidden, paint),
  ]
}

function section(heading: string, advice: readonly IdleAdvice[], paint: Paint): string[] {
  if (advice.length === 0) return []
  return ['', paint.bold(heading), ...settingLines(advice, '  ', paint.columns)]
}

function othersLines(hidden: readonly IdleAdvice[], { columns }: Paint): string[] {
  if (hidden.length === 0) return []
  const names = [...new Set(hidden.map(({ id }) => id))].join(', ')
  return wrap(fill(words.others, { names }), '  ', columns)
}

/** Nobody has a pool of databases to an HTTP server. */
const NOT_SPOKEN: Partial<Record<IdleReport['settings']['request'], IdleAdvice['speaks']>> = {
  http: 'sql',
  'mysql-ping': 'http',
}

/** Who beside what; a line that is too long for that stands below, unbroken: it is there to be copied. */
function settingLines(advice: readonly IdleAdvice[], indent: string, columns: number): string[] {
  const width = Math.max(...advice.map(({ who }) => widthOf(who)))
  let before = ''
  return advice.flatMap(({ who, setting }) => {
    const isSame = who === before
    before = who
    const label = (isSame ? '' : who).padEnd(width)
    if (indent.length + width + 2 + widthOf(setting) <= columns) {
      return [`${indent}${label}  ${setting}`]
    }
    return [...(isSame ? [] : [`${indent}${who}`]), `${indent}  ${setting}`]
  })
}

function assumedLines({ assumed }: IdleReport, paint: Paint): string[] {
  if (assumed.length === 0) return []
  const lines = assumed.flatMap((text) => wrap(printable(text), '  - ', paint.columns))
  return ['', paint.bold(words.heading.assumed), ...lines]
}
