import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { BacklogReport, Burst } from '../../probe/backlog/report.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'
import { dimTable } from './table.ts'

const words = probeWords.backlog

/** `tcpwhy probe backlog` for the terminal; the first line is the answer, then the table of bursts against errors. */
export function backlogText(
  report: BacklogReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const { at, answered, failed, how, slow, slowest, deepest, overflows, drops } = words.column
  const isHere = report.bursts.some(({ counted }) => counted !== null)
  const head = [
    at,
    answered,
    failed,
    slow,
    slowest,
    ...(isHere ? [deepest, overflows, drops] : []),
    how,
  ]
  const rows = report.bursts.map((burst) => rowOf(burst, isHere))
  const right = head.map((_, i) => i).slice(0, -1)
  const lines = [
    ...wrap(printable(report.conclusion), '', paint.columns).map((line) => paint.bold(line)),
    '',
    paint.bold(words.heading),
    ...dimTable(head, rows, { right, paint }),
    ...listenerLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function rowOf(burst: Burst, isHere: boolean): string[] {
  const { counted, slowestHandshakeMs } = burst
  const numbers = [burst.connections, burst.answered, burst.failed, burst.slowHandshakes]
  return [
    ...numbers.map(formatCount),
    slowestHandshakeMs === null ? '-' : formatDuration(slowestHandshakeMs),
    ...(isHere
      ? [counted?.deepest, counted?.listenOverflows, counted?.listenDrops].map((n) =>
          formatCount(n ?? 0),
        )
      : []),
    burst.failures
      .map(({ kind, count }) => `${formatCount(count)} ${probeWords.failure[kind]}`)
      .join(', '),
  ]
}

function listenerLines({ listener, isHere }: BacklogReport, paint: Paint): string[] {
  if (listener === null) return isHere ? [] : wrap(words.elsewhere, '  ', paint.columns)
  const { local, limit } = listener
  const text = limit === null ? words.noLimit : words.listener
  return wrap(fill(text, { local, limit: limit ?? 0, fits: (limit ?? 0) + 1 }), '  ', paint.columns)
}
