import type { LabEvent } from '../lab/types.ts'
import { labWords as words } from '../messages/en/lab.ts'
import { render as fill } from '../messages/render.ts'
import { paintFor } from '../report/paint.ts'
import { printable } from '../report/printable.ts'
import { wrap } from '../report/wrap.ts'
import type { Output } from './io.ts'
import { besideLines, chartLines } from './lab-charts.ts'

interface Recording {
  values: Map<string, number[]>
  atMs: number[]
  marks: { atMs: number; text: string }[]
}

/**
 * What a run looks like while it happens: steps above, below them one small chart a signal, drawn anew each second, with the
 * moment of failure marked. What has ended stays on the screen; the performance with the fix is drawn beside the first.
 */
export function labView(
  signals: readonly string[],
  out: Output,
  { color, columns }: { color: boolean; columns: number },
) {
  const paint = paintFor(color)
  const begun = (): Recording => ({
    values: new Map(signals.map((name) => [name, []])),
    atMs: [],
    marks: [],
  })
  let now = begun()
  let before: Recording | null = null
  let drawn = 0
  /** While the captures are looked at nothing happens any more. */
  let isPlaying = false
  /** What a story still says while it is taken down is of no use any more. */
  let isStopped = false
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
    const lines = before === null ? chartLines(now, columns) : besideLines(before, now, columns)
    drawn = lines.length
    return lines.map((line) => `${marked(line)}\n`).join('')
  }
  const told = (atMs: number, text: string) => wrap(text, `  ${seconds(atMs)} `, columns).join('\n')
  const marked = (line: string) => (line.includes('^') ? paint.red(line) : line)
  const above = (text: string) => write(`${erase()}${text}\n${draw()}`)
  /** What was drawn last is not erased any more. */
  const freeze = () => {
    drawn = 0
    isPlaying = false
  }

  function show(event: LabEvent): void {
    if (isStopped) return
    if (event.kind === 'phase') {
      isStopped = event.phase === 'stop'
      freeze()
      if (event.phase === 'fix') {
        before = now
        now = begun()
      }
      isPlaying = event.phase === 'reproduce' || event.phase === 'fix'
      const title = wrap(words.phase[event.phase], '', columns).map(
        (line) => `${paint.bold(line)}\n`,
      )
      write(title.join(''))
    } else if (event.kind === 'step') above(told(event.atMs, printable(event.text)))
    else if (event.kind === 'mark') {
      const text = printable(event.text)
      now.marks.push({ atMs: event.atMs, text })
      above(paint.red(told(event.atMs, fill(words.failure, { text }))))
    } else if (isPlaying) {
      now.atMs.push(event.atMs)
      for (const [name, values] of now.values) values.push(event.values[name] ?? 0)
      write(erase() + draw())
    }
  }

  return {
    show,
    async end() {
      freeze()
      await writing
    },
  }
}

function seconds(atMs: number): string {
  return `${(atMs / 1000).toFixed(1).padStart(5)} s`
}
