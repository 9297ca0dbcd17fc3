import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { lastWord } from './admin-kill.ts'
import { type Act, bursts, refusedAfter } from './bursts.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Judgement,
  type Reason,
  type Reference,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { closedUnanswered } from './closed-unanswered.ts'
import { densest, lastActivityBeforeClose, toleranceMs } from './closing.ts'
import { cutResponse } from './cut-response.ts'
import { judgeProcessKilledHere } from './machine/process-killed.ts'

const say = reasonsOf('process-killed')

/** Three ends in one moment are an event; two may be chance. */
const TOGETHER = 3
/** A connection younger than this at the burst may only have been accepted and closed. */
const ACCEPTED_MS = 200
/** A FIN sooner than this after the last request is its answer: QUIT, Terminate, a refusal. */
const ANSWER_MS = 50
/** Requests or silences that began so far apart had no common age when one moment ended them. */
const APART_MS = 50
/** What a process that ends still answers while it does. */
const STOP_MS = 100
/** Of the connections: some were older than the capture, or kept alive. */
const NEARLY_ALL = 0.8
/** A request that waited so long was asked of a slow server, whatever ended the wait. */
const SLOW_MS = 1000

/** A process died: the kernel closes all its connections in one go, FIN where all was read, RST where not. */
export const processKilled = {
  id: 'process-killed',
  needs: ['packets', 'kernel', 'application'],
  refs: ['Linux net/ipv4/tcp.c __tcp_close', 'RFC 2525 §2.17'],
  confusedWith: [
    'client-timeout',
    'close-with-unread-data',
    'listener-closed',
    'server-idle-timeout',
    'server-stalled',
  ],
  specialises: ['accept-and-close', 'close-with-unread-data', 'data-after-close'],
  judge,
  judgeMachine: judgeProcessKilledHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const { acts } of bursts(evidence, 'server', (c) => c.server.endpoint)) {
    if (diedWith(evidence, acts)) verdicts.push(serverDied(evidence, acts))
    else if (neverRead(evidence, acts)) verdicts.push(diedUnread(acts))
    else if (stoppedWith(evidence, acts)) verdicts.push(stopped(evidence, acts))
  }
  for (const { acts } of bursts(evidence, 'client', (c) => c.client.address)) {
    const verdict = clientDied(evidence, acts)
    if (verdict !== null) verdicts.push(verdict)
  }
  verdicts.push(...crashesTold(evidence))
  return { verdicts }
}

/** PostgreSQL Appendix A, crash_shutdown: told to all other sessions when one backend dies. */
const CRASHED = '57P02'

/** The server says itself that a process of it died and that it ends the sessions for that. */
function crashesTold(evidence: Evidence): Verdict[] {
  return evidence.connections.flatMap((connection) => {
    const error = lastWord(connection, evidence)
    if (error === null || error.code !== CRASHED) return []
    const { code, text, frame } = error
    return [
      {
        connections: [connection],
        certainty: 'confirmed' as const,
        severity: 'problem' as const,
        weight: 96,
        culprit: { side: 'server' as const, host: connection.server.address },
        because: [say('told', { code, text }, atFrame(frame, connection))],
        against: [],
        values: { side: 'server', who: connection.server.endpoint },
        group: connection.server.endpoint,
      },
    ]
  })
}

/** Connections that ended with the process behind them, also those that were idle then: no idle limit ended these. */
export function endedWithProcess(evidence: Evidence): ReadonlySet<ConnectionFacts> {
  const died = bursts(evidence, 'server', (c) => c.server.endpoint).filter(({ acts }) =>
    diedWith(evidence, acts),
  )
  return new Set(died.flatMap(({ acts }) => acts.map((a) => a.connection)))
}

/** Whether a burst of one endpoint cut accepted connections in the middle of their work, as only a dying process does. */
export function diedWith(evidence: Evidence, acts: readonly Act[]): boolean {
  if (acts.length < TOGETHER) return false
  const responses = acts.filter((a) => cutResponse(a.connection, evidence) !== null)
  if (responses.length >= 2) return true
  const cut = acts.filter((a) => cutShort(a, evidence))
  if (cut.length === 0) return false
  // The idle ones went with it: not a decision about requests, but the end of what served them all.
  if (cut.length >= 2 && cut.every((a) => a.how === 'fin')) return true
  const toMs = acts.at(-1)!.atMs
  const { endpoint } = acts[0]!.connection.server
  const stopped =
    refusedAfter(evidence, endpoint, acts[0]!.atMs) > 0 ||
    (evidence.endpoints.get(endpoint)?.lastAnswerMs ?? toMs) <= toMs
  const mixed = new Set(acts.map((a) => a.how)).size > 1
  return stopped || (mixed && cut.length >= 2)
}

