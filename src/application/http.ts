// HTTP/1.x as defined by RFC 9112 (messages) and RFC 9110 (semantics).
import type { HttpFacts } from '../evidence/application.ts'
import { type Chunk, latin1, printable } from './stream.ts'

const MAX_HEAD = 64 * 1024 // a head longer than this is not followed
const MAX_PENDING = 64 // pipelined requests remembered for their method
const REQUEST_LINE = /^([A-Z][A-Z-]{1,19}) (\S{1,8000}) HTTP\/1\.[01]\r?\n/
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})[ \r\n]/

type Phase = 'head' | 'fixed' | 'chunk-size' | 'chunk' | 'trailer' | 'to-close' | 'lost'

interface HttpMessage {
  /** "GET /a" or the status. */
  start: string
  status: number
  frame: number
  contentLength: number | null
  chunked: boolean
  streaming: boolean
  connection: string | null
  keepAliveTimeoutS: number | null
  software: string | null
  bodySeen: number
  complete: boolean | 'unknown'
}

interface Reader {
  phase: Phase
  text: string
  left: number
  frame: number
  last: HttpMessage | null
  /** The end of the last head is not in the capture: where its body begins is not known. */
  headCut: boolean
  /** Octets of empty lines since the last message. */
  blank: number
}

/** Whether a chunk begins with an HTTP/1.x request or response. */
export function startsLikeHttp(bytes: Uint8Array): boolean {
  const start = latin1(bytes, 0, 8)
  if (start.startsWith('HTTP/1.')) return true
  if (!/^[A-Z][A-Z-]{1,6}/.test(start)) return false
  return REQUEST_LINE.test(latin1(bytes, 0, 8100))
}

/**
 * The last request and the last (final) response of a conversation. Header fields other than the length, Transfer-Encoding,
 * Connection and Keep-Alive are not looked at; the target is given without its query.
 */
export function readHttp(chunks: readonly Chunk[]): HttpFacts | null {
  const client = newReader()
  const server = newReader()
  const methods: string[] = []
  for (const chunk of chunks) {
    if (chunk.from === 'client') {
      push(client, chunk, (head) => beginRequest(client, head, methods))
    } else {
      push(server, chunk, (head) => beginResponse(server, head, methods))
    }
  }
  const unfinished = isUnfinishedHead(client)
  if (client.last === null && server.last === null && !unfinished) return null
  return {
    ...factsOf(client.last, server.last),
    ...(unfinished ? { requestHeadUnfinished: true as const } : {}),
    ...(client.last !== null && client.blank > 0 ? { requestSurplusOctets: client.blank } : {}),
  }
}

/** It begins with a request line and has not come to its empty line. */
function isUnfinishedHead({ phase, text, headCut }: Reader): boolean {
  return phase === 'head' && !headCut && REQUEST_LINE.test(text)
}

function factsOf(request: HttpMessage | null, response: HttpMessage | null): HttpFacts {
  return {
    request: request?.start ?? null,
    requestFrame: request?.frame ?? null,
    requestBodyOctets: request?.bodySeen ?? null,
    requestContentLength: request?.contentLength ?? null,
    requestBodyComplete: request?.complete ?? 'unknown',
    status: response?.status ?? null,
    responseFrame: response?.frame ?? null,
    contentLength: response?.contentLength ?? null,
    chunked: response?.chunked ?? false,
    ...(response?.streaming ? { streaming: true } : {}),
    connectionHeader: response?.connection ?? null,
    keepAliveTimeoutS: response?.keepAliveTimeoutS ?? null,
    ...(response?.software ? { software: response.software } : {}),
    bodyOctetsSeen: response?.bodySeen ?? null,
    bodyComplete: response?.complete ?? 'unknown',
  }
}

function newReader(): Reader {
  return { phase: 'head', text: '', left: 0, frame: 0, last: null, headCut: false, blank: 0 }
}

function push(reader: Reader, chunk: Chunk, begin: (head: string) => void): void {
  if (chunk.lost > 0) lose(reader, chunk.lost, begin)
  let at = 0
  if (startsAnew(reader, chunk.bytes)) reader.phase = 'head'
  while (at < chunk.bytes.length && reader.phase !== 'lost') {
    at += step(reader, chunk, at, begin)
  }
}

/** Out of step, or between messages with nothing read yet: only the beginning of a message is believed. */
function startsAnew(reader: Reader, bytes: Uint8Array): boolean {
  if (reader.phase === 'head' && reader.text === '' && bytes.length > 0) {
    if (!mayBeginMessage(bytes)) reader.phase = 'lost'
    return false
  }
  return reader.phase === 'lost' && bytes.length > 0 && startsLikeHttp(bytes)
}

