// MySQL client/server protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html (8.0); MariaDB the same here.
import type { DatabaseFacts } from '../evidence/application.ts'
import { withoutLiterals } from './sql.ts'
import { type Chunk, Framer, latin1, type Message } from './stream.ts'

const IN_TRANS = 0x0001 // SERVER_STATUS_IN_TRANS
const MORE_RESULTS = 0x0008 // SERVER_MORE_RESULTS_EXISTS
const CLIENT_COMPRESS = 1 << 5
const CLIENT_SSL = 1 << 11
const CLIENT_DEPRECATE_EOF = 1 << 24
const CLIENT_QUERY_ATTRIBUTES = 1 << 27
const MAX_PREPARED = 256
const STATEMENT =
  /^\s*(?:\/\*|(?:select|insert|update|delete|replace|begin|start|commit|rollback|set|show|call|with|use|create|alter|drop|lock|unlock|truncate|explain|do|xa|savepoint|release)\b)/i

const COM = {
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  statistics: 0x09,
  ping: 0x0e,
  changeUser: 0x11,
  stmtPrepare: 0x16,
  stmtExecute: 0x17,
  stmtSendLongData: 0x18,
  stmtClose: 0x19,
  stmtReset: 0x1a,
  setOption: 0x1b,
  stmtFetch: 0x1c,
  resetConnection: 0x1f,
}

/** What the server's next packet is, as far as the command decides it. */
type Expect =
  | 'greeting'
  | 'auth'
  | 'ok'
  | 'result'
  | 'columns'
  | 'rows'
  | 'prepared'
  | 'prepared-defs'
  | 'text'
  | 'nothing'

interface State {
  facts: DatabaseFacts
  /** A greeting, a command or a status was understood: it is MySQL, not just something that fits. */
  understood: boolean
  expect: Expect
  phase: 'connection' | 'command'
  serverCapabilities: number
  capabilities: number | null
  deprecateEof: boolean | null
  columnsLeft: number
  definitionsLeft: number
  statement: { text: string; frame: number } | null
  prepared: Map<number, string>
  tls: boolean
  compressed: boolean
}

export interface MysqlReading {
  facts: DatabaseFacts
  /** The client switched to TLS: nothing after it can be read. */
  tls: boolean
}

/** Whether the server's first chunk is a greeting (or an error in its place). */
export function isMysqlGreeting(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[3] !== 0) return false
  const length = lengthOf(bytes)
  if (length + 4 < bytes.length || length > 4096) return false
  if (bytes[4] === 0x0a) return /^[\w.+~:-]{3,64}\0/.test(latin1(bytes, 5, 80))
  const code = bytes[5]! + bytes[6]! * 256
  return bytes[4] === 0xff && code >= 1000 && code < 5000
}

/** Whether a client's chunk is one command packet, for conversations whose beginning is missing. */
export function isMysqlCommand(bytes: Uint8Array): boolean {
  if (bytes.length < 5 || bytes[3] !== 0 || lengthOf(bytes) + 4 !== bytes.length) return false
  if (bytes[4] !== COM.query && bytes[4] !== COM.stmtPrepare) return false
  // With CLIENT_QUERY_ATTRIBUTES two counts (0, 1) come before the text.
  const text = latin1(bytes, bytes[5] === 0 ? 7 : 5, 64)
  return STATEMENT.test(text)
}

/** Transaction state and statements of a conversation; `sawStart` false when the greeting is not among the chunks. */
export function readMysql(chunks: readonly Chunk[], sawStart: boolean): MysqlReading | null {
  const state = newState(sawStart)
  const client = newFramer(sawStart, startsLikeCommand)
  const server = newFramer(sawStart, startsLikeReply)
  for (const chunk of chunks) {
    if (state.tls || state.compressed) break
    const framer = chunk.from === 'client' ? client : server
    const wasInStep = framer.inStep
    if (chunk.from === 'client') framer.push(chunk, (m) => readClient(state, m))
    else framer.push(chunk, (m) => readServer(state, m))
    if (wasInStep && !framer.inStep) state.facts.inTransaction = 'unknown'
  }
  if (state.tls || state.compressed) state.facts.inTransaction = 'unknown'
  return state.understood ? { facts: state.facts, tls: state.tls } : null
}