/** Ended by its server while a request was being worked on, on a connection that had been accepted for a while. */
function cutShort(act: Act, evidence: Evidence): boolean {
  const { connection, how, atMs, side } = act
  const accepted =
    connection.sides.server.payloadOctets > 0 ||
    (how === 'fin' && atMs - (connection.handshake.ackMs ?? connection.startMs) >= ACCEPTED_MS)
  if (side === 'server' && !accepted) return false
  if (side === 'server' && how === 'fin') return worked(act, evidence)
  const asked = connection.request?.lastMs ?? Number.NEGATIVE_INFINITY
  const pending = connection.requestPending && atMs - asked >= ANSWER_MS
  return pending || (how === 'reset' && connection.exchanges > 0 && !wasIdle(act))
}

function worked({ connection }: Act, evidence: Evidence): boolean {
  const unanswered = closedUnanswered(connection, evidence)
  return unanswered !== null && unanswered.waitedMs >= ANSWER_MS
}

/** All had been answered and acknowledged, and then it was silent: no request was being worked on. */
function wasIdle({ connection, atMs }: Act): boolean {
  const { server, client } = connection.sides
  if (connection.requestPending || server.inFlightOctets > 0) return false
  return atMs - Math.max(server.lastDataMs ?? atMs, client.lastDataMs ?? 0) >= ANSWER_MS
}

/**
 * Idle connections, said something on last at different times, get their FINs in one moment, and the port is closed from then on:
 * what served them all is gone. Killed or stopped in order, that looks the same.
 */
function stoppedWith(evidence: Evidence, acts: readonly Act[]): boolean {
  if (acts.length < TOGETHER || acts.some((a) => a.how !== 'fin')) return false
  if (acts.some((a) => a.connection.exchanges === 0)) return false
  const silences = acts.map(
    (a) =>
      a.atMs -
      (lastActivityBeforeClose(a.connection, a.side, { tMs: a.atMs, frame: a.frame }) ?? 0),
  )
  const toMs = acts.at(-1)!.atMs
  const { endpoint } = acts[0]!.connection.server
  if ((evidence.endpoints.get(endpoint)?.lastAnswerMs ?? 0) > toMs + STOP_MS) return false
  return (
    refusedAfter(evidence, endpoint, toMs) > 0 &&
    Math.max(...silences) - Math.min(...silences) > APART_MS
  )
}

function stopped(evidence: Evidence, acts: Act[]): Verdict {
  const first = acts[0]!
  const { endpoint } = first.connection.server
  const refused = refusedAfter(evidence, endpoint, first.atMs)
  const at = atFrame(first.frame, first.connection)
  const because = [together(acts), say('refused-after', { refused, server: endpoint }, at)]
  return { ...ofServer(acts, because, 'likely'), variant: 'stopped', weight: 84 }
}

/** What all verdicts on a server's process share. */
function ofServer(acts: readonly Act[], because: Reason[], certainty: Certainty) {
  const { endpoint, address } = acts[0]!.connection.server
  return {
    connections: acts.map((a) => a.connection),
    certainty,
    severity: 'problem' as const,
    culprit: { side: 'server' as const, host: address },
    because,
    against: [],
    values: { side: 'server', who: endpoint },
    group: endpoint,
  }
}

function together(acts: readonly Act[]): Reason {
  const { frame, connection, atMs } = acts[0]!
  const within = acts.at(-1)!.atMs - atMs
  return say('together', { acts: acts.length, within }, atFrame(frame, connection))
}

