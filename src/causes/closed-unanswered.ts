import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Act, firstAct } from './bursts.ts'
import { roundTripMs, unseenOctets } from './closing.ts'
import { farewell } from './farewell.ts'

/** A request that its server took, and then a FIN where the answer was due. Times in ms. */
export interface ClosedUnanswered {
  connection: ConnectionFacts
  /** The FIN. */
  frame: number
  atMs: number
  /** Since the last octet of the request that came before the FIN. */
  waitedMs: number
  /** Octets of the request that the FIN or an ACK before it acknowledges. */
  octets: number
  /**
   * Whether an answer was due: 'yes' where the protocol says so, or others got theirs for a first message; 'perhaps' where
   * nobody can tell: encrypted, or of a protocol that is not known; 'one-way' where the server never sent an octet to anybody.
   */
  due: 'yes' | 'perhaps' | 'one-way'
  /** What of the request never came, by its own words: the server waited for that. null: all came, or it cannot be told. */
  unfinished: 'head' | 'body' | null
  /** The payload shows that the request was whole. */
  whole: boolean
}

/** Messages without a reply: MySQL's COM_STMT_CLOSE is a header, a command and four octets. */
const NO_REPLY_OCTETS = 9
/** As short a last word, and the server closes at once: QUIT, DISCONNECT, unbind in protocols that are not read. */
const GOODBYE_OCTETS = 64
const GOODBYE_MS = 50
/** Length, the code 80877102, process id and key. */
const CANCEL_OCTETS = 16
/** Who sends message after message for so long and waits for nothing speaks a one-way protocol. */
const UNPROMPTED_MS = 200

/** Sooner the server has not waited for the rest of a request. */
const WAITED_MS = 1000

/** null: answered, not acknowledged, a farewell, not a whole request, or the client or a reset ended it first. */
export function closedUnanswered(
  connection: ConnectionFacts,
  evidence: Evidence,
): ClosedUnanswered | null {
  const found = closedBeforeAnswer(connection, evidence)
  return found === null || found.unfinished !== null ? null : found
}

/** The same, also where the server waited for the rest of the request. RFC 9110 §9.3: a request has a response. */
export function closedBeforeAnswer(
  connection: ConnectionFacts,
  evidence: Evidence,
): ClosedUnanswered | null {
  const tls = evidence.application.get(connection.id)?.tls
  if (!connection.requestPending && tls?.unanswered !== true) return null
  if (connection.seen !== 'both' || connection.sides.server.missingOctets > 0) return null
  const act = firstAct(connection)
  if (act === null || act.side !== 'server' || act.how !== 'fin') return null
  // A request that came after the FIN is no such one; under TLS that may be close_notify.
  const asksLater = (connection.request?.startMs ?? act.atMs) >= act.atMs
  if (asksLater && (tls?.unanswered !== true || (tls.askedFrame ?? 0) > act.frame)) return null
  if (unseenOctets(connection, 'server') > 0) return null // it had answered, and that is not in the capture
  const asked = askedBefore(connection, act)
  if (asked === null) return null
  const octets = Math.min(acknowledgedBy(connection, act.frame) - asked.seq, asked.octets)
  if (octets <= 0) return null // request and FIN crossed
  const { atMs, frame } = act
  const waitedMs = atMs - asked.lastMs
  const told = evidence.application.get(connection.id)
  const unfinished = waitedMs < WAITED_MS ? null : unfinishedPart(told?.http ?? null)
  const whole = told?.database != null || told?.http?.requestBodyComplete === true
  const found = { connection, frame, atMs, waitedMs, octets, unfinished, whole }
  const due = answerDue(found, evidence)
  return due === 'no' ? null : { ...found, due }
}

function unfinishedPart(http: Http): ClosedUnanswered['unfinished'] {
  if (http?.requestHeadUnfinished === true) return 'head'
  return http?.requestBodyComplete === false ? 'body' : null
}

interface Asked {
  seq: number
  octets: number
  lastMs: number
}

/** What the client asked before the FIN; after it may have come more (close_notify, the next request). */
function askedBefore({ request, head, tail }: ConnectionFacts, act: Act): Asked | null {
  if (request !== null && request.lastMs <= act.atMs) return request
  const last = [...head, ...tail].findLast(
    (s) => s.from === 'client' && s.len > 0 && s.frame < act.frame && s.note !== 'keepalive',
  )
  if (last === undefined) return null
  const message = request !== null && request.startMs < act.atMs ? request : null
  const seq = message?.seq ?? last.seq
  return { seq, octets: last.seq + last.len - seq, lastMs: last.tMs }
}

/** The relative sequence number up to which the server had acknowledged when it sent that frame, or sent in it. */
function acknowledgedBy({ head, tail }: ConnectionFacts, frame: number): number {
  const own = [...head, ...tail].filter((s) => s.from === 'server' && s.frame <= frame)
  return Math.max(0, ...own.map((s) => s.ack))
}

function answerDue(
  found: Omit<ClosedUnanswered, 'due'>,
  evidence: Evidence,
): ClosedUnanswered['due'] | 'no' {
  const { connection, octets } = found
  const told = evidence.application.get(connection.id)
  if (farewell(connection, { from: 'client', octets }, evidence) !== 'no') return 'no'
  if (isCancelRequest(found, told?.protocol ?? 'unknown')) return 'no'
  if (told?.protocol === 'http') return askedByHttp(found, told.http)
  if (told?.protocol === 'mysql' || told?.protocol === 'postgresql') {
    return octets <= NO_REPLY_OCTETS || told.database?.quit === true ? 'no' : 'yes'
  }
  if (told?.protocol === 'tls') {
    const { tls } = told
    const sound = tls?.alert === null && tls.plainTextFrom === null
    return sound && tls.unanswered === true ? 'perhaps' : 'no'
  }
  return askedSomehow(found, evidence)
}

/** PostgreSQL's CancelRequest goes over a connection of its own, and the server closes that without a word (protocol, 54.2.8). */
function isCancelRequest(
  { connection, octets }: Omit<ClosedUnanswered, 'due'>,
  protocol: string,
): boolean {
  const { server, sides } = connection
  const alone = octets === CANCEL_OCTETS && sides.client.payloadOctets === CANCEL_OCTETS
  return alone && (protocol === 'postgresql' || (protocol === 'unknown' && server.port === 5432))
}

type Http = NonNullable<ReturnType<Evidence['application']['get']>>['http']

/** After a complete answer what is no new request needs none: octets too many; nor do the frames of a WebSocket. */
function askedByHttp({ connection }: Omit<ClosedUnanswered, 'due'>, http: Http): 'yes' | 'no' {
  if (http === null) return 'yes'
  if (http.streaming === true) return 'no'
  const old = http.requestFrame !== null && http.requestFrame < connection.request!.startFrame
  return old && http.bodyComplete === true && (http.status ?? 0) >= 200 ? 'no' : 'yes'
}

/** Of a protocol that is not read. */
function askedSomehow(
  { connection, octets, waitedMs }: Omit<ClosedUnanswered, 'due'>,
  evidence: Evidence,
): ClosedUnanswered['due'] | 'no' {
  const { request, exchanges } = connection
  if (request!.lastMs - request!.startMs > UNPROMPTED_MS) return 'no'
  const served = evidence.endpoints.get(connection.server.endpoint)?.served ?? 0
  if (served === 0) return 'one-way'
  if (exchanges <= 1) return 'yes'
  const atOnce = waitedMs < Math.max(GOODBYE_MS, 2 * roundTripMs(connection))
  return atOnce && octets <= GOODBYE_OCTETS ? 'no' : 'perhaps'
}
