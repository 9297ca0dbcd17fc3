import { assertNever } from '../../base/assert.ts'
import { printable } from '../printable.ts'
import { COLUMNS, wrapCommand, wrap as wrapWords } from '../wrap.ts'
import { catalog, catalogIds, groupTitles } from './catalog.ts'
import type { Wire } from './errors.ts'
import type { CauseRef, Explanation, NextStep } from './explain.ts'

export interface TextOptions {
  /** Columns of the terminal; at least 60 and at most 100 are used. */
  width: number
  /** docs/causes/<id>.md, for `kind: 'cause'`; without it only the title is printed. */
  page?: string
}

const MIN_WIDTH = 60
const MAX_ECHO = 300 // of a pasted line

/** Terminal text without colour; the first line is the answer. Long commands are continued with a backslash. */
export function explainText(explanation: Explanation, { width, page }: TextOptions): string {
  const columns = columnsOf(width)
  return `${linesOf(explanation, columns, page).join('\n')}\n`
}

/** The list that `tcpwhy explain` prints without an argument. */
export function catalogText({ width }: { width: number }): string {
  const columns = columnsOf(width)
  const lines: string[] = []
  for (const [group, title] of Object.entries(groupTitles)) {
    lines.push(...(lines.length > 0 ? [''] : []), title)
    const ids = catalogIds.filter((id) => catalog[id].group === group)
    lines.push(...ids.flatMap((id) => refLine({ id, title: catalog[id].title }, columns)))
  }
  lines.push(
    '',
    ...wrap("Also: a TCP state (CLOSE-WAIT) or a pasted error line, in quotes ('...').", columns),
  )
  return `${lines.join('\n')}\n`
}

function columnsOf(width: number): number {
  return Math.min(COLUMNS, Math.max(MIN_WIDTH, Math.floor(width) || COLUMNS))
}

function linesOf(explanation: Explanation, columns: number, page: string | undefined): string[] {
  switch (explanation.kind) {
    case 'cause':
      return causeLines(explanation, columns, page)
    case 'state':
      return stateLines(explanation, columns)
    case 'error':
      return errorLines(explanation, columns)
    case 'unknown':
      return unknownLines(explanation, columns)
    default:
      return assertNever(explanation)
  }
}

function causeLines(
  { id, title, variant }: Extract<Explanation, { kind: 'cause' }>,
  columns: number,
  page: string | undefined,
): string[] {
  const head =
    page === undefined
      ? [
          ...wrap(`${id}: ${title}`, columns),
          ...wrap(`(Its page, docs/causes/${id}.md, is not in this installation.)`, columns),
        ]
      : pageLines(page, columns)
  if (variant === undefined) return head
  const [first = '', ...rest] = head
  return [first, ...wrap(`(${variant} is a variant of it)`, columns), ...rest]
}

function stateLines(
  { state, causes, next }: Extract<Explanation, { kind: 'state' }>,
  columns: number,
): string[] {
  return [
    ...wrap(`${state.name}: ${state.meaning}`, columns),
    '',
    ...labelled('Who is next', state.next, columns),
    ...labelled('How long', state.lasts, columns),
    ...labelled('A problem?', state.problem, columns),
    '',
    ...causeList(causes, columns),
    ...nextLines(next, columns),
  ]
}

function errorLines(
  { line, endpoints, readings, next }: Extract<Explanation, { kind: 'error' }>,
  columns: number,
): string[] {
  const [best, ...others] = readings
  if (best === undefined) return []
  const told = best.wire === 'any' ? null : wireWords[best.wire]
  const answer = told === null ? `${best.from}: ${best.seen}` : `${told} (${best.from})`
  const lines = wrap(answer, columns)
  lines.push(...wrap(echo(line), columns, '> '), '')
  if (endpoints.pair.length === 2) lines.push(`Between ${endpoints.pair.join(' and ')}`, '')
  if (told !== null) lines.push(...wrap(best.seen, columns), '')
  lines.push(...causeList(best.causes, columns))
  for (const other of others) {
    const ids = other.causes.map(({ id }) => id).join(', ')
    lines.push('', ...wrap(`Also read as ${other.from}: ${other.seen} (${ids})`, columns))
  }
  const first = best.causes[0]?.id
  const more = { text: 'More on a candidate:', command: `tcpwhy explain ${first}` }
  return [...lines, ...nextLines(first === undefined ? next : [...next, more], columns)]
}