/** Requests that waited for a while, all answered by nothing but a RST in one moment, after which the server was silent. */
function neverRead(evidence: Evidence, acts: readonly Act[]): boolean {
  const { endpoint } = acts[0]!.connection.server
  const unread = acts.filter((a) => a.how === 'reset' && waitsInVain(a))
  const after = evidence.endpoints.get(endpoint)?.lastAnswerMs ?? 0
  const youngest = Math.max(...acts.map((a) => a.connection.handshake.ackMs ?? 0))
  if (acts[0]!.atMs - youngest < ACCEPTED_MS) return false // freshly accepted, and closed at once
  return unread.length >= TOGETHER && unread.length === acts.length && after <= acts.at(-1)!.atMs
}

function diedUnread(acts: Act[]): Verdict {
  const first = acts[0]!
  const at = atFrame(first.frame, first.connection)
  const age = Math.min(...acts.map(ageOf))
  const because = [together(acts), say('never-read', { cut: acts.length, age }, at)]
  const against = [say('perhaps-queued', {}, at)]
  return { ...ofServer(acts, because, 'possible'), weight: 55, against }
}

function serverDied(evidence: Evidence, acts: Act[]): Verdict {
  const first = acts[0]!
  const { endpoint } = first.connection.server
  const fins = acts.filter((a) => a.how === 'fin').length
  const pending = acts.filter((a) => cutShort(a, evidence))
  const responses = acts.filter((a) => cutResponse(a.connection, evidence) !== null)
  const cut = new Set([...pending, ...responses]).size
  const refused = refusedAfter(evidence, endpoint, first.atMs)
  const at = atFrame(first.frame, first.connection)
  const because = [together(acts)]
  if (pending.length > 0) {
    const { frame, connection } = pending[0]!
    because.push(say('cut-short', { cut: pending.length }, atFrame(frame, connection)))
  }
  if (responses.length > 0) because.push(aboutResponses(responses, evidence))
  const against: Reason[] = []
  const resets = acts.length - fins
  if (fins > 0 && resets > 0) because.push(say('mixed', { fins, resets }, at))
  if (refused > 0) because.push(say('refused-after', { refused, server: endpoint }, at))
  const survivor = evidence.connections.find(
    (c) =>
      c.server.endpoint === endpoint &&
      c.startMs < first.atMs &&
      (c.sides.server.lastDataMs ?? 0) > acts.at(-1)!.atMs,
  )
  if (survivor !== undefined) {
    against.push(say('others-live', { server: endpoint }, connectionRef(survivor)))
  }
  if (responses.length > 0) against.push(say('proxy', {}, at))
  else if (fins === acts.length && refused === 0) against.push(say('on-purpose', {}, at))
  const idle = acts.filter((a) => a.how === 'fin' && !pending.includes(a) && !responses.includes(a))
  if (idle.length > 0 && (pending.length >= 2 || (cut > 0 && refused > 0)))
    because.push(say('idle-too', { idle: idle.length }, at))
  const mixed = fins > 0 && resets > 0
  const more = refused > 0 || mixed || idle.length > 0
  // Asked for in one moment, they are cut in one moment by whatever meets each of them after so long.
  const oneAge = responses.length >= 2 && !more && !askedApart(responses)
  if (oneAge) against.push(say('one-age-cut', { age: ageOf(responses[0]!) }, at))
  const likely =
    (responses.length >= 2 && !oneAge) ||
    (cut >= 2 && more) ||
    (cut > 0 && refused > 0 && idle.length > 0)
  const weight = likely ? (refused > 0 ? 85 : 76) : 52
  return { ...ofServer(acts, because, likely ? 'likely' : 'possible'), weight, against }
}

function askedApart(responses: readonly Act[]): boolean {
  const ages = responses.map(ageOf)
  return Math.max(...ages) - Math.min(...ages) > APART_MS
}

/** How many responses were cut, and what had come of one of them. */
function aboutResponses(responses: readonly Act[], evidence: Evidence): Reason {
  const { connection, frame } = responses[0]!
  const http = cutResponse(connection, evidence)!
  const values = { cut: responses.length, seen: http.bodyOctetsSeen ?? 0 }
  const at = atFrame(frame, connection)
  return http.contentLength === null
    ? say('responses-cut-chunked', values, at)
    : say('responses-cut', { ...values, length: http.contentLength }, at)
}

/**
 * Clients that stop all at once are usually stopped on purpose (a load test ends, a browser closes): a notice. FIN and RST
 * mixed, or requests of different ages: no timer of a client ends those together.
 */
