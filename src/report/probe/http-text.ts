import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { HttpReport, RaceAttempt } from '../../probe/http/report.ts'
import type { HttpProgress } from '../../probe/probes/http.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'
import { dimTable, tableLines } from './table.ts'

const words = probeWords.http

/** What `tcpwhy probe http` waits for. */
export function httpProgressLines({ step, leftMs }: HttpProgress): string[] {
  const left = formatDuration(Math.max(Math.ceil(leftMs / 1000), 1) * 1000)
  return [fill(words.progress[step], { left })]
}

/** `tcpwhy probe http` for the terminal; the first lines are the answer. */
export function httpText(
  report: HttpReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const lines = [
    ...wrap(printable(report.conclusion), '', paint.columns).map((line) => paint.bold(line)),
    ...factLines(report, paint),
    ...raceLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function factLines(report: HttpReport, paint: Paint): string[] {
  const { first, keepAlive, roundTripMs, idle, requests, earlyClose } = report
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
    ...(roundTripMs === null ? [] : [[fact.roundTrip, formatDuration(roundTripMs)]]),
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
    { columns: paint.columns },
  )
  return ['', paint.bold(words.heading.facts), ...lines]
}

function idleOf(idle: NonNullable<HttpReport['idle']>): string {
  const { closedAfterMs, how, waitedMs, answered, closed } = idle
  if (closedAfterMs === null) {
    const text = answered === false ? words.notAnswering : words.open
    return fill(text, { waited: formatDuration(waitedMs) })
  }
  const really = formatDuration(closedAfterMs)
  const why = words.how[how ?? 'fin']
  if (closed === null || closed.connections < 2) return `${really} (${why})`
  const [least, most] = [formatDuration(closed.leastMs), formatDuration(closed.mostMs)]
  return fill(words.spread, { really, how: why, connections: closed.connections, least, most })
}

const RACE_ROWS = 12

/** Requests by when they were sent, in steps of the same width. */
function raceLines({ race }: HttpReport, paint: Paint): string[] {
  const [first, last] = [race?.[0], race?.at(-1)]
  if (race === null || first === undefined || last === undefined) return []
  const step = Math.max((last.offsetMs - first.offsetMs) / RACE_ROWS, 0.1)
  const rows = Array.from({ length: RACE_ROWS }, (_, n) => n).flatMap((n) => {
    const fromMs = first.offsetMs + n * step
    const within = race.filter((attempt) => {
      const row = Math.floor((attempt.offsetMs - first.offsetMs) / step)
      return Math.min(row, RACE_ROWS - 1) === n
    })
    return within.length === 0 ? [] : [rowOf(fromMs, step, within)]
  })
  const { offset, answered, lost, inTime } = words.column
  const table = dimTable([offset, answered, lost, inTime], rows, { right: [0, 1, 2, 3], paint })
  return ['', paint.bold(words.heading.race), ...table]
}

function rowOf(fromMs: number, step: number, within: readonly RaceAttempt[]): string[] {
  const count = (is: (attempt: RaceAttempt) => boolean) => String(within.filter(is).length)
  return [
    `${signed(fromMs)} .. ${signed(fromMs + step)}`,
    count(({ outcome }) => outcome === 'answered'),
    count(({ outcome }) => outcome !== 'answered' && outcome !== 'in-time'),
    count(({ outcome }) => outcome === 'in-time'),
  ]
}

function signed(ms: number): string {
  const text = ms.toFixed(1)
  return ms > 0 ? `+${text}` : text
}
