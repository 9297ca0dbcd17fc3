import { labWords as words } from '../messages/en/lab.ts'
import { formatCount } from '../messages/render.ts'
import { wrap } from '../report/wrap.ts'

/** Samples of one performance, one each second. */
export interface Recorded {
  /** By signal; all as long as `atMs`. */
  values: ReadonlyMap<string, readonly number[]>
  atMs: readonly number[]
  /** Moments of failure. */
  marks: readonly { atMs: number; text: string }[]
}

const BARS = ' ▁▂▃▄▅▆▇█'
const INDENT = '  '
const BETWEEN = ' │ '
/** "12,345" */
const NUMBER = 6
const FEWEST_BARS = 3
const NAME = { least: 20, most: 34 }

/**
 * One line a signal: its name, its last value, its values over time as bars up to its own maximum, and that maximum; below
 * them the time, and the moment of failure. No line is longer than `columns`.
 */
export function chartLines(now: Recorded, columns: number): string[] {
  const names = signalsOf(now)
  if (names.length === 0) return []
  const name = nameWidth(names, columns)
  const left = INDENT.length + name + 1 + NUMBER + 1
  const width = Math.max(columns - left - 1 - NUMBER, FEWEST_BARS)
  const lines = names.map((signal) => {
    const values = now.values.get(signal) ?? []
    const most = Math.max(...values)
    const bars = barsOf(values, { width, most })
    return `${INDENT}${cut(signal, name)} ${count(values.at(-1))} ${bars.padEnd(width)} ${count(most)}`
  })
  return [...lines, ...axisLines(now, { left, width, columns })]
}

/** The same, with what was there before the fix at its left; both on one scale. */
export function besideLines(before: Recorded, now: Recorded, columns: number): string[] {
  const names = signalsOf(now)
  if (names.length === 0) return []
  const name = nameWidth(names, columns)
  const left = INDENT.length + name + 1
  const room = columns - left - BETWEEN.length - 2 * (NUMBER + 1)
  const width = Math.max(Math.floor(room / 2), FEWEST_BARS)
  const half = width + 1 + NUMBER
  const lines = names.map((signal) => {
    const values = [before, now].map((of) => of.values.get(signal) ?? [])
    const most = Math.max(...values.flat())
    const halves = values.map((one) => {
      const peak = count(one.length === 0 ? 0 : Math.max(...one))
      return `${barsOf(one, { width, most }).padEnd(width)} ${peak}`
    })
    return `${INDENT}${cut(signal, name)} ${halves.join(BETWEEN)}`
  })
  const heads = [words.chart.before, words.chart.now].map((head) => cut(head, half))
  const axes = [before, now].map((of) => axisOf(of, width).padEnd(half))
  const blank = ' '.repeat(left)
  const bottom = `${blank}${axes.join(BETWEEN)}`.trimEnd()
  return [`${blank}${heads.join(BETWEEN)}`.trimEnd(), ...lines, bottom]
}

function signalsOf({ values }: Recorded): string[] {
  return [...values].flatMap(([name, list]) => (list.length > 0 ? [name] : []))
}

function nameWidth(names: readonly string[], columns: number): number {
  const longest = Math.max(...names.map((name) => name.length))
  return Math.min(Math.max(longest, NAME.least), NAME.most, Math.floor(columns / 3))
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}

function count(value: number | undefined): string {
  return formatCount(Math.round((value ?? 0) * 10) / 10).padStart(NUMBER)
}

/** More samples than there is room for: each bar is the largest of several. */
function barsOf(
  values: readonly number[],
  { width, most }: { width: number; most: number },
): string {
  const each = perBar(values.length, width)
  const bars = Array.from({ length: Math.ceil(values.length / each) }, (_, n) =>
    Math.max(...values.slice(n * each, (n + 1) * each)),
  )
  return bars.map((value) => BARS[Math.ceil((value / Math.max(most, 1)) * 8)]).join('')
}

function perBar(samples: number, width: number): number {
  return Math.max(1, Math.ceil(samples / width))
}

/** "0 s     ^      14 s" */
function axisOf({ atMs, marks }: Recorded, width: number): string {
  const bars = Math.ceil(atMs.length / perBar(atMs.length, width))
  const end = ` ${seconds(atMs.at(-1) ?? 0)}`
  const line = Array.from({ length: bars }, () => ' ')
  for (const mark of marks) line[barAt(mark.atMs, atMs, width)] = '^'
  // A time that would touch a mark is left out: the mark is what people look for.
  const write = (text: string, from: number) => {
    const room = line.slice(from, from + text.length + 1)
    if (from >= 0 && !room.includes('^')) line.splice(from, text.length, ...text)
  }
  write('0 s', 0)
  if (bars > end.length + 3) write(end, bars - end.length)
  return line.join('').slice(0, width)
}

function axisLines(
  now: Recorded,
  { left, width, columns }: { left: number; width: number; columns: number },
): string[] {
  const blank = ' '.repeat(left)
  const told = now.marks.map(({ atMs, text }) => `^ ${seconds(atMs)}: ${text}`)
  return [
    `${blank}${axisOf(now, width)}`.trimEnd(),
    ...told.flatMap((line) => wrap(line, INDENT, columns)),
  ]
}

/** The bar of the first sample at or after that moment. */
function barAt(markMs: number, atMs: readonly number[], width: number): number {
  const found = atMs.findIndex((at) => at >= markMs)
  const sample = found === -1 ? atMs.length - 1 : found
  return Math.floor(sample / perBar(atMs.length, width))
}

function seconds(atMs: number): string {
  return `${Math.round(atMs / 1000)} s`
}