function clientDied(evidence: Evidence, acts: Act[]): Verdict | null {
  const cut = acts.filter((a) => cutShort(a, evidence))
  const fins = acts.filter((a) => a.how === 'fin').length
  const mixed = fins > 0 && fins < acts.length
  const waiting = acts.filter(waitsInVain)
  if (acts.length < TOGETHER) return null
  // Left with the answer on its way: it came after the FIN and was answered by RST.
  const late = acts.filter(leftAnswer)
  if (waiting.length < TOGETHER && !(mixed && cut.length >= 2)) {
    return late.length < TOGETHER ? null : clientLeft(acts, late)
  }
  const ages = waiting.map(ageOf)
  const [youngest, oldest] = [Math.min(...ages), Math.max(...ages)]
  const apart = waiting.length >= TOGETHER && oldest - youngest > toleranceMs(youngest)
  const life = apart ? limitOfLife(waiting) : null
  const differ = apart && life === null
  const first = acts[0]!
  const { address } = first.connection.client
  const at = atFrame(first.frame, first.connection)
  const example = waiting[0] ?? first
  const asked = atFrame(example.frame, example.connection)
  const because = [together(acts)]
  if (mixed) because.push(say('mixed', { fins, resets: acts.length - fins }, at))
  if (differ) because.push(say('ages', { cut: waiting.length, youngest, oldest }, asked))
  return {
    // Of one age a limit of the client explains those that waited; those that were idle it closed like any other.
    connections: (differ || mixed ? acts : waiting).map((a) => a.connection),
    variant: 'client',
    certainty: differ ? 'likely' : 'possible',
    severity: 'notice',
    weight: differ ? 78 : mixed ? 40 : 36,
    culprit: { side: 'client', host: address },
    because,
    against:
      life === null
        ? clientsOwn(waiting, { mixed, differ }, asked)
        : [say('one-life', { age: life }, asked)],
    values: { side: 'client', who: address },
    group: address,
  }
}

/** Busy connections that all end at once, their last answers just under way: a load test, a browser, a job that ends. */
function clientLeft(acts: Act[], late: readonly Act[]): Verdict {
  const first = acts[0]!
  const { address } = first.connection.client
  const after = atFrame(late[0]!.frame, late[0]!.connection)
  return {
    connections: acts.map((a) => a.connection),
    variant: 'client',
    certainty: 'likely',
    severity: 'notice',
    weight: 40,
    culprit: { side: 'client', host: address },
    because: [together(acts), say('late-answers', { late: late.length }, after)],
    against: [],
    values: { side: 'client', who: address },
    group: address,
  }
}

function leftAnswer({ connection, how, atMs }: Act): boolean {
  return (
    how === 'fin' &&
    connection.resets.some((r) => r.from === 'client' && (r.trigger?.len ?? 0) > 0 && r.tMs > atMs)
  )
}

/** What speaks for a client that lives and closed them itself, or for a server that had let it wait. */
function clientsOwn(
  waiting: readonly Act[],
  { mixed, differ }: { mixed: boolean; differ: boolean },
  at: Reference,
): Reason[] {
  const against: Reason[] = []
  const ages = waiting.map(ageOf)
  if (!mixed && !differ) against.push(say('one-age', { age: Math.min(...ages) }, at))
  const oldest = Math.max(0, ...ages)
  if (differ && oldest >= SLOW_MS) against.push(say('waited', { oldest }, at))
  return against
}

/** Asked a while before, and no octet of the answer had come when it left. */
function waitsInVain({ connection, atMs }: Act): boolean {
  const { request, response, requestPending } = connection
  if (request === null || atMs - request.lastMs < ANSWER_MS) return false
  return requestPending || (response !== null && response.startMs > atMs)
}

/**
 * One limit on the whole of an exchange, connecting included (`curl --max-time`, a load generator's): requests that were sent later
 * because the handshake took longer end together with the others. @returns ms from SYN to end, null = nearly all have no common one
 */
function limitOfLife(waiting: readonly Act[]): number | null {
  const common = densest(waiting, lifeOf)
  return common !== null && common.members.length >= waiting.length * NEARLY_ALL ? common.ms : null
}

function lifeOf({ connection, atMs }: Act): number {
  return atMs - connection.startMs
}

function ageOf({ connection, atMs }: Act): number {
  return atMs - connection.request!.lastMs
}
