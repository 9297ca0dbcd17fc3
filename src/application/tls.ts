// TLS records as defined by RFC 8446 (1.3) and RFC 5246 (1.2); server name: RFC 6066 §3.
import type { TlsFacts, TlsRecord } from '../evidence/application.ts'
import type { Side } from '../evidence/connection.ts'
import { startsLikeHttp } from './http.ts'
import { type Chunk, Framer, latin1, type Message } from './stream.ts'

const CHANGE_CIPHER_SPEC = 20
const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23
/** A heartbeat (24, RFC 6520) is none of these: it may come at any time and ends nothing. */
const records: Record<number, TlsRecord> = {
  [CHANGE_CIPHER_SPEC]: 'handshake',
  [ALERT]: 'alert',
  [HANDSHAKE]: 'handshake',
  [APPLICATION_DATA]: 'data',
}
const FATAL = 2
const CLOSE_NOTIFY = 0
const MAX_RECORD = 16_384 + 2048 // RFC 5246 §6.2.3
const MIN_FINISHED = 53 // TLS 1.3: 4 + 32 octets of Finished, 1 of type, 16 of tag; an encrypted alert has 19
const FAREWELL = 64 // an encrypted alert, or a frame of HTTP/2 that asks for nothing
const TICKET = { min: 100, max: 1100, most: 4 } // NewSessionTicket (RFC 8446 §4.6.1): OpenSSL sends two of one size, Go one
const PLAIN_ON_TLS = /plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL/i

const alertNames: Record<number, string> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
}

/** Whether a chunk begins with a TLS record; a ClientHello or ServerHello when `handshake`. */
export function startsLikeTls(bytes: Uint8Array, handshake = false): boolean {
  if (bytes.length < 5 || recordSize(bytes) < 0) return false
  if (!handshake) return true
  return bytes[0] === HANDSHAKE && (bytes[5] === 1 || bytes[5] === 2)
}

function recordSize(header: Uint8Array): number {
  const type = header[0]!
  const length = header[3]! * 256 + header[4]!
  if (type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA + 1) return -1
  if (header[1] !== 3 || header[2]! > 4 || length === 0 || length > MAX_RECORD) return -1
  return 5 + length
}

interface State {
  facts: TlsFacts
  /** ChangeCipherSpec seen from that side: its handshake records and alerts are encrypted from there on. */
  changed: Record<Side, boolean>
  finished: Record<Side, boolean>
  last: Record<Side, TlsRecord | null>
  serverHello: boolean
  version13: boolean
  whole: boolean
  /** Records under the application's keys: whether the client has asked, and the server's, all and since then. */
  asked: boolean
  records: number
  sinceAsked: number
  /** Of the server's records, while all have it. */
  size: number | null
}

/** Records of both directions until the conversation ends; `sawStart` false when its beginning is not among the chunks. */
export function readTls(chunks: readonly Chunk[], sawStart: boolean): TlsFacts {
  const state = newState(sawStart)
  const framers = { client: newFramer(sawStart), server: newFramer(sawStart) }
  for (const chunk of chunks) {
    const framer = framers[chunk.from]
    framer.push(chunk, (record) => readRecord(state, chunk.from, record))
    if (framer.inStep) continue
    state.whole = false
    state.last[chunk.from] = null
  }
  state.facts.plainTextFrom = plainTextFrom(chunks)
  state.facts.handshakeFinished = handshakeFinished(state)
  state.facts.unanswered = unanswered(state)
  state.facts.last = state.last
  return state.facts
}

function newState(sawStart: boolean): State {
  return {
    facts: {
      alert: null,
      handshakeFinished: 'unknown',
      plainTextFrom: null,
      clientHello: false,
      serverName: null,
    },
    changed: { client: false, server: false },
    finished: { client: false, server: false },
    last: { client: null, server: null },
    serverHello: false,
    version13: false,
    whole: sawStart,
    asked: false,
    records: 0,
    sinceAsked: 0,
    size: null,
  }
}

function newFramer(sawStart: boolean): Framer {
  return new Framer({
    headerSize: () => 5,
    sizeOf: recordSize,
    startsHere: startsLikeTls,
    inStep: sawStart,
  })
}

function readRecord(state: State, from: Side, record: Message): void {
  state.last[from] = records[record.bytes[0]!] ?? state.last[from]
  switch (record.bytes[0]) {
    case CHANGE_CIPHER_SPEC:
      state.changed[from] = true
      return
    case ALERT:
      readAlert(state, from, record)
      return
    case HANDSHAKE:
      readHandshake(state, from, record)
      return
    case APPLICATION_DATA:
      readApplicationData(state, from, record)
  }
}

