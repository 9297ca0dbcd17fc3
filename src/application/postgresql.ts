// PostgreSQL frontend/backend protocol 3.0: https://www.postgresql.org/docs/17/protocol-message-formats.html
import type { DatabaseFacts } from '../evidence/application.ts'
import { withoutLiterals } from './sql.ts'
import { type Chunk, Framer, latin1, type Message } from './stream.ts'

const PROTOCOL_3 = 0x0003_0000
const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const MAX_MESSAGE = 0x3fff_ffff
const MAX_PREPARED = 256
const CLIENT_TYPES = 'QPBEDSXCFHdcfp'
const SERVER_TYPES = 'RKZSTDCENAIVGHWdcst123nv'

interface State {
  facts: DatabaseFacts
  understood: boolean
  startup: boolean
  /** The client asked for encryption: the server's next octet is the answer, not a message. */
  answerDue: boolean
  tls: boolean
  statement: { text: string; frame: number } | null
  prepared: Map<string, string>
}

export interface PostgresqlReading {
  facts: DatabaseFacts
  /** The server agreed to TLS: nothing after it can be read. */
  tls: boolean
}

/** Whether the client's first chunk is a startup, SSL or GSS request. */
export function isPostgresqlStartup(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false
  const length = uint32(bytes, 0)
  const code = uint32(bytes, 4)
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) return length === 8
  return code >>> 16 === 3 && code <= PROTOCOL_3 + 2 && length >= 8 && length < 10_000
}

/** Whether a chunk shows the protocol although its beginning is missing: one whole Query, or a ReadyForQuery at the end. */
export function isPostgresqlTraffic(chunk: Chunk): boolean {
  const b = chunk.bytes
  if (chunk.from === 'client') {
    return b.length > 6 && b[0] === 0x51 && uint32(b, 1) + 1 === b.length && b[b.length - 1] === 0
  }
  const at = b.length - 6
  if (at < 0 || b[at] !== 0x5a || uint32(b, at + 1) !== 5 || !isStatus(b[at + 5]!)) return false
  return fillsWithMessages(b)
}

/** Transaction state and statements of a conversation; `sawStart` false when the startup is not among the chunks. */
export function readPostgresql(
  chunks: readonly Chunk[],
  sawStart: boolean,
): PostgresqlReading | null {
  const state = newState(sawStart)
  const client = newFramer(CLIENT_TYPES, sawStart, () => state.startup)
  const server = newFramer(SERVER_TYPES, sawStart, () => false)
  for (const original of chunks) {
    if (state.tls) break
    let chunk = original
    if (chunk.from === 'server' && state.answerDue && chunk.bytes.length > 0) {
      state.answerDue = false
      const answer = chunk.bytes[0]
      state.tls = answer === 0x53 || answer === 0x47
      // 'N' is one octet; a server that knows neither request answers with a whole ErrorResponse.
      if (answer !== 0x45) chunk = { ...chunk, bytes: chunk.bytes.subarray(1) }
    }
    const framer = chunk.from === 'client' ? client : server
    const wasInStep = framer.inStep
    framer.push(chunk, (m) =>
      chunk.from === 'client' ? readClient(state, m) : readServer(state, m),
    )
    if (wasInStep && !framer.inStep) state.facts.inTransaction = 'unknown'
  }
  if (state.tls) state.facts.inTransaction = 'unknown'
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
    startup: sawStart,
    answerDue: false,
    tls: false,
    statement: null,
    prepared: new Map(),
  }
}

function newFramer(types: string, inStep: boolean, startup: () => boolean): Framer {
  return new Framer({
    headerSize: () => (startup() ? 4 : 5),
    sizeOf: (header) => (startup() ? startupSize(header) : messageSize(header, types)),
    startsHere: (bytes) => bytes.length >= 5 && messageSize(bytes, types) > 0,
    inStep,
  })
}

