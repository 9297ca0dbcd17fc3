import type { EvidenceSet, Judged, LabScore, ScoreRow } from '../lab/report.ts'
import { labWords } from '../messages/en/lab.ts'
import { render as fill } from '../messages/render.ts'
import { paintFor } from './paint.ts'
import { printable } from './printable.ts'

const words = labWords.score
const SETS: readonly EvidenceSet[] = ['client', 'server', 'both', 'live']

/** `tcpwhy lab score` for the terminal: a line a story. */
export function labScoreText(score: LabScore, { color }: { color: boolean }): string {
  const paint = paintFor(color)
  const rows = [[...words.head], ...score.rows.map((row) => cells(row))]
  const widths = words.head.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n]!))
      .join('  ')
      .trimEnd(),
  )
  return [paint.bold(headlineOf(score)), '', ...lines, '', ...words.legend]
    .map((line) => `${line}\n`)
    .join('')
}

/** The same as a page: docs/lab-score.md. */
export function labScoreMarkdown(score: LabScore): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  const table = [
    line(words.head),
    line(words.head.map(() => '---')),
    ...score.rows.map((row) => line(cells(row))),
  ]
  return [headlineOf(score), '', ...table, '', words.legend.join('\n')]
    .map((part) => `${part}\n`)
    .join('')
}

function headlineOf({ rows, wrong, runs }: LabScore): string {
  const isRight = (row: ScoreRow) =>
    row.runs.every(({ concluded }) =>
      ['right', 'variant', 'enough'].includes(bestOf(concluded)?.judged ?? ''),
    )
  const template = words.headline[wrong === 0 ? 'none' : wrong === 1 ? 'one' : 'some']
  const right = String(rows.filter(isRight).length)
  const told = fill(runs === 1 ? words.runs.one : words.runs.many, { runs: String(runs) })
  return fill(template, { wrong: String(wrong), right, all: String(rows.length), runs: told })
}

type Concluded = ScoreRow['runs'][number]['concluded']

function bestOf(concluded: Concluded): Concluded[number] | undefined {
  const of = (set: EvidenceSet) => concluded.find(({ evidence }) => evidence === set)
  return of('both') ?? of('client') ?? of('server')
}

function cells(row: ScoreRow): string[] {
  const { scenario, variant, expected, runs } = row
  const what = `${expected.cause ?? expected.verdict}${expected.variant === undefined ? '' : ` (${expected.variant})`}`
  return [
    printable(`${scenario}/${variant}`),
    `${what}${troubles(row)}`,
    ...SETS.map((set) => judgedText(runs, set)),
    printable([...new Set(runs.flatMap(({ kernel }) => kernel ?? []))].join(' ')) || words.none,
  ]
}

function troubles({ runs }: ScoreRow): string {
  const failed = runs.filter((run) => run.failed !== null).length
  const missed = runs.filter((run) => run.failed === null && !run.isReproduced).length
  const told = [
    ...(failed > 0 ? [fill(words.failed, { n: String(failed), runs: String(runs.length) })] : []),
    ...(missed > 0
      ? [fill(words.notReproduced, { n: String(missed), runs: String(runs.length) })]
      : []),
  ]
  return told.length === 0 ? '' : `; ${told.join('; ')}`
}

/** "right", or where runs differ "2 right, 1 undecided"; beside anything but right, what was named. */
function judgedText(runs: ScoreRow['runs'], set: EvidenceSet): string {
  const counts = new Map<string, number>()
  for (const { concluded } of runs) {
    const found = concluded.find(({ evidence }) => evidence === set)
    if (found === undefined) continue
    const told = shortOf(found.judged, found.first)
    counts.set(told, (counts.get(told) ?? 0) + 1)
  }
  if (counts.size === 0) return words.none
  if (counts.size === 1) return [...counts.keys()][0]!
  return [...counts].map(([told, n]) => `${n} ${told}`).join(', ')
}

function shortOf(judged: Judged, first: string | null): string {
  const isNamed =
    first !== null && (judged === 'wrong' || judged === 'enough' || judged === 'variant')
  return isNamed ? `${words.short[judged]}: ${first}` : words.short[judged]
}