function mayBeginMessage(bytes: Uint8Array): boolean {
  const c = bytes[0]!
  return (c >= 0x41 && c <= 0x5a) || c === 0x0d || c === 0x0a
}

function step(reader: Reader, chunk: Chunk, at: number, begin: (head: string) => void): number {
  switch (reader.phase) {
    case 'head':
      return takeHead(reader, chunk, at, begin)
    case 'fixed':
    case 'chunk':
      return takeBody(reader, chunk.bytes.length - at)
    case 'chunk-size':
    case 'trailer':
      return takeLine(reader, chunk, at)
    default: {
      if (reader.last !== null) reader.last.bodySeen += chunk.bytes.length - at
      return chunk.bytes.length - at
    }
  }
}

function takeHead(reader: Reader, chunk: Chunk, at: number, begin: (head: string) => void): number {
  // RFC 9112 §2.2: empty lines before a request line are ignored.
  if (reader.text === '' && (chunk.bytes[at] === 0x0d || chunk.bytes[at] === 0x0a)) {
    reader.blank++
    return 1
  }
  if (reader.text === '') {
    reader.frame = chunk.frame
    reader.headCut = false
    reader.blank = 0
  }
  const before = reader.text.length
  reader.text += latin1(chunk.bytes, at, emptyLineEnd(chunk.bytes, at), MAX_HEAD)
  const end = /\r?\n\r?\n/g
  end.lastIndex = Math.max(0, before - 3)
  const found = end.exec(reader.text)
  if (found === null) {
    if (reader.text.length > MAX_HEAD) reader.phase = 'lost'
    return chunk.bytes.length - at
  }
  const headLength = found.index + found[0].length
  const head = reader.text.slice(0, headLength)
  reader.text = ''
  begin(head)
  return Math.max(1, headLength - before)
}

/** Behind the first empty line from `at` on, or the end: the body behind a head need not become text. */
function emptyLineEnd(bytes: Uint8Array, at: number): number {
  for (let i = bytes.indexOf(0x0a, at); i >= 0; i = bytes.indexOf(0x0a, i + 1)) {
    if (bytes[i + 1] === 0x0a) return i + 2
    if (bytes[i + 1] === 0x0d && bytes[i + 2] === 0x0a) return i + 3
  }
  return bytes.length
}

function takeBody(reader: Reader, available: number): number {
  const count = Math.min(reader.left, available)
  reader.left -= count
  const message = reader.last!
  message.bodySeen += count
  if (reader.left === 0) {
    if (reader.phase === 'fixed') finish(reader)
    else reader.phase = 'chunk-size'
  }
  return count
}

function takeLine(reader: Reader, chunk: Chunk, at: number): number {
  let i = at
  while (i < chunk.bytes.length && chunk.bytes[i] !== 0x0a) i++
  reader.text += latin1(chunk.bytes, at, i, 256)
  if (reader.text.length > 8192) reader.phase = 'lost'
  if (i >= chunk.bytes.length) return i - at
  const line = reader.text.trim()
  reader.text = ''
  if (reader.phase === 'trailer') {
    if (line === '') finish(reader)
  } else if (line !== '') beginChunk(reader, line)
  return i + 1 - at
}

function beginChunk(reader: Reader, line: string): void {
  const size = /^([0-9a-fA-F]{1,12})(?:[ \t]*;.*)?$/.exec(line)?.[1]
  if (size === undefined) {
    outOfStep(reader)
    return
  }
  reader.left = Number.parseInt(size, 16)
  reader.phase = reader.left === 0 ? 'trailer' : 'chunk'
}

function finish(reader: Reader): void {
  if (reader.headCut && reader.last?.bodySeen !== 0) {
    outOfStep(reader)
    return
  }
  if (reader.last !== null) reader.last.complete = true
  reader.phase = 'head'
  reader.text = ''
}

function lose(reader: Reader, octets: number, begin: (head: string) => void): void {
  if (reader.phase === 'head' && reader.text !== '') {
    cutHead(reader, octets, begin)
    return
  }
  if (reader.phase === 'to-close') {
    if (reader.last !== null) reader.last.bodySeen += octets
    return
  }
  const inBody = reader.phase === 'fixed' || reader.phase === 'chunk'
  if (!inBody || octets > reader.left) outOfStep(reader)
  else takeBody(reader, octets)
}