function startupSize(header: Uint8Array): number {
  const length = uint32(header, 0)
  return length >= 8 && length <= 10_000 ? length : -1
}

function messageSize(header: Uint8Array, types: string): number {
  if (!types.includes(String.fromCharCode(header[0]!))) return -1
  const length = uint32(header, 1)
  return length >= 4 && length <= MAX_MESSAGE ? length + 1 : -1
}

function readClient(state: State, message: Message): void {
  if (state.startup) {
    readStartup(state, message)
    return
  }
  const b = message.bytes
  switch (String.fromCharCode(b[0]!)) {
    case 'Q':
      note(state, withoutLiterals(cString(b, 5)), message.frame)
      return
    case 'P': {
      const name = cString(b, 5)
      const text = withoutLiterals(cString(b, 5 + name.length + 1))
      if (state.prepared.size < MAX_PREPARED || state.prepared.has(name)) {
        state.prepared.set(name, text)
      }
      note(state, text, message.frame)
      return
    }
    case 'B': {
      const name = cString(b, 5 + cString(b, 5).length + 1)
      if (name !== '')
        note(state, state.prepared.get(name) ?? 'a prepared statement', message.frame)
      return
    }
    case 'X':
      if (message.size === 5) state.facts.quit = true
      return
    default:
  }
}

function readStartup(state: State, message: Message): void {
  const code = uint32(message.bytes, 4)
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) state.answerDue = true
  else if (code >>> 16 === 3) {
    state.startup = false
    state.understood = true
  }
  if (state.answerDue) state.understood = true
}

/** The first statement since the server was last ready is the one that may have opened a transaction. */
function note(state: State, text: string, frame: number): void {
  state.statement ??= { text, frame }
  state.facts.lastStatement = { text, frame }
  state.understood = true
}

function readServer(state: State, message: Message): void {
  const type = String.fromCharCode(message.bytes[0]!)
  if (type === 'Z' && message.bytes.length >= 6) readReady(state, message.bytes[5]!)
  if (type === 'E') readError(state, message)
  // A notice is no error but for this one: a session that is ended because another one crashed is only warned.
  if (type === 'N' && latin1(message.bytes, 5, undefined, 2000).includes('C57P02'))
    readError(state, message)
}

function readReady(state: State, status: number): void {
  if (!isStatus(status)) return
  state.understood = true
  const inTransaction = status !== 0x49
  if (inTransaction && state.facts.inTransaction !== true) state.facts.openedBy = state.statement
  if (!inTransaction) state.facts.openedBy = null
  state.facts.inTransaction = inTransaction
  state.statement = null
}

function readError(state: State, message: Message): void {
  const fields = latin1(message.bytes, 5, undefined, 2000).split('\0')
  const code = fields.find((f) => /^C[0-9A-Z]{5}$/.test(f))?.slice(1)
  if (code === undefined) return
  const text = fields.find((f) => f.startsWith('M'))?.slice(1) ?? ''
  state.facts.error = { code, text: withoutLiterals(text, 200), frame: message.frame }
  state.understood = true
}

function fillsWithMessages(b: Uint8Array): boolean {
  let at = 0
  for (let count = 0; at + 5 <= b.length && count < 10_000; count++) {
    const size = messageSize(b.subarray(at, at + 5), SERVER_TYPES)
    if (size < 0) return false
    at += size
  }
  return at === b.length
}

function isStatus(octet: number): boolean {
  return octet === 0x49 || octet === 0x54 || octet === 0x45
}

function cString(b: Uint8Array, at: number): string {
  const end = b.indexOf(0, at)
  return latin1(b, at, end < 0 ? b.length : end, 4096)
}

function uint32(b: Uint8Array, at: number): number {
  return (
    (((b[at] ?? 0) << 24) |
      ((b[at + 1] ?? 0) << 16) |
      ((b[at + 2] ?? 0) << 8) |
      (b[at + 3] ?? 0)) >>>
    0
  )
}
