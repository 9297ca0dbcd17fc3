import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { IdleProgress } from '../../probe/probes/idle.ts'
import { printable } from '../printable.ts'
import { tableLines } from './table.ts'

const words = probeWords.idle.progress

type Target = IdleProgress['targets'][number]

/** How far `tcpwhy probe idle` is: two lines for all, one a target. */
export function idleProgressLines(progress: IdleProgress): string[] {
  const { elapsedMs, leftMs, isOpenEnded, targets } = progress
  const silent = targets.reduce((all, target) => all + target.silent, 0)
  const values = {
    elapsed: wholeSeconds(elapsedMs),
    left: wholeSeconds(leftMs),
    silent: formatCount(silent),
  }
  const head = [words.head, isOpenEnded ? words.open : words.over]
  const rows = targets.map((target) => [printable(target.name), stepText(target), known(target)])
  const lines = head.map((text) => fill(text, values))
  return [...lines, ...tableLines(['', '', ''], rows).slice(1)]
}

function wholeSeconds(ms: number): string {
  return formatDuration(Math.max(Math.round(ms / 1000), 1) * 1000)
}

function stepText({ step, told, of }: Target): string {
  return fill(words[step], { told: formatCount(told), of: formatCount(of) })
}

function known({ survivedMs, diedMs }: Target): string {
  if (diedMs === null) {
    if (survivedMs === 0) return words.nothing
    return fill(words.survived, { survived: formatDuration(survivedMs) })
  }
  return fill(words.between, { from: formatDuration(survivedMs), to: formatDuration(diedMs) })
}
