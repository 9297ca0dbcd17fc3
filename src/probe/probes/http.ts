import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { probeWords } from '../../messages/en/probe.ts'
import { render as fill } from '../../messages/render.ts'
import { withBudget } from '../budget.ts'
import { everySecond } from '../every-second.ts'
import {
  type Asking,
  connected,
  MANY_PER_SECOND,
  outcomeOf,
  PER_SECOND,
  pause,
  RACE_PER_SECOND,
} from '../http/asking.ts'
import { conclusionOf } from '../http/conclude.ts'
import type { HttpAnswer, NoAnswer } from '../http/conversation.ts'
import { IDLE_CONNECTIONS, idleOnes, raceOf } from '../http/race.ts'
import type { HttpReport, Upload } from '../http/report.ts'
import { requestOctets } from '../load/request.ts'
import type { ProbeAddress, ProbePort } from '../port.ts'
import type { Probe, ProbeContext } from '../probe.ts'
import type { Plan } from '../report.ts'
import { shownTarget, type Target } from '../target.ts'

const words = probeWords.http

export interface HttpOptions {
  target: Target
  to: ProbeAddress
  /** An idle connection is waited for so long. */
  maxIdleMs: number
  /** Requests on one connection. */
  requests: number
  /** Requests sent about when the server closes; 0 = none. */
  race: number
  timeoutMs: number
  /** Bodies may be sent (POST). */
  post: boolean
}

export const http = {
  id: 'http',
  asks: 'Does it keep connections alive, for how long and how many requests, and what is lost when it closes?',
  needs: [],
  plan,
  run,
} as const satisfies Probe<HttpOptions, HttpReport>

const SMALL_BODY = 64 * 1024
const LARGE_BODY = 8 * 1024 * 1024
/** At most so much of the large one is sent: a server that reads it all has shown that it does. */
const MOST_SENT = 2 * 1024 * 1024
/** First, many, early close, two uploads. */
const OTHER_CONNECTIONS = 5

function plan(options: HttpOptions): Plan {
  const { target, to, maxIdleMs, requests, race, timeoutMs, post } = options
  // Two first ones, one behind which we close; who is idle or races asks again.
  const gets = requests + 3 + 2 * (IDLE_CONNECTIONS + race)
  const posts = post ? 2 : 0
  const values = {
    path: target.path,
    requests,
    others: race + IDLE_CONNECTIONS + OTHER_CONNECTIONS,
  }
  return {
    targets: [shownTarget(target, to)],
    connections: OTHER_CONNECTIONS + IDLE_CONNECTIONS + race,
    requests: gets + posts,
    octets: gets * getOf(target).length + (post ? uploadOctets(target) : 0),
    atOnce: Math.max(race, IDLE_CONNECTIONS + 1),
    perSecond: PER_SECOND,
    sends: fill(post ? words.sendsPost : words.sends, values),
    deadlineMs: Math.ceil(
      2 * maxIdleMs + (requests / MANY_PER_SECOND + race / RACE_PER_SECOND) * 1000 + 9 * timeoutMs,
    ),
  }
}

function getOf(target: Target): Uint8Array {
  return requestOctets(target, { method: 'GET', keepAlive: true })
}

/** Both bodies, their heads, and what follows an answer to the larger one. */
function uploadOctets(target: Target): number {
  const heads = postOf(target, SMALL_BODY).length + postOf(target, LARGE_BODY).length
  return heads + SMALL_BODY + MOST_SENT + 2 * PIECE
}

function postOf(target: Target, bodyOctets: number): Uint8Array {
  const fields = [`Content-Length: ${bodyOctets}`, 'Content-Type: application/octet-stream']
  return requestOctets(target, { method: 'POST', keepAlive: true, fields })
}

export interface HttpHooks extends ProbeContext {
  /** What it waits for, once a second. */
  onProgress?: (progress: HttpProgress) => void
}

