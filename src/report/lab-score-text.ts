import type { EvidenceSet, Judged, LabScore, ScoreRow, ScoreRun } from '../lab/report.ts'
import { labWords } from '../messages/en/lab.ts'
import { render as fill } from '../messages/render.ts'
import { paintFor } from './paint.ts'
import { printable } from './printable.ts'

const words = labWords.score
const SETS: readonly EvidenceSet[] = ['client', 'server', 'both', 'all', 'live', 'live-packets']
const JUDGED: readonly Judged[] = ['right', 'variant', 'enough', 'undecided', 'unseen', 'wrong']

interface Section {
  title: string
  /** A score of its own. */
  lines: string[]
  table: string[][] | null
}

/** `tcpwhy lab score` for the terminal: a line a story. */
export function labScoreText(score: LabScore, { color }: { color: boolean }): string {
  const paint = paintFor(color)
  const lines = [paint.bold(headlineOf(score.rows, score.runs))]
  for (const { title, lines: told, table } of sectionsOf(score)) {
    lines.push('', paint.bold(title), ...told)
    if (table !== null) lines.push(...aligned(table))
  }
  return [...lines, '', ...words.legend].map((line) => `${line}\n`).join('')
}

/** The same as a page: docs/lab-score.md. */
export function labScoreMarkdown(score: LabScore): string {
  const parts = [headlineOf(score.rows, score.runs)]
  for (const { title, lines, table } of sectionsOf(score)) {
    parts.push(`## ${title}`, ...lines)
    if (table === null) continue
    const [head = [], ...rows] = table
    parts.push([head, head.map(() => '---'), ...rows].map(markdownRow).join('\n'))
  }
  return [...parts, words.legend.join('\n')].map((part) => `${part}\n`).join('\n')
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function aligned(table: readonly string[][]): string[] {
  const [head = []] = table
  const widths = head.map((_, n) => Math.max(...table.map((row) => row[n]!.length)))
  return table.map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n]!))
      .join('  ')
      .trimEnd(),
  )
}

function sectionsOf({ rows, runs, took }: LabScore): Section[] {
  const { sections } = words
  const own = rows.filter(({ author }) => author === undefined)
  const fresh = rows.filter(({ author }) => author === 'fresh-eyes')
  const storiesOf = (title: string, some: readonly ScoreRow[]): Section => ({
    title,
    lines: [headlineOf(some, runs)],
    table: [[...words.head], ...some.map((row) => cells(row))],
  })
  return [
    storiesOf(sections.authors, own),
    fresh.length === 0
      ? { title: sections.freshEyes, lines: [sections.noFreshEyes], table: null }
      : storiesOf(sections.freshEyes, fresh),
    { title: sections.sums, lines: [], table: sumsOf(rows) },
    { title: sections.kernel, lines: [kernelText(rows)], table: null },
    { title: sections.took, lines: [took.map(tookText).join('\n')], table: null },
  ]
}

function headlineOf(rows: readonly ScoreRow[], runs: number): string {
  const all = rows.flatMap((row) => row.runs.flatMap(({ concluded }) => concluded))
  const wrong = all.filter(({ judged }) => judged === 'wrong').length
  const isRight = ({ runs: played, expected }: ScoreRow) =>
    played.every(({ concluded }) =>
      ['right', 'variant', 'enough'].includes(bestOf(concluded, expected)?.judged ?? ''),
    )
  const template = words.headline[wrong === 0 ? 'none' : wrong === 1 ? 'one' : 'some']
  const right = String(rows.filter(isRight).length)
  const told = fill(runs === 1 ? words.runs.one : words.runs.many, { runs: String(runs) })
  return fill(template, { wrong: String(wrong), right, all: String(rows.length), runs: told })
}

type Concluded = ScoreRun['concluded']

function bestOf(
  concluded: Concluded,
  { isOffWire }: ScoreRow['expected'],
): Concluded[number] | undefined {
  const of = (set: EvidenceSet) => concluded.find(({ evidence }) => evidence === set)
  return isOffWire ? of('live') : (of('both') ?? of('client') ?? of('server'))
}