function newState(sawStart: boolean): State {
  return {
    facts: {
      inTransaction: 'unknown',
      openedBy: null,
      lastStatement: null,
      error: null,
      quit: false,
    },
    understood: false,
    expect: sawStart ? 'greeting' : 'nothing',
    phase: sawStart ? 'connection' : 'command',
    serverCapabilities: 0,
    capabilities: null,
    deprecateEof: null,
    columnsLeft: 0,
    definitionsLeft: 0,
    statement: null,
    prepared: new Map(),
    tls: false,
    compressed: false,
  }
}

function newFramer(inStep: boolean, startsHere: (bytes: Uint8Array) => boolean): Framer {
  return new Framer({ headerSize: () => 4, sizeOf: (h) => lengthOf(h) + 4, startsHere, inStep })
}

function startsLikeCommand(bytes: Uint8Array): boolean {
  if (bytes.length < 5 || bytes[3] !== 0 || lengthOf(bytes) + 4 !== bytes.length) return false
  return bytes[4]! >= 1 && bytes[4]! <= 0x1f
}

/** A reply begins with number 1, and its packets fit the chunk. */
function startsLikeReply(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && bytes[3] === 1 && lengthOf(bytes) + 4 <= bytes.length
}

function readClient(state: State, packet: Message): void {
  if (state.phase === 'connection') {
    readLogin(state, packet)
    return
  }
  if (packet.bytes[3] !== 0 || packet.bytes.length < 5) return
  readCommand(state, packet, packet.bytes[4]!)
}

/** HandshakeResponse41, or SSLRequest: its first four octets are the capabilities. */
function readLogin(state: State, packet: Message): void {
  if (state.capabilities !== null || packet.bytes.length < 8) return
  const b = packet.bytes
  state.capabilities =
    (b[4]! | (b[5]! << 8) | (b[6]! << 16) | (b[7]! << 24)) & state.serverCapabilities
  state.deprecateEof = (state.capabilities & CLIENT_DEPRECATE_EOF) !== 0
  state.compressed = (state.capabilities & CLIENT_COMPRESS) !== 0
  state.tls = (state.capabilities & CLIENT_SSL) !== 0 && packet.size === 36
  state.expect = 'auth'
}

function readCommand(state: State, packet: Message, command: number): void {
  state.expect = expectationOf(command)
  state.columnsLeft = -1 // no end of column definitions to come, unless a result begins
  switch (command) {
    case COM.quit:
      if (packet.size === 5) state.facts.quit = true
      return
    case COM.query:
    case COM.stmtPrepare:
      state.understood = true
      state.statement = {
        text: withoutLiterals(textOf(state, packet, command)),
        frame: packet.frame,
      }
      state.facts.lastStatement = state.statement
      return
    case COM.stmtExecute: {
      const text = state.prepared.get(uint32(packet.bytes, 5)) ?? 'a prepared statement'
      state.statement = { text, frame: packet.frame }
      state.facts.lastStatement = state.statement
      return
    }
    default:
      state.statement = null
  }
}

function expectationOf(command: number): Expect {
  switch (command) {
    case COM.quit:
    case COM.stmtClose:
    case COM.stmtSendLongData:
      return 'nothing'
    case COM.query:
    case COM.stmtExecute:
      return 'result'
    case COM.stmtPrepare:
      return 'prepared'
    case COM.fieldList:
    case COM.stmtFetch:
      return 'rows'
    case COM.statistics:
      return 'text'
    case COM.changeUser:
      return 'auth'
    default:
      return 'ok'
  }
}

function textOf(state: State, packet: Message, command: number): string {
  const attributes = ((state.capabilities ?? 0) & CLIENT_QUERY_ATTRIBUTES) !== 0
  if (command !== COM.query || !attributes) return latin1(packet.bytes, 5, undefined, 4096)
  // parameter_count and parameter_set_count come first; with parameters their values would have to be skipped.
  if (packet.bytes[5] !== 0) return '(statement with attributes)'
  return latin1(packet.bytes, 7, undefined, 4096)
}

function readServer(state: State, packet: Message): void {
  const first = packet.bytes[4]
  if (first === undefined) return
  if (first === 0xff && state.expect !== 'greeting') {
    readError(state, packet)
    return
  }
  switch (state.expect) {
    case 'greeting':
      readGreeting(state, packet)
      return
    case 'auth':
      if (first === 0x00) readOk(state, packet)
      return
    case 'ok':
      if (first === 0x00 || first === 0xfe) readEnd(state, packet)
      return
    case 'result':
      readResult(state, packet, first)
      return
    case 'columns':
      state.columnsLeft--
      if (state.columnsLeft === 0) state.expect = 'rows'
      return
    case 'rows':
      readRow(state, packet, first)
      return
    case 'prepared':
      readPrepared(state, packet, first)
      return
    case 'prepared-defs':
      readDefinition(state, packet, first)
      return
    default:
      return
  }
}

