import type { Ladder, LadderRow, Remark } from '../diagnose/ladder.ts'
import { ladderWords as words } from '../messages/en/ladder.ts'
import { render } from '../messages/render.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './printable.ts'
import { connectionTexts } from './sentences.ts'
import { wrap } from './wrap.ts'

export interface LadderOptions {
  color: boolean
  /** Every row, however many; else the first 40 and the last 80. */
  all: boolean
  /** How wide it may be; 100 when not told. */
  columns?: number
}

const FIRST_ROWS = 40
const LAST_ROWS = 80
/** A silence worth a line of its own. */
const SILENCE_MS = 1000

const FRAME_WIDTH = 8
const TIME_WIDTH = 12
/** Narrower, there is no room for the time since the row before. */
const COLUMNS_FOR_SINCE = 80

interface Page {
  paint: Paint
  /** Columns left of the arrows, and those of the arrows. */
  left: number
  lane: number
  since: boolean
}

function pageFor({ color, columns }: LadderOptions): Page {
  const paint = paintFor(color, columns)
  const since = paint.columns >= COLUMNS_FOR_SINCE
  const left = FRAME_WIDTH + (since ? 2 : 1) * TIME_WIDTH + 2
  return { paint, left, lane: paint.columns - left, since }
}

/** Client left, server right, time downwards; one line a segment, remarks below the odd ones. */
export function* ladderText(ladder: Ladder, options: LadderOptions): Iterable<string> {
  const page = pageFor(options)
  const { paint } = page
  const { connection } = ladder
  const { client, server, id } = connection
  const { what, odd } = connectionTexts(connection, new Map())
  const title = printable(render(words.title, { connection: id, client, server }))
  yield lines(wrap(title, '', paint.columns).map((line) => paint.bold(line)))
  yield lines(wrap(printable(`${what}; ${odd}`), '', paint.columns))
  yield* ladderRows(ladder, options, page)
  const { beyond } = ladder
  if (beyond === undefined) return
  const { at, connection: there } = beyond
  const template = at === 'behind-box' ? words.behindBox : words.elsewhere
  const ends = { client: there.client, server: there.server }
  const heading = printable(render(template, { ...ends, at }))
  yield `\n${lines(wrap(heading, '', paint.columns).map((line) => paint.bold(line)))}`
  yield* ladderRows(beyond, options, page)
}

function* ladderRows(
  ladder: Pick<Ladder, 'rows' | 'omitted'>,
  options: LadderOptions,
  page: Page,
): Iterable<string> {
  const { rows } = ladder
  yield `\n${page.paint.dim(header(page))}\n`
  const several = new Set(rows.map((row) => row.source)).size > 1
  const [from, to] = leftOut(rows.length, options.all)
  let previous: LadderRow | null = null
  for (const [i, row] of rows.entries()) {
    if (ladder.omitted?.before === i) {
      yield `${centred(render(words.missing, { count: ladder.omitted.segments }), page)}\n`
    }
    if (i === from) yield `${centred(render(words.omitted, { rows: to - from }), page)}\n`
    if (i < from || i >= to) yield lines(rowLines(row, previous, several, page))
    previous = row
  }
  if (ladder.omitted?.before === rows.length && ladder.omitted.segments > 0) {
    yield `${centred(render(words.missing, { count: ladder.omitted.segments }), page)}\n`
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

function header(page: Page): string {
  const { frame, time, since, client, server } = words.column
  const last = page.since ? since.padStart(TIME_WIDTH) : ''
  const left = `${frame.padStart(FRAME_WIDTH)}${time.padStart(TIME_WIDTH)}${last}`
  return `${left}  ${client}${server.padStart(page.lane - client.length)}`
}

function rowLines(
  row: LadderRow,
  previous: LadderRow | null,
  several: boolean,
  page: Page,
): string[] {
  const { paint } = page
  const since = previous === null ? null : row.tMs - previous.tMs
  const out: string[] = []
  if (since !== null && since >= SILENCE_MS) {
    out.push(paint.yellow(centred(render(words.silence, { ms: since }), page)))
  }
  out.push(`${left(row, since, page)}  ${arrow(row, page)}`)
  const remarks = row.remarks.map(remarkText)
  if (several) remarks.push(row.source)
  if (remarks.length === 0) return out
  const margin = `${' '.repeat(page.left)}  ^ `
  const remark = wrap(printable(remarks.join('; ')), margin, paint.columns)
  return [...out, ...remark.map((line) => paint.yellow(line))]
}

function left(row: LadderRow, since: number | null, page: Page): string {
  const frame = String(row.frame).padStart(FRAME_WIDTH)
  const time = seconds(row.tMs).padStart(TIME_WIDTH)
  if (!page.since) return frame + time
  return frame + time + (since === null ? '' : seconds(since)).padStart(TIME_WIDTH)
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6)
}

/** "[S] seq 0, win 64240 ------>" or "<------ [S.] seq 0, ack 1, win 65160". */
function arrow(row: LadderRow, { lane }: Page): string {
  const whole = segmentText(row)
  // Where there is no room, the window is the first to go; remarks tell of a zero window.
  const label = whole.length + 3 <= lane ? whole : whole.replace(/, win \d+$/, '')
  const line = '-'.repeat(Math.max(lane - label.length - 2, 1))
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

function centred(text: string, { left, lane }: Page): string {
  const room = Math.max(lane - text.length, 0)
  return ' '.repeat(left + 2 + Math.floor(room / 2)) + text
}

/** "1st", "2nd", "3rd", "11th": for the `nth` of remarks. */
export function ordinal(n: number): string {
  const tens = n % 100
  if (tens >= 11 && tens <= 13) return `${n}th`
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`
}
