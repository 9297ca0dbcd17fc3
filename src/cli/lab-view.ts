import type { LabEvent } from '../lab/types.ts'
import { labWords as words } from '../messages/en/lab.ts'
import { render as fill, formatCount } from '../messages/render.ts'
import { paintFor } from '../report/paint.ts'
import { printable } from '../report/printable.ts'
import type { Output } from './io.ts'

/** Samples that fit beside name and value in 100 columns. */
const WIDTH = 50
const NAME = 34
const BARS = ' ▁▂▃▄▅▆▇█'

/**
 * What a run looks like while it happens: steps above, below them one small chart a signal, drawn anew each second; the
 * moment of failure is marked under the charts.
 */
export function labView(signals: readonly string[], out: Output, { color }: { color: boolean }) {
  const paint = paintFor(color)
  const history = new Map<string, number[]>(signals.map((name) => [name, []]))
  let marks: boolean[] = []
  let pendingMark = false
  let drawn = 0
  let writing = Promise.resolve()

  const write = (text: string) => {
    writing = writing.then(() => out.write(text)).catch(() => {})
  }
  const erase = () => {
    const up = drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`
    drawn = 0
    return up
  }
  const draw = () => {
    const lines = chartLines(history, marks)
    drawn = lines.length
    return lines.map((line) => `${line}\n`).join('')
  }
  const line = (text: string) => write(`${erase()}${text}\n${draw()}`)

  function show(event: LabEvent): void {
    if (event.kind === 'phase') {
      write(erase())
      for (const values of history.values()) values.length = 0
      marks = []
      write(`${paint.bold(words.phase[event.phase])}\n`)
    } else if (event.kind === 'step') line(`  ${seconds(event.atMs)} ${printable(event.text)}`)
    else if (event.kind === 'mark') {
      pendingMark = true
      line(
        paint.red(
          `  ${seconds(event.atMs)} ${fill(words.failure, { text: printable(event.text) })}`,
        ),
      )
    } else {
      for (const [name, values] of history) values.push(event.values[name] ?? 0)
      marks.push(pendingMark)
      pendingMark = false
      write(erase() + draw())
    }
  }

  return {
    show,
    async end() {
      write(erase())
      await writing
    },
  }
}

function seconds(atMs: number): string {
  return `${(atMs / 1000).toFixed(1).padStart(5)} s`
}

/** One line a signal: its name, its last value, and its last values as bars of up to its own maximum. */
export function chartLines(
  history: ReadonlyMap<string, readonly number[]>,
  marks: readonly boolean[],
): string[] {
  const lines = [...history]
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => {
      const last = formatCount(values.at(-1) ?? 0)
      return `  ${name.padEnd(NAME).slice(0, NAME)} ${last.padStart(8)} ${barsOf(values.slice(-WIDTH))}`
    })
  if (lines.length === 0 || !marks.includes(true)) return lines
  const pointers = marks.slice(-WIDTH).map((marked) => (marked ? '^' : ' '))
  return [...lines, `${' '.repeat(NAME + 12)}${pointers.join('')}`.trimEnd()]
}

function barsOf(values: readonly number[]): string {
  const most = Math.max(...values, 1)
  return values.map((value) => BARS[Math.ceil((value / most) * (BARS.length - 1))]).join('')
}