/** Only an alert in the clear has two octets; an encrypted one says nothing to us. */
function readAlert(state: State, from: Side, record: Message): void {
  if (record.size !== 7 || record.bytes.length < 7) return
  const level = record.bytes[5]!
  const description = record.bytes[6]!
  if (level !== FATAL || description === CLOSE_NOTIFY || state.facts.alert !== null) return
  const name = alertNames[description] ?? `alert ${description}`
  state.facts.alert = { from, description, name, frame: record.frame }
}

function readHandshake(state: State, from: Side, record: Message): void {
  if (state.changed[from]) {
    // TLS 1.2: the first handshake record under the new keys is Finished.
    state.finished[from] = true
    return
  }
  const type = record.bytes[5]
  if (type === 1 && from === 'client') {
    state.facts.clientHello = true
    state.facts.serverName ??= serverNameOf(record.bytes)
  }
  if (type === 2 && from === 'server') {
    state.serverHello = true
    state.version13 = saysVersion13(record.bytes)
  }
}

function readApplicationData(state: State, from: Side, record: Message): void {
  if (state.finished.client && state.finished.server) countRecord(state, from, record)
  if (!state.version13) {
    if (state.changed[from] || !state.whole) state.finished[from] = true
    return
  }
  if (from === 'server') state.finished.server = true
  else if (record.size - 5 >= MIN_FINISHED && state.finished.server) state.finished.client = true
}

function countRecord(state: State, from: Side, { size, frame }: Message): void {
  if (from === 'client') {
    if (size <= FAREWELL) return
    state.asked = true
    state.facts.askedFrame = frame
    state.sinceAsked = 0
    return
  }
  state.size = state.records === 0 || state.size === size ? size : null
  state.records++
  state.sinceAsked++
}

/** Tickets may come before the client has asked or just after; an answer has another length than they. */
function unanswered(state: State): boolean | 'unknown' {
  if (!state.asked || !state.whole) return 'unknown'
  if (state.sinceAsked === 0) return true
  if (!state.version13 || state.size === null || state.records > TICKET.most) return false
  if (state.size < TICKET.min || state.size > TICKET.max) return false
  return state.records === 1 ? 'unknown' : true
}

function handshakeFinished(state: State): boolean | 'unknown' {
  if (state.finished.client && state.finished.server) return true
  return state.whole ? false : 'unknown'
}

/** Plain text towards a TLS speaker, told by what the other one answers. */
function plainTextFrom(chunks: readonly Chunk[]): Side | null {
  const client = chunks.find((c) => c.from === 'client' && c.bytes.length > 0)?.bytes
  const server = chunks.find((c) => c.from === 'server' && c.bytes.length > 0)?.bytes
  if (client === undefined || server === undefined) return null
  if (startsLikeHttp(client)) {
    if (startsLikeTls(server)) return 'client'
    return PLAIN_ON_TLS.test(latin1(server, 0, 4096)) ? 'client' : null
  }
  const plainServer = startsLikeHttp(server) || /^[\x20-\x7e]{4}/.test(latin1(server, 0, 16))
  return startsLikeTls(client, true) && !startsLikeTls(server) && plainServer ? 'server' : null
}

/** Whether a plain-text client was told so: for conversations recognised as HTTP. */
export function tlsPortSpokenPlain(chunks: readonly Chunk[]): TlsFacts | null {
  if (plainTextFrom(chunks) === null) return null
  return { ...newState(false).facts, handshakeFinished: false, plainTextFrom: 'client' }
}

/** Walks a hello's extensions; stops at anything that does not fit. */
function extension(bytes: Uint8Array, wanted: number, client: boolean): Uint8Array | null {
  let at = 5 + 4 + 2 + 32
  at += 1 + (bytes[at] ?? 0)
  if (client) {
    at += 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    at += 1 + (bytes[at] ?? 0)
  } else at += 3
  at += 2
  for (let count = 0; count < 64 && at + 4 <= bytes.length; count++) {
    const type = bytes[at]! * 256 + bytes[at + 1]!
    const length = bytes[at + 2]! * 256 + bytes[at + 3]!
    if (type === wanted) return bytes.subarray(at + 4, Math.min(bytes.length, at + 4 + length))
    at += 4 + length
  }
  return null
}

function serverNameOf(hello: Uint8Array): string | null {
  const body = extension(hello, 0, true)
  if (body === null || body.length < 6 || body[2] !== 0) return null
  const length = body[3]! * 256 + body[4]!
  const name = latin1(body, 5, 5 + length, 253)
  return /^[\w.-]{1,253}$/.test(name) ? name : null
}

function saysVersion13(hello: Uint8Array): boolean {
  const body = extension(hello, 43, false)
  return body !== null && body[0] === 3 && body[1] === 4
}