export interface HttpProgress {
  step: 'idle' | 'race'
  /** At most. */
  leftMs: number
}

function tell({ step, port }: Asking, onProgress: HttpHooks['onProgress']): void {
  if (step !== null) {
    onProgress?.({ step: step.is, leftMs: Math.max(step.untilMs - port.nowMs(), 0) })
  }
}

async function run(
  options: HttpOptions,
  port: ProbePort,
  { stop, onProgress }: HttpHooks,
): Promise<HttpReport> {
  const planned = plan(options)
  const startMs = port.nowMs()
  const startedAt = new Date(port.epochMs()).toISOString()
  const untilMs = startMs + planned.deadlineMs
  const budget = { ...planned, untilMs }
  const { port: limited, spent } = withBudget(port, budget)
  const { target } = options
  const tls = target.scheme === 'https' ? { tls: { servername: target.host } } : {}
  const asking: Asking = {
    options,
    to: { ...options.to, port: target.port, ...tls },
    port: limited,
    stop,
    get: getOf(target),
    handshakesMs: [],
    step: null,
  }
  const stopTelling = everySecond(() => tell(asking, onProgress), limited, onProgress !== undefined)
  const found = await findings(asking).finally(stopTelling)
  return {
    schema: 'tcpwhy.probe/1',
    tool: { name: 'tcpwhy', version },
    probe: 'http',
    startedAt,
    durationMs: Math.round(port.nowMs() - startMs),
    plan: planned,
    spent,
    interrupted: stop.aborted,
    decided: found.first !== null,
    targets: [{ name: target.name, address: formatEndpoint(options.to.address, target.port) }],
    path: target.path,
    ...found.results,
    first: found.first,
    conclusion: conclusionOf(
      { ...found.results, first: found.first },
      { address: formatEndpoint(options.to.address, target.port), failed: found.failed },
    ),
  }
}

type Results = Pick<
  HttpReport,
  'keepAlive' | 'roundTripMs' | 'idle' | 'requests' | 'race' | 'earlyClose' | 'uploads'
>

interface Found {
  first: HttpReport['first']
  failed: NoAnswer | null
  results: Results
}

async function findings(asking: Asking): Promise<Found> {
  const opened = await firstRequests(asking)
  const { first, answer } = opened
  const nothing = { idle: null, requests: null, race: null, earlyClose: null, uploads: null }
  const keepAlive = {
    offered: answer?.keepAlive ?? false,
    kept: opened.kept,
    saysTimeoutS: answer?.timeoutS ?? null,
    saysMaxRequests: answer?.maxRequests ?? null,
  }
  if (first === null) {
    const results = { keepAlive, roundTripMs: null, ...nothing }
    return { first, failed: opened.failed, results }
  }
  // The idle ones wait while the others work.
  const waiting = opened.kept === true ? idleOnes(asking) : null
  const requests = opened.kept === true ? await many(asking) : null
  const earlyClose = await earlyCloseOf(asking)
  const uploads = asking.options.post ? [await small(asking), await large(asking)] : null
  const idle = await waiting
  const race = idle === null ? null : await raceOf(asking, idle)
  const roundTripMs = Math.round(Math.min(...asking.handshakesMs) * 1000) / 1000
  return {
    first,
    failed: null,
    results: { keepAlive, roundTripMs, idle, requests, race, earlyClose, uploads },
  }
}

/** The first request, and a second one on the same connection. */
async function firstRequests(asking: Asking) {
  const { conversation, failed } = await connected(asking)
  const { timeoutMs } = asking.options
  const none = { first: null, answer: null, kept: null }
  if (failed !== null) return { ...none, failed }
  const answer = await conversation.ask(asking.get, timeoutMs)
  if (answer.is !== 'answered') {
    conversation.close()
    return { ...none, failed: answer }
  }
  const again = answer.keepAlive ? await conversation.ask(asking.get, timeoutMs) : null
  conversation.close()
  const { status, server, ms } = answer
  return {
    first: { status, server, ms: Math.round(ms * 1000) / 1000 },
    answer,
    failed: null,
    kept: again === null ? null : again.is === 'answered',
  }
}

