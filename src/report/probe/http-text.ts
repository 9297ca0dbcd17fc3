import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { HttpReport } from '../../probe/http/report.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'
import { dimHead, tableLines } from './table.ts'

const words = probeWords.http

/** `tcpwhy probe http` for the terminal; the first lines are the answer. */
export function httpText(report: HttpReport, { color }: { color: boolean }): string {
  const paint = paintFor(color)
  const lines = [
    ...wrap(printable(report.conclusion), '').map((line) => paint.bold(line)),
    ...factLines(report, paint),
    ...raceLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function factLines(report: HttpReport, paint: Paint): string[] {
  const { first, keepAlive, idle, requests, earlyClose } = report
  if (first === null) return []
  const { fact, yes, no } = words
  const yesNo = (is: boolean) => (is ? yes : no)
  const { saysTimeoutS, saysMaxRequests } = keepAlive
  const server = first.server ?? '-'
  const rows = [
    [
      fact.first,
      fill(words.status, { status: first.status, ms: formatDuration(first.ms), server }),
    ],
    [fact.offered, yesNo(keepAlive.offered)],
    ...(keepAlive.kept === null ? [] : [[fact.kept, yesNo(keepAlive.kept)]]),
    [fact.says, `${saysTimeoutS === null ? '-' : `${saysTimeoutS} s`} / ${saysMaxRequests ?? '-'}`],
    ...(idle === null ? [] : [[fact.idle, idleOf(idle)]]),
    ...(requests === null ? [] : [[fact.requests, formatCount(requests.answered)]]),
    ...(earlyClose === null ? [] : [[fact.early, words.outcome[earlyClose]]]),
  ]
  const [, ...lines] = tableLines(
    ['', ''],
    rows.map((row) => row.map(printable)),
  )
  return ['', paint.bold(words.heading.facts), ...lines]
}

function idleOf({ closedAfterMs, how, waitedMs }: NonNullable<HttpReport['idle']>): string {
  if (closedAfterMs === null) return fill(words.open, { waited: formatDuration(waitedMs) })
  return `${formatDuration(closedAfterMs)} (${words.how[how ?? 'fin']})`
}

function raceLines({ race }: HttpReport, paint: Paint): string[] {
  if (race === null) return []
  const rows = race.map(({ offsetMs, outcome }) => [
    offsetMs > 0 ? `+${offsetMs}` : String(offsetMs),
    words.outcome[outcome],
  ])
  const { offset, outcome } = words.column
  const table = tableLines([offset, outcome], rows, { right: [0] })
  return ['', paint.bold(words.heading.race), ...dimHead(table, paint)]
}
