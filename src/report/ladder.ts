import type { Ladder, LadderRow, Remark } from '../diagnose/ladder.ts'
import { ladderWords as words } from '../messages/en/ladder.ts'
import { render } from '../messages/render.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './printable.ts'
import { connectionTexts } from './sentences.ts'
import { COLUMNS, wrap } from './wrap.ts'

export interface LadderOptions {
  color: boolean
  /** Every row, however many; else the first 40 and the last 80. */
  all: boolean
}

const FIRST_ROWS = 40
const LAST_ROWS = 80
/** A silence worth a line of its own. */
const SILENCE_MS = 1000

const FRAME_WIDTH = 8
const TIME_WIDTH = 12
const LEFT = FRAME_WIDTH + 2 * TIME_WIDTH + 2
const LANE = COLUMNS - LEFT

/** Client left, server right, time downwards; one line a segment, remarks below the odd ones. At most 100 columns. */
export function* ladderText(ladder: Ladder, options: LadderOptions): Iterable<string> {
  const paint = paintFor(options.color)
  const { connection } = ladder
  const { client, server, id } = connection
  const { what, odd } = connectionTexts(connection, new Map())
  const title = printable(render(words.title, { connection: id, client, server }))
  yield lines(wrap(title, '').map((line) => paint.bold(line)))
  yield lines(wrap(printable(`${what}; ${odd}`), ''))
  yield* ladderRows(ladder, options, paint)
  const { beyond } = ladder
  if (beyond === undefined) return
  const { at, connection: there } = beyond
  const template = at === 'behind-box' ? words.behindBox : words.elsewhere
  const ends = { client: there.client, server: there.server }
  const heading = printable(render(template, { ...ends, at }))
  yield `\n${lines(wrap(heading, '').map((line) => paint.bold(line)))}`
  yield* ladderRows(beyond, options, paint)
}

function* ladderRows(
  ladder: Pick<Ladder, 'rows' | 'omitted'>,
  options: LadderOptions,
  paint: Paint,
): Iterable<string> {
  const { rows } = ladder
  yield `\n${paint.dim(header())}\n`
  const several = new Set(rows.map((row) => row.source)).size > 1
  const [from, to] = leftOut(rows.length, options.all)
  let previous: LadderRow | null = null
  for (const [i, row] of rows.entries()) {
    if (ladder.omitted?.before === i) {
      yield `${centred(render(words.missing, { count: ladder.omitted.segments }))}\n`
    }
    if (i === from) yield `${centred(render(words.omitted, { rows: to - from }))}\n`
    if (i < from || i >= to) yield lines(rowLines(row, previous, several, paint))
    previous = row
  }
  if (ladder.omitted?.before === rows.length && ladder.omitted.segments > 0) {
    yield `${centred(render(words.missing, { count: ladder.omitted.segments }))}\n`
  }
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('')
}

/** The rows that are not shown, [from, to); empty at the end when all are. */
function leftOut(count: number, all: boolean): [number, number] {
  if (all || count <= FIRST_ROWS + LAST_ROWS) return [count, count]
  return [FIRST_ROWS, count - LAST_ROWS]
}

function header(): string {
  const { frame, time, since, client, server } = words.column
  const left = `${frame.padStart(FRAME_WIDTH)}${time.padStart(TIME_WIDTH)}${since.padStart(TIME_WIDTH)}`
  return `${left}  ${client}${server.padStart(LANE - client.length)}`
}

function rowLines(
  row: LadderRow,
  previous: LadderRow | null,
  several: boolean,
  paint: Paint,
): string[] {
  const since = previous === null ? null : row.tMs - previous.tMs
  const out: string[] = []
  if (since !== null && since >= SILENCE_MS) {
    out.push(paint.yellow(centred(render(words.silence, { ms: since }))))
  }
  out.push(`${left(row, since)}  ${arrow(row)}`)
  const remarks = row.remarks.map(remarkText)
  if (several) remarks.push(row.source)
  if (remarks.length === 0) return out
  const margin = `${' '.repeat(LEFT)}  ^ `
  return [...out, ...wrap(printable(remarks.join('; ')), margin).map((line) => paint.yellow(line))]
}

function left(row: LadderRow, since: number | null): string {
  const frame = String(row.frame).padStart(FRAME_WIDTH)
  const time = seconds(row.tMs).padStart(TIME_WIDTH)
  return frame + time + (since === null ? '' : seconds(since)).padStart(TIME_WIDTH)
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6)
}

/** "[S] seq 0, win 64240 ------>" or "<------ [S.] seq 0, ack 1, win 65160". */
function arrow(row: LadderRow): string {
  const label = segmentText(row)
  const line = '-'.repeat(Math.max(LANE - label.length - 2, 1))
  return row.from === 'client' ? `${label} ${line}>` : `<${line} ${label}`
}

function segmentText(row: LadderRow): string {
  const ack = (row.flags & 16) === 0 ? '' : `, ack ${row.ack}`
  const len = row.len === 0 ? '' : `, len ${row.len}`
  return `[${flagsText(row.flags)}] seq ${row.seq}${ack}${len}, win ${row.wnd}`
}

// As tcpdump prints them: print-tcp.c tcp_flag_values, tcpdump 4.99.
const FLAG_LETTERS = [
  [1, 'F'],
  [2, 'S'],
  [4, 'R'],
  [8, 'P'],
  [16, '.'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
] as const

/** "S.", "P.", "R", "none". */
export function flagsText(flags: number): string {
  const letters = FLAG_LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter)
  return letters.join('') || 'none'
}

function remarkText(remark: Remark): string {
  return render(words.remark[remark.id], remark.values)
}

function centred(text: string): string {
  const room = Math.max(LANE - text.length, 0)
  return ' '.repeat(LEFT + 2 + Math.floor(room / 2)) + text
}

/** "1st", "2nd", "3rd", "11th": for the `nth` of remarks. */
export function ordinal(n: number): string {
  const tens = n % 100
  if (tens >= 11 && tens <= 13) return `${n}th`
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`
}
