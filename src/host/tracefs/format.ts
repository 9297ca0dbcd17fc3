// Linux kernel/trace/trace_events.c f_show (events/*/*/format), kernel/trace/ring_buffer.c ring_buffer_print_page_header
// (events/header_page), v6.18. The kernel describes its own records, so layouts and enums follow it at run time.

export interface TraceField {
  name: string
  /** As in C: "__u8", "int", "enum sk_rst_reason", "const void *". */
  type: string
  offset: number
  size: number
  signed: boolean
  /** Several values in `size` octets. */
  array: boolean
  /** __data_loc or __rel_loc: the value says where in the record the octets are. */
  dynamic: 'data' | 'relative' | null
}

export interface TraceFormat {
  name: string
  /** What the first two octets of a record say; another one after each boot. */
  id: number
  /** The common ones too: common_type, common_flags, common_preempt_count, common_pid. */
  fields: readonly TraceField[]
  /** Names of numbers as the kernel would print them: symbols.get('reason')?.get(11) is "TCP_ABORT_ON_CLOSE". */
  symbols: ReadonlyMap<string, ReadonlyMap<number, string>>
}

const MAX_PAGE = 1 << 24 // more than the largest sub-buffer (buffer_subbuf_size_kb)

/** @returns null when the text is no format: no name or id. Lines that cannot be understood are left out. */
export function parseFormat(text: string): TraceFormat | null {
  const name = /^name: (\S+)$/m.exec(text)?.[1]
  const id = /^ID: (\d{1,5})$/m.exec(text)?.[1]
  if (name === undefined || id === undefined) return null
  const fields = text
    .split('\n')
    .map(parseField)
    .filter((field) => field !== null)
  const print = text.indexOf('\nprint fmt: ')
  const symbols = symbolsOf(print < 0 ? '' : text.slice(print))
  return { name, id: Number(id), fields, symbols }
}

/** "	field:__u8 saddr[4];	offset:22;	size:4;	signed:0;" */
const FIELD =
  /^\s*field:\s*([^;]{1,200}?)\s*;\s*offset:\s*(\d{1,6});\s*size:\s*(\d{1,6});(?:\s*signed:\s*([01]);)?/

function parseField(line: string): TraceField | null {
  const [, declared, offset, size, signed] = FIELD.exec(line) ?? []
  if (declared === undefined) return null
  const [, typed = '', name, elements] = /^(.*?)\b(\w+)\s*(?:\[([^\]]*)\])?$/.exec(declared) ?? []
  const at = { offset: Number(offset), size: Number(size) }
  if (name === undefined || at.offset + at.size > MAX_PAGE) return null
  // "__data_loc char[] name" has its brackets in the type.
  const dynamic = /^__data_loc\b/.test(typed)
    ? 'data'
    : /^__rel_loc\b/.test(typed)
      ? 'relative'
      : null
  return {
    name,
    type: typed.replace(/^__(data|rel)_loc\b/, '').trim(),
    ...at,
    signed: signed === '1',
    array: dynamic === null && elements !== undefined,
    dynamic,
  }
}

const SYMBOLIC = '__print_symbolic('
const MAX_SYMBOLS = 4_096

/** Each "__print_symbolic(REC->reason, { 0, "NOT_SPECIFIED" }, ...)"; names that the kernel left as C constants have no number. */
function symbolsOf(print: string): Map<string, Map<number, string>> {
  const found = new Map<string, Map<number, string>>()
  for (let at = print.indexOf(SYMBOLIC); at >= 0; at = print.indexOf(SYMBOLIC, at + 1)) {
    const next = print.indexOf(SYMBOLIC, at + 1)
    const part = print.slice(at, next < 0 ? print.length : next)
    const field = /^__print_symbolic\(\s*(?:\([^()]{0,60}\)\s*)?REC->(\w{1,60})/.exec(part)?.[1]
    if (field !== undefined) found.set(field, pairsOf(part, field))
  }
  return found
}

function pairsOf(part: string, field: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const [, word = '', name = ''] of part.matchAll(
    /\{\s*([^,{}]{1,60}),\s*"([^"]{0,80})"\s*\}/g,
  )) {
    const number = numberOf(word.trim(), field)
    if (number !== null && names.size < MAX_SYMBOLS) names.set(number, name)
  }
  return names
}

/** A state or family that the kernel prints by the name of its constant, where that is uapi and so cannot change. */
function numberOf(word: string, field: string): number | null {
  if (/^-?\d{1,15}$/.test(word)) return Number(word)
  if (/^0x[\da-fA-F]{1,13}$/.test(word)) return Number.parseInt(word.slice(2), 16)
  const state = /state$/.test(field) ? TCP_STATES.indexOf(word) : -1
  return state < 0 ? null : state + 1
}

/** Linux include/net/tcp_states.h, from 1. */
const TCP_STATES = [
  'TCP_ESTABLISHED',
  'TCP_SYN_SENT',
  'TCP_SYN_RECV',
  'TCP_FIN_WAIT1',
  'TCP_FIN_WAIT2',
  'TCP_TIME_WAIT',
  'TCP_CLOSE',
  'TCP_CLOSE_WAIT',
  'TCP_LAST_ACK',
  'TCP_LISTEN',
  'TCP_CLOSING',
  'TCP_NEW_SYN_RECV',
]

/** Where a page of trace_pipe_raw has what. `commitSize` is that of a C long. */
export interface PageLayout {
  timestampAt: number
  commitAt: number
  commitSize: 4 | 8
  dataAt: number
  pageSize: number
}

/** @param text events/header_page. @returns null when it does not describe a page. */
export function parseHeaderPage(text: string): PageLayout | null {
  const fields = new Map(
    text
      .split('\n')
      .map(parseField)
      .filter((field) => field !== null)
      .map((field) => [field.name, field]),
  )
  const timestamp = fields.get('timestamp')
  const commit = fields.get('commit')
  const data = fields.get('data')
  if (timestamp?.size !== 8 || commit === undefined || data === undefined) return null
  if (commit.size !== 4 && commit.size !== 8) return null
  const pageSize = data.offset + data.size
  if (
    data.size === 0 ||
    commit.offset + commit.size > data.offset ||
    timestamp.offset + 8 > data.offset
  ) {
    return null
  }
  return {
    timestampAt: timestamp.offset,
    commitAt: commit.offset,
    commitSize: commit.size,
    dataAt: data.offset,
    pageSize,
  }
}