/**
 * A head of which the capture kept the beginning: its whole lines are read. Where it ends in the lost octets is not known, so
 * all of them are counted as body: what is incomplete even so is incomplete, what seems complete is unknown.
 */
function cutHead(reader: Reader, octets: number, begin: (head: string) => void): void {
  const head = reader.text.slice(0, reader.text.lastIndexOf('\n') + 1)
  reader.text = ''
  if (head === '') {
    outOfStep(reader)
    return
  }
  reader.headCut = true
  begin(head)
  if (reader.phase === 'fixed' && octets < reader.left) takeBody(reader, octets)
  else if (reader.phase === 'to-close') lose(reader, octets, begin)
  else if (reader.phase !== 'head') outOfStep(reader)
}

function outOfStep(reader: Reader): void {
  if (reader.last !== null && reader.last.complete === false) reader.last.complete = 'unknown'
  reader.phase = 'lost'
  reader.text = ''
}

function beginRequest(reader: Reader, head: string, methods: string[]): void {
  const line = REQUEST_LINE.exec(head)
  if (line === null) {
    outOfStep(reader)
    return
  }
  const method = line[1]!
  if (methods.length < MAX_PENDING) methods.push(method)
  const message = newMessage(`${method} ${targetOf(line[2]!)}`, 0, reader.frame, head)
  reader.last = message
  if (method === 'CONNECT') reader.phase = 'to-close'
  else if (message.chunked) reader.phase = 'chunk-size'
  else beginFixed(reader, message.contentLength ?? 0)
}

function beginResponse(reader: Reader, head: string, methods: string[]): void {
  const status = Number(STATUS_LINE.exec(head)?.[1] ?? 0)
  if (status === 0) {
    outOfStep(reader)
    return
  }
  // RFC 9110 §15.2: interim responses are not the answer; 101 leaves HTTP.
  if (status >= 100 && status < 200 && status !== 101) return
  const method = methods.shift() ?? 'GET'
  const message = newMessage(String(status), status, reader.frame, head)
  reader.last = message
  const none = method === 'HEAD' || status === 204 || status === 304
  const tunnel = status === 101 || (method === 'CONNECT' && status < 300)
  if (tunnel) toClose(reader, message)
  else if (none) beginFixed(reader, 0)
  else if (message.chunked) reader.phase = 'chunk-size'
  else if (message.contentLength !== null) beginFixed(reader, message.contentLength)
  else toClose(reader, message)
}

/** RFC 9112 §6.3 (8): without a length the body ends with the connection, so the octets cannot tell. */
function toClose(reader: Reader, message: HttpMessage): void {
  message.complete = 'unknown'
  reader.phase = 'to-close'
}

function beginFixed(reader: Reader, octets: number): void {
  reader.left = octets
  reader.phase = 'fixed'
  if (octets === 0) finish(reader)
}

const STREAMS = /^(?:text\/event-stream|multipart\/x-mixed-replace|application\/grpc)\b/i

function newMessage(start: string, status: number, frame: number, head: string): HttpMessage {
  const fields = fieldsOf(head)
  const length = /^\d{1,15}$/.exec(fields.get('content-length') ?? '')?.[0]
  const coding = (fields.get('transfer-encoding') ?? '').toLowerCase()
  const connection = fields.get('connection') ?? null
  const timeout = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(fields.get('keep-alive') ?? '')?.[1]
  return {
    start,
    status,
    frame,
    contentLength: length === undefined ? null : Number(length),
    chunked: /(?:^|[\s,])chunked$/.test(coding),
    streaming: status === 101 || STREAMS.test(fields.get('content-type') ?? ''),
    connection: connection !== null && /^[\w\-, ]{1,64}$/.test(connection) ? connection : null,
    keepAliveTimeoutS: timeout === undefined ? null : Number(timeout),
    software: /^[A-Za-z][\w.-]{1,31}/.exec(fields.get('server') ?? '')?.[0] ?? null,
    bodySeen: 0,
    complete: false,
  }
}

/** By their names in lower case; of several with one name the first. */
function fieldsOf(head: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}

/** Query and user information may be secret: they are not kept. */
function targetOf(target: string): string {
  const question = target.search(/[?#]/)
  const path = question < 0 ? target : `${target.slice(0, question)}?…`
  return printableTarget(path.replace(/^(\w+:\/\/)[^/@]*@/, '$1'))
}

function printableTarget(target: string): string {
  const query = target.endsWith('?…')
  const path = printable(query ? target.slice(0, -2) : target)
  return query ? `${path}?…` : path
}
