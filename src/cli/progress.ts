import { formatOctets } from '../messages/render.ts'
import type { Output } from './io.ts'

const WIDTH = 40
/** A short file is read before a bar would be noticed. */
const QUIET_MS = 400
const EVERY_MS = 100

/** A bar on a terminal that appears only when reading takes long, and disappears before the report. */
export function progressBar(err: Output, now: () => number = () => performance.now()) {
  const start = now()
  let last = start
  let shown = false
  return {
    show(done: number, total: number | null): void {
      const t = now()
      if (t - start < QUIET_MS || t - last < EVERY_MS) return
      last = t
      shown = true
      // A bar that cannot be drawn is no reason to stop.
      err.write(`\r\x1b[K${barText(done, total)}`).catch(() => {})
    },
    async clear(): Promise<void> {
      if (shown) await err.write('\r\x1b[K').catch(() => {})
    },
  }
}

export function barText(done: number, total: number | null): string {
  if (total === null || total <= 0) return `${formatOctets(done)} read, Ctrl-C to report`
  const part = Math.min(done / total, 1)
  const full = Math.round(part * WIDTH)
  const bar = '#'.repeat(full) + '.'.repeat(WIDTH - full)
  return `[${bar}] ${Math.floor(part * 100)} % of ${formatOctets(total)}`
}

/** Lines on a terminal that replace each other, gone before the report. */
export function liveLines(err: Output) {
  let shown = 0
  let over = false
  const up = () => (shown === 0 ? '' : `\x1b[${shown}A`)
  return {
    async show(lines: readonly string[]): Promise<void> {
      const width = ((await err.columns?.()) ?? 80) - 1
      if (over) return
      const text = lines.map((line) => `${[...line].slice(0, width).join('')}\x1b[K\n`).join('')
      // Ctrl-C leaves a ^C where the cursor is: at the beginning of the line below.
      const before = up()
      shown = lines.length
      await err.write(`${before}\r${text}\x1b[J`).catch(() => {})
    },
    async clear(): Promise<void> {
      over = true
      if (shown > 0) await err.write(`${up()}\r\x1b[J`).catch(() => {})
      shown = 0
    },
  }
}

/** "watching, 2 s left (Ctrl-C to report)" on a terminal, gone before the report. */
export function countdown(err: Output, why = 'to report now') {
  let shown = ''
  return {
    show(done: number, total: number): void {
      const left = Math.ceil((total - done) / 1000)
      const text = `watching, ${left} s left (Ctrl-C ${why})`
      if (text === shown) return
      shown = text
      err.write(`\r\x1b[K${text}`).catch(() => {})
    },
    async clear(): Promise<void> {
      if (shown !== '') await err.write('\r\x1b[K').catch(() => {})
      shown = ''
    },
  }
}