function readGreeting(state: State, packet: Message): void {
  const b = packet.bytes
  if (b[4] === 0xff) {
    readError(state, packet)
    return
  }
  const end = b.indexOf(0, 5)
  if (b[4] !== 0x0a || end < 0) return
  // After the version: thread id (4), salt (8), filler (1), capabilities low (2), charset (1), status (2), high (2).
  const at = end + 1 + 4 + 8 + 1
  const low = uint16(b, at)
  const high = uint16(b, at + 5)
  state.serverCapabilities = low | (high << 16)
  state.understood = true
  state.expect = 'auth'
}

function readOk(state: State, packet: Message): void {
  if (packet.bytes.length < 11) return
  state.phase = 'command'
  const rows = lengthEncodedSize(packet.bytes, 5)
  const id = lengthEncodedSize(packet.bytes, 5 + rows)
  readStatus(state, uint16(packet.bytes, 5 + rows + id))
}

/** The end of a result: EOF (0xFE, warnings, status) or, with CLIENT_DEPRECATE_EOF, an OK that begins with 0xFE. */
function readEnd(state: State, packet: Message): void {
  const eof = packet.bytes[4] === 0xfe && packet.size === 9
  if (eof) readStatus(state, uint16(packet.bytes, 7))
  else readOk(state, packet)
}

function readResult(state: State, packet: Message, first: number): void {
  if (first === 0x00) {
    readOk(state, packet)
    return
  }
  if (first === 0xfb) {
    state.expect = 'ok' // LOCAL INFILE: the file follows, then an OK
    return
  }
  state.columnsLeft = Math.max(1, first < 0xfb ? first : uint16(packet.bytes, 5))
  state.expect = 'columns'
}

function readRow(state: State, packet: Message, first: number): void {
  if (first !== 0xfe || packet.size >= 0xffffff) return
  const eof = packet.size === 9
  if (eof && state.deprecateEof !== true && state.columnsLeft === 0) {
    state.columnsLeft = -1 // the EOF between column definitions and rows
    return
  }
  readEnd(state, packet)
}

function readPrepared(state: State, packet: Message, first: number): void {
  if (first !== 0x00 || packet.bytes.length < 13) return
  const b = packet.bytes
  const columns = uint16(b, 9)
  const parameters = uint16(b, 11)
  if (state.statement !== null && state.prepared.size < MAX_PREPARED) {
    state.prepared.set(uint32(b, 5), state.statement.text)
  }
  state.understood = true
  state.definitionsLeft = columns + parameters
  state.expect = state.definitionsLeft > 0 ? 'prepared-defs' : 'nothing'
}

function readDefinition(state: State, packet: Message, first: number): void {
  if (first === 0xfe && packet.size === 9)
    readStatus(state, uint16(packet.bytes, 7), 'prepared-defs')
  else state.definitionsLeft--
}

function readStatus(state: State, status: number, next?: Expect): void {
  const inTransaction = (status & IN_TRANS) !== 0
  if (inTransaction && state.facts.inTransaction !== true) {
    state.facts.openedBy = state.statement
  }
  if (!inTransaction) state.facts.openedBy = null
  state.facts.inTransaction = inTransaction
  state.understood = true
  state.columnsLeft = 0
  state.expect = next ?? ((status & MORE_RESULTS) !== 0 ? 'result' : 'nothing')
}

function readError(state: State, packet: Message): void {
  if (packet.bytes.length < 7) return
  const code = String(uint16(packet.bytes, 5))
  const marked = packet.bytes[7] === 0x23
  const text = withoutLiterals(latin1(packet.bytes, marked ? 13 : 7, undefined, 400), 200)
  state.facts.error = { code, text, frame: packet.frame }
  state.understood = true
  state.expect = 'nothing'
}

function lengthOf(b: Uint8Array): number {
  return b[0]! | (b[1]! << 8) | (b[2]! << 16)
}

function uint16(b: Uint8Array, at: number): number {
  return (b[at] ?? 0) | ((b[at + 1] ?? 0) << 8)
}

function uint32(b: Uint8Array, at: number): number {
  return (uint16(b, at) | (uint16(b, at + 2) << 16)) >>> 0
}

function lengthEncodedSize(b: Uint8Array, at: number): number {
  const first = b[at] ?? 0
  if (first === 0xfc) return 3
  if (first === 0xfd) return 4
  return first === 0xfe ? 9 : 1
}