function cells(row: ScoreRow): string[] {
  const { scenario, variant, expected, runs, isUnstable } = row
  const what = `${expected.cause ?? expected.verdict}${expected.variant === undefined ? '' : ` (${expected.variant})`}`
  const story = printable(`${scenario}/${variant}`)
  return [
    isUnstable ? fill(words.unstable, { story }) : story,
    `${what}${troubles(row)}`,
    ...SETS.map((set) =>
      counted(
        runs.flatMap((run) => judgedText(run, set)),
        runs.length,
      ),
    ),
    counted(runs.flatMap(agreementText), runs.length),
    counted(runs.flatMap(dropsText), runs.length),
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

/** "right 3/3", "right 2/3, undecided 1/3"; of one run the word alone. */
function counted(answers: readonly string[], runs: number): string {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  if (counts.size === 0) return words.none
  if (runs === 1) return answers[0]!
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, n]) => fill(words.cell, { what, n: String(n), runs: String(runs) }))
    .join(', ')
}

/** Beside anything but right, what was named. */
function judgedText({ concluded }: ScoreRun, set: EvidenceSet): string[] {
  const found = concluded.find(({ evidence }) => evidence === set)
  if (found === undefined) return []
  const { judged, first } = found
  const isNamed =
    first !== null && (judged === 'wrong' || judged === 'enough' || judged === 'variant')
  return [isNamed ? `${words.short[judged]}: ${first}` : words.short[judged]]
}

function agreementText({ agreement }: ScoreRun): string[] {
  if (agreement === null) return []
  const { is, makers } = agreement
  const told = words.agreement[is]
  if (is !== 'agrees' && is !== 'disagrees') return [told]
  return [`${told}: ${printable(Object.keys(makers).sort().join(' '))}`]
}

function dropsText({ drops }: ScoreRun): string[] {
  if (drops === null || drops === undefined) return []
  const { is, reasons } = drops
  const told = words.drops[is]
  const names = Object.keys(reasons).sort().join(' ')
  return [names === '' ? told : `${told}: ${printable(names)}`]
}

function sumsOf(rows: readonly ScoreRow[]): string[][] {
  const lines = SETS.map((set) => {
    const all = rows.map(({ runs }) =>
      runs.flatMap(({ concluded }) => concluded.filter(({ evidence }) => evidence === set)),
    )
    const count = (judged: Judged) =>
      String(all.flat().filter((one) => one.judged === judged).length)
    const differ = all.filter((some) => new Set(some.map(({ judged }) => judged)).size > 1)
    return [labWords.evidence[set], ...JUDGED.map(count), String(differ.length)]
  })
  return [[...words.sumsHead], ...lines]
}

function kernelText(rows: readonly ScoreRow[]): string {
  const all = rows.flatMap(({ runs }) => runs.flatMap(({ agreement }) => agreement?.is ?? []))
  const count = (is: string) => all.filter((one) => one === is).length
  const [agrees, disagrees] = [count('agrees'), count('disagrees')]
  const drops = rows.flatMap(({ runs }) => runs.flatMap((run) => run.drops?.is ?? []))
  const dropped = (...some: string[]) => String(drops.filter((is) => some.includes(is)).length)
  return fill(words.kernel, {
    played: String(all.length),
    agrees: String(agrees),
    disagrees: String(disagrees),
    none: String(all.length - agrees - disagrees),
    drops: dropped('agrees', 'some', 'not-told'),
    told: dropped('agrees'),
    some: dropped('some'),
  })
}

function tookText({ run, seconds, longest }: LabScore['took'][number]): string {
  return fill(words.took, {
    run: String(run),
    minutes: String(Math.floor(seconds / 60)),
    seconds: String(seconds % 60),
    story: printable(longest.story),
    longest: String(Math.round(longest.seconds)),
  })
}
