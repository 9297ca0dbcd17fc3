import type { HttpFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Act, firstAct } from './bursts.ts'
import {
  atFrame,
  type Cause,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { farewell } from './farewell.ts'
import { once } from './once.ts'

const say = reasonsOf('client-cancelled')

/** A server silent for longer when the client leaves had stalled: that is a time-out, not a change of mind. */
const FLOWING_MS = 1000
/** A farewell and the FIN leave in one go. */
const GOODBYE_MS = 50
/** As many cancellations at the same age of the request are a timer. */
const TIMER_COUNT = 3
const TIMER_SPREAD = 0.05

/** The client stopped on purpose in the middle of a response, reading until then. */
export const clientCancelled = {
  id: 'client-cancelled',
  needs: ['application', 'packets'],
  refs: ['RFC 9293 §3.6.1', 'RFC 9112 §9.5'],
  confusedWith: ['client-timeout', 'close-with-unread-data', 'process-killed', 'zero-window-stall'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const { byChoice } = leftInTheMiddle(evidence)
  return { verdicts: byChoice.map((act) => judgeOne(act, evidence)) }
}

/** Clients that left while an answer was coming: at one age of the request, which a timer does, or at any. */
export function leftInTheMiddle(evidence: Evidence): { byChoice: Act[]; byTimer: Act[] } {
  const left: Act[] = []
  for (const connection of evidence.connections) {
    const act = firstAct(connection)
    if (act?.side === 'client' && inTheMiddle(connection, act, evidence)) left.push(act)
  }
  const timed = timers(left)
  return {
    byChoice: left.filter((a) => !timed.has(keyOf(a))),
    byTimer: left.filter((a) => timed.has(keyOf(a))),
  }
}

/** The answer had begun, was still flowing and not complete; the client's window was open. */
function inTheMiddle(connection: ConnectionFacts, act: Act, evidence: Evidence): boolean {
  const { client, server } = connection.sides
  const response = connection.response
  if (response === null || connection.seen !== 'both') return false
  const late = response.startMs > act.atMs
  if (late && !saidGoodbye(connection, act, evidence)) return false
  if (act.how === 'fin' && wentOnReading(connection, act)) return false
  const http = evidence.application.get(connection.id)?.http ?? null
  const complete = http?.bodyComplete ?? 'unknown'
  // The capture lost what the client had, and no length tells how much there was: the answer may be whole.
  if (complete === 'unknown' && server.missingOctets > 0) return false
  if (complete === true || missedTheRest(connection, evidence)) return false
  const streaming = http === null ? streams(connection, evidence) : http.streaming === true
  if (complete === 'unknown' && !streaming && !stillSending(connection, act, evidence)) return false
  const silence = act.atMs - lastServerData(connection, act)
  if (!streaming && silence > usualSilence(connection, act, http)) return false
  if (client.zeroWindow.openAtEnd || client.lastWindow === 0) return false
  return server.fin === null || server.fin.tMs > act.atMs
}

/** Of many connections only some are read again: this one is as those of its endpoint are, if they are all alike. */
function streams(connection: ConnectionFacts, evidence: Evidence): boolean {
  return streaming(evidence).get(connection.server.endpoint) === true
}

const streaming = once(({ connections, application }) => {
  const known = new Map<string, boolean>()
  for (const { id, server } of connections) {
    const http = application.get(id)?.http
    if (http === undefined || http === null) continue
    known.set(server.endpoint, http.streaming === true && known.get(server.endpoint) !== false)
  }
  return known
})

/** A chunked answer that had been silent as long before went on then: it flows in its own time. */
export function usualSilence(
  connection: ConnectionFacts,
  act: Act,
  http: HttpFacts | null,
): number {
  const { longestSilence, response } = connection
  if (http?.chunked !== true || longestSilence?.survived !== true || response === null)
    return FLOWING_MS
  const before = connection.survivedSilenceMs
  return act.atMs - response.startMs > before ? Math.max(FLOWING_MS, 1.5 * before) : FLOWING_MS
}

/**
 * What the client sent last is no request but the end of its session (TLS close_notify): the server was in the middle of
 * what it had been asked before that.
 */
function saidGoodbye(connection: ConnectionFacts, act: Act, evidence: Evidence): boolean {
  const { request, sides } = connection
  if (request === null || (sides.server.firstDataMs ?? Infinity) > act.atMs) return false
  if (request.startMs < act.atMs - GOODBYE_MS || request.startMs > act.atMs) return false
  const said = farewell(connection, { from: 'client', octets: request.octets }, evidence)
  return connection.exchanges > 1 && said !== 'no'
}

/** It closed its own direction only and took what came after that: nothing was left (RFC 9293 §3.6). */
function wentOnReading(connection: ConnectionFacts, act: Act): boolean {
  if (connection.resets.some((r) => r.from === 'client')) return false
  const fin = connection.tail.find((s) => s.frame === act.frame)
  const later = connection.tail.filter((s) => s.from === 'client' && s.frame > act.frame)
  if (fin === undefined) return later.length > 0
  // The server's FIN counts as one, and is no octet of the answer.
  const whole = connection.sides.server.fin === null ? 0 : 1
  return later.some((s) => s.ack > fin.ack + whole)
}

/** The client acknowledged what is not in the capture, and with it the response may have been whole. */
function missedTheRest(connection: ConnectionFacts, evidence: Evidence): boolean {
  const missing = connection.sides.server.missingOctets
  const http = evidence.application.get(connection.id)?.http ?? null
  if (missing === 0 || http === null || http.contentLength === null) return false
  return http.contentLength - (http.bodyOctetsSeen ?? 0) <= missing
}

/** More than the end of a session, which comes when the client has closed. */
function stillSending(connection: ConnectionFacts, act: Act, evidence: Evidence): boolean {
  const late = connection.resets.some((r) => r.from === 'client' && (r.trigger?.len ?? 0) > 31)
  if (late) return true
  if ((connection.sides.server.lastDataMs ?? 0) <= act.atMs) return false
  const after = connection.tail.filter(
    (s) => s.from === 'server' && s.len > 0 && s.tMs > act.atMs && s.frame > act.frame,
  )
  const octets = Math.max(...after.map((s) => s.seq + s.len)) - Math.min(...after.map((s) => s.seq))
  return after.length === 0 || farewell(connection, { from: 'server', octets }, evidence) === 'no'
}

/** Time of the last payload of the server before the client left. */
export function lastServerData(connection: ConnectionFacts, act: Act): number {
  const last = connection.sides.server.lastDataMs ?? act.atMs
  if (last <= act.atMs) return last
  const before = connection.tail.findLast(
    (s) => s.from === 'server' && s.len > 0 && s.tMs <= act.atMs,
  )
  return before?.tMs ?? connection.response?.startMs ?? act.atMs
}

function keyOf(act: Act): string {
  return `${act.connection.client.address} ${act.connection.server.endpoint}`
}

/** When the answer was asked for; where a farewell hides that, when the connection began. */
function askedMs({ connection, atMs }: Act): number {
  const { request, startMs, handshake } = connection
  if (request !== null && atMs - request.startMs > GOODBYE_MS) return request.startMs
  return handshake.ackMs ?? startMs
}

/** Pairs of client and endpoint whose cancellations all come at one age of the request. */
function timers(left: readonly Act[]): Set<string> {
  const ages = new Map<string, { count: number; low: number; high: number }>()
  for (const act of left) {
    const age = act.atMs - askedMs(act)
    const seen = ages.get(keyOf(act)) ?? { count: 0, low: age, high: age }
    const { count, low, high } = seen
    ages.set(keyOf(act), {
      count: count + 1,
      low: Math.min(low, age),
      high: Math.max(high, age),
    })
  }
  const timed = [...ages].filter(
    ([, { count, low, high }]) => count >= TIMER_COUNT && high - low <= high * TIMER_SPREAD,
  )
  return new Set(timed.map(([key]) => key))
}

function judgeOne(act: Act, evidence: Evidence): Verdict {
  const { connection, how } = act
  const http = evidence.application.get(connection.id)?.http
  const at = atFrame(act.frame, connection)
  const { response, sides } = connection
  const after = response !== null && response.startMs > act.atMs
  const because: Reason[] = [
    after
      ? say('left-session', { got: sides.server.payloadOctets }, at)
      : say('left', { age: act.atMs - askedMs(act), got: response?.octets ?? 0 }, at),
    say('window-open', { window: connection.sides.client.lastWindow }, at),
  ]
  const late = connection.resets.find((r) => r.from === 'client' && r.shape === 'stateless')
  if (how === 'fin' && late !== undefined) {
    because.push(say('closed-first', {}, frameOf(late, connection)))
  }
  if (http?.bodyComplete === false) {
    const told = http.contentLength ?? 0
    if (told > 0) because.push(say('incomplete', { told, got: http.bodyOctetsSeen ?? 0 }, at))
  }
  const against = how === 'reset' ? [say('unread-perhaps', {}, at)] : []
  const missing = connection.sides.server.missingOctets
  if (missing > 0) against.push(say('not-captured', { missing }, at))
  return {
    connections: [connection],
    certainty: 'possible',
    severity: 'benign',
    weight: how === 'fin' ? 54 : 36,
    culprit: { side: 'client', host: connection.client.address },
    because,
    against,
    group: connection.server.endpoint,
  }
}