function unknownLines(
  { query, nearest, states }: Extract<Explanation, { kind: 'unknown' }>,
  columns: number,
): string[] {
  const lines = wrap(`No cause, TCP state or known error line: ${echo(query)}`, columns)
  if (nearest.length + states.length > 0) {
    lines.push('', 'Did you mean:')
    lines.push(...states.map((name) => `  ${name}`))
    lines.push(...nearest.flatMap((cause) => refLine(cause, columns)))
  }
  lines.push('', ...wrap('tcpwhy explain lists all causes; an error line goes in quotes.', columns))
  return lines
}

/** First line of the answer: what happened on the wire. */
const wireWords: Record<Exclude<Wire, 'any'>, string> = {
  rst: 'A RST on an established connection',
  fin: 'A FIN, no RST: the peer closed',
  'fin-then-rst': 'The peer had closed (FIN) before this side wrote',
  'syn-rst': 'The SYN was answered by RST: refused',
  silence: 'Nothing came back in time',
  icmp: 'ICMP unreachable, or no ARP answer',
  none: 'No packet was involved: it happened inside this host',
  message: 'The server said it in its own protocol, then closed',
}

function causeList(causes: readonly CauseRef[], columns: number): string[] {
  return ['Candidate causes, in the order to check:', ...causes.flatMap((c) => refLine(c, columns))]
}

function nextLines(next: readonly NextStep[], columns: number): string[] {
  if (next.length === 0) return []
  const lines = ['', 'What to run next:']
  for (const { text, command } of next) {
    lines.push(...wrap(text, columns, '  '))
    if (command !== undefined) lines.push(...wrapCommand(command, '    ', columns))
  }
  return lines
}

function refLine({ id, title }: CauseRef, columns: number): string[] {
  return wrap(title, columns, `  ${id.padEnd(26)} `)
}

function labelled(label: string, text: string, columns: number): string[] {
  return wrap(text, columns, `${label}:`.padEnd(13))
}

/** A page of docs/causes: emphasis marks dropped, prose wrapped again when the terminal is narrow. */
function pageLines(page: string, columns: number): string[] {
  const lines: string[] = []
  for (const block of blocksOf(page)) {
    const item = block.startsWith('- ')
    lines.push(...wrap(plain(item ? block.slice(2) : block), columns, item ? '- ' : ''))
  }
  while (lines.at(-1) === '') lines.pop()
  return lines
}

/** Without heading and emphasis marks; a `*` within a command stays. */
function plain(block: string): string {
  return block
    .replace(/^#+ /, '')
    .replace(/\*\*(.+?)\*\*/g, '$1')
    .replace(/(^|[ (])\*([^*\s][^*]*)\*(?=[ ,.;:)]|$)/g, '$1$2')
}

/** Lines of one paragraph or list item joined; blank lines and headings by themselves. */
function blocksOf(page: string): string[] {
  const blocks: string[] = []
  let open = false
  for (const line of page.split('\n')) {
    const starts = line === '' || line.startsWith('#') || line.startsWith('- ') || !open
    if (starts) blocks.push(line)
    else blocks.push(`${blocks.pop() ?? ''} ${line.trim()}`)
    open = line !== '' && !line.startsWith('#')
  }
  return blocks
}

/** Prose over lines, `code` kept in one piece where it fits. */
function wrap(text: string, columns: number, first = ''): string[] {
  const glued = text.replace(/`[^`]{1,80}`/g, (code) => code.replaceAll(' ', NO_BREAK))
  return wrapWords(glued, first, columns).map((line) => line.replaceAll(NO_BREAK, ' ').trimEnd())
}

const NO_BREAK = '\u00a0'

function echo(text: string): string {
  return printable(text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO)}...` : text)
}
