import { assertNever } from '../../base/assert.ts'
import { catalog, catalogIds, groupTitles } from './catalog.ts'
import type { Wire } from './errors.ts'
import type { CauseRef, Explanation, NextStep } from './explain.ts'

export interface TextOptions {
  /** Columns of the terminal; more than 100 are not used. */
  width: number
  /** docs/causes/<id>.md, for `kind: 'cause'`; without it only the title is printed. */
  page?: string
}

const MAX_WIDTH = 100
const MIN_WIDTH = 40
const MAX_ECHO = 300 // of a pasted line

/** Terminal text without colour; the first line is the answer. Commands are never wrapped, so that they can be copied. */
export function explainText(explanation: Explanation, { width, page }: TextOptions): string {
  const columns = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(width) || MAX_WIDTH))
  return `${linesOf(explanation, columns, page).join('\n')}\n`
}

/** The list that `tcpwhy explain` prints without an argument. */
export function catalogText({ width }: { width: number }): string {
  const columns = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(width) || MAX_WIDTH))
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
  const head = page === undefined ? wrap(`${id}: ${title}`, columns) : pageLines(page, columns)
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
  const told = best.wire !== 'any'
  const answer = told ? `${wireWords[best.wire]} (${best.from})` : `${best.from}: ${best.seen}`
  const lines = wrap(answer, columns)
  lines.push(...fold(printable(line), columns - 2).map((part) => `> ${part}`), '')
  if (endpoints.pair.length === 2) lines.push(`Between ${endpoints.pair.join(' and ')}`, '')
  if (told) lines.push(...wrap(best.seen, columns), '')
  lines.push(...causeList(best.causes, columns))
  for (const other of others) {
    const ids = other.causes.map(({ id }) => id).join(', ')
    lines.push('', ...wrap(`Also read as ${other.from}: ${other.seen} (${ids})`, columns))
  }
  return [...lines, ...nextLines(next, columns)]
}

function unknownLines(
  { query, nearest, states }: Extract<Explanation, { kind: 'unknown' }>,
  columns: number,
): string[] {
  const lines = fold(`No cause, TCP state or known error line: ${printable(query)}`, columns)
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
  return ['Candidate causes, most usual first:', ...causes.flatMap((c) => refLine(c, columns))]
}

function nextLines(next: readonly NextStep[], columns: number): string[] {
  if (next.length === 0) return []
  const lines = ['', 'What to run next:']
  for (const { text, command } of next) {
    lines.push(...wrap(`  ${text}`, columns, '  '))
    if (command !== undefined) lines.push(`    ${command}`)
  }
  return lines
}

function refLine({ id, title }: CauseRef, columns: number): string[] {
  return wrap(`  ${id.padEnd(26)} ${title}`, columns, '      ')
}

function labelled(label: string, text: string, columns: number): string[] {
  return wrap(`${`${label}:`.padEnd(13)}${text}`, columns, ' '.repeat(13))
}

/** A page of docs/causes: emphasis marks dropped, prose wrapped again when the terminal is narrow. */
function pageLines(page: string, columns: number): string[] {
  const lines: string[] = []
  for (const block of blocksOf(page)) {
    const indent = block.startsWith('- ') ? '  ' : ''
    lines.push(...wrap(plain(block), columns, indent))
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

/** Breaks at spaces, never within `code`; a longer word or command stays whole. */
function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = []
  const start = /^ */.exec(text)?.[0] ?? ''
  let line = start
  for (const word of text.slice(start.length).match(/(?:`[^`]*`|\S)+| {2,}/g) ?? []) {
    const glued = line.trim() === '' || line.endsWith(' ') || word.startsWith(' ') ? '' : ' '
    if (line.trim() !== '' && line.length + glued.length + word.length > columns) {
      lines.push(line.trimEnd())
      line = indent + word.trimStart()
    } else line += glued + word
  }
  return [...lines, line.trimEnd()]
}

/** Breaks anywhere: what was pasted may have no spaces at all. */
function fold(text: string, columns: number): string[] {
  const lines: string[] = []
  for (let at = 0; at < text.length; at += columns) {
    lines.push(text.slice(at, at + columns).trimEnd())
  }
  return lines
}

/** Pasted text is hostile: control characters are shown, not sent to the terminal, and its length is bounded. */
function printable(text: string): string {
  const cut = text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO)}...` : text
  return cut.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
}