async function many(asking: Asking): Promise<HttpReport['requests']> {
  const { options, port, stop } = asking
  const { conversation, failed } = await connected(asking)
  if (failed !== null) return null
  let answered = 0
  let last: HttpAnswer | NoAnswer | null = null
  while (answered < options.requests && !stop.aborted) {
    last = await conversation.ask(asking.get, options.timeoutMs)
    if (last.is !== 'answered') break
    answered++
    if (!last.keepAlive) break
    await pause(port, 1000 / MANY_PER_SECOND)
  }
  conversation.close()
  if (last === null || (last.is === 'answered' && last.keepAlive)) return { answered, ended: null }
  if (last.is === 'answered') return { answered, ended: 'announced' }
  const ended = last.is === 'closed' ? 'fin' : last.is === 'timeout' ? 'timeout' : 'reset'
  return { answered, ended }
}

async function earlyCloseOf(asking: Asking): Promise<HttpReport['earlyClose']> {
  const { conversation, failed } = await connected(asking)
  if (failed !== null) return null
  conversation.begin()
  conversation.write(asking.get)
  conversation.halfClose()
  const answer = await conversation.answered(asking.options.timeoutMs)
  conversation.close()
  return outcomeOf(answer)
}

function small(asking: Asking): Promise<Upload> {
  return upload(asking, 'small', SMALL_BODY)
}

function large(asking: Asking): Promise<Upload> {
  return upload(asking, 'large', LARGE_BODY)
}

const PIECE = 32 * 1024
const PIECE_PAUSE_MS = 5
const AFTER_FIN_MS = 200

/** A body, piece by piece, until it is sent, answered, or the connection has ended; then what became of the answer. */
async function upload(asking: Asking, size: Upload['size'], bodyOctets: number): Promise<Upload> {
  const { options, port, stop } = asking
  const none = { size, bodyOctets, sentOctets: 0, status: null }
  const { conversation, failed } = await connected(asking)
  if (failed !== null) return { ...none, ended: 'reset' }
  conversation.begin()
  conversation.write(postOf(options.target, bodyOctets))
  const piece = new Uint8Array(PIECE)
  const most = Math.min(bodyOctets, MOST_SENT)
  let sentOctets = 0
  const fromMs = port.nowMs()
  const isOver = () => conversation.isAnswered || conversation.ended !== null || stop.aborted
  while (sentOctets < most && !isOver() && port.nowMs() - fromMs < options.timeoutMs) {
    if (conversation.unsent() < PIECE) {
      conversation.write(piece)
      sentOctets += PIECE
    }
    await pause(port, PIECE_PAUSE_MS)
  }
  const isWhole = sentOctets >= bodyOctets
  const answer = await conversation.answered(options.timeoutMs)
  if (answer.is !== 'answered') {
    conversation.close()
    const status = conversation.status === 0 ? null : conversation.status
    const ended = answer.is === 'timeout' ? 'timeout' : answer.is === 'closed' ? 'fin' : 'lost'
    return { ...none, sentOctets, status, ended }
  }
  // An answer to a body that was not sent whole: what follows shows how the server gets rid of the rest.
  if (!isWhole && conversation.ended === null) conversation.write(piece)
  const end = await conversation.untilEnded(isWhole && answer.keepAlive ? 200 : 2000)
  if (end?.how === 'fin' && !isWhole) {
    // More of the body into its closed end: a RST, which takes with it what of the answer was not read yet.
    conversation.write(piece)
    await pause(port, AFTER_FIN_MS)
  }
  const ended = end === null ? 'kept' : conversation.wasReset ? 'reset' : end.how
  conversation.close()
  return { ...none, sentOctets, status: answer.status, ended }
}
