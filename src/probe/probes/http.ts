import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { probeWords } from '../../messages/en/probe.ts'
import { render as fill } from '../../messages/render.ts'
import { withBudget } from '../budget.ts'
import { conclusionOf } from '../http/conclude.ts'
import { Conversation, type HttpAnswer, type NoAnswer } from '../http/conversation.ts'
import type { HttpReport, RaceAttempt, Upload } from '../http/report.ts'
import { requestOctets } from '../load/request.ts'
import type { OpenOptions, ProbeAddress, ProbePort } from '../port.ts'
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

/** Requests a second on the one connection that carries many. */
const PER_SECOND = 40
/** About the moment of the close: a millisecond apart where it is decided, wider around. */
const RACE_OFFSETS_MS = [-50, -20, -10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10, 20, 50]
const SMALL_BODY = 64 * 1024
const LARGE_BODY = 8 * 1024 * 1024
/** At most so much of the large one is sent: a server that reads it all has shown that it does. */
const MOST_SENT = 2 * 1024 * 1024
/** First, idle, many, early close, two uploads. */
const OTHER_CONNECTIONS = 6

function plan(options: HttpOptions): Plan {
  const { target, to, maxIdleMs, requests, timeoutMs, post } = options
  const values = { path: target.path, requests }
  return {
    targets: [shownTarget(target, to)],
    connections: OTHER_CONNECTIONS + RACE_OFFSETS_MS.length,
    atOnce: RACE_OFFSETS_MS.length,
    perSecond: PER_SECOND,
    sends: fill(post ? words.sendsPost : words.sends, values),
    deadlineMs: 2 * maxIdleMs + (requests / PER_SECOND) * 1000 + 8 * timeoutMs,
  }
}

interface Asking {
  options: HttpOptions
  to: OpenOptions
  port: ProbePort
  stop: AbortSignal
  get: Uint8Array
}

async function run(
  options: HttpOptions,
  port: ProbePort,
  { stop }: ProbeContext,
): Promise<HttpReport> {
  const planned = plan(options)
  const startMs = port.nowMs()
  const startedAt = new Date(port.epochMs()).toISOString()
  const untilMs = startMs + planned.deadlineMs
  const budget = { connections: planned.connections, octets: null, untilMs }
  const { port: limited, spent } = withBudget(port, budget)
  const { target } = options
  const tls = target.scheme === 'https' ? { tls: { servername: target.host } } : {}
  const asking: Asking = {
    options,
    to: { ...options.to, port: target.port, ...tls },
    port: limited,
    stop,
    get: requestOctets(target, { method: 'GET', keepAlive: true }),
  }
  const found = await findings(asking)
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
  'keepAlive' | 'idle' | 'requests' | 'race' | 'earlyClose' | 'uploads'
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
  if (first === null) return { first, failed: opened.failed, results: { keepAlive, ...nothing } }
  // The idle one waits while the others work.
  const waiting = opened.kept === true ? idleOne(asking) : null
  const requests = opened.kept === true ? await many(asking) : null
  const earlyClose = await earlyCloseOf(asking)
  const uploads = asking.options.post ? [await small(asking), await large(asking)] : null
  const idle = await waiting
  const race =
    idle?.closedAfterMs === null || idle === null ? null : await raceOf(asking, idle.closedAfterMs)
  return {
    first,
    failed: null,
    results: { keepAlive, idle, requests, race, earlyClose, uploads },
  }
}

async function connected({ to, port, options }: Asking) {
  const conversation = new Conversation(port)
  const failed = await conversation.open(to, options.timeoutMs)
  return { conversation, failed }
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

async function idleOne(asking: Asking): Promise<HttpReport['idle']> {
  const { options, port, stop } = asking
  const { conversation, failed } = await connected(asking)
  if (failed !== null) return null
  const answer = await conversation.ask(asking.get, options.timeoutMs)
  if (answer.is !== 'answered') return null
  const fromMs = port.nowMs()
  const onStop = () => conversation.close()
  stop.addEventListener('abort', onStop)
  const ended = await conversation.untilEnded(options.maxIdleMs)
  stop.removeEventListener('abort', onStop)
  conversation.close()
  const waitedMs = Math.round(port.nowMs() - fromMs)
  if (ended === null || stop.aborted) return { closedAfterMs: null, how: null, waitedMs }
  return { closedAfterMs: Math.round(ended.atMs - fromMs), how: ended.how, waitedMs }
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
    await pause(port, 1000 / PER_SECOND)
  }
  conversation.close()
  if (last === null || (last.is === 'answered' && last.keepAlive)) return { answered, ended: null }
  if (last.is === 'answered') return { answered, ended: 'announced' }
  const ended = last.is === 'closed' ? 'fin' : last.is === 'timeout' ? 'timeout' : 'reset'
  return { answered, ended }
}

/** Connections that ask again just when the server closes them, each at another moment. */
function raceOf(asking: Asking, closedAfterMs: number): Promise<RaceAttempt[]> {
  return Promise.all(
    RACE_OFFSETS_MS.map(async (offsetMs): Promise<RaceAttempt> => {
      const { conversation, failed } = await connected(asking)
      const { timeoutMs } = asking.options
      const first = failed ?? (await conversation.ask(asking.get, timeoutMs))
      if (first.is !== 'answered') return { offsetMs, outcome: 'timeout' }
      await pause(asking.port, Math.max(closedAfterMs + offsetMs, 0))
      if (conversation.ended !== null) {
        conversation.close()
        return { offsetMs, outcome: 'in-time' }
      }
      const second = await conversation.ask(asking.get, timeoutMs)
      conversation.close()
      return { offsetMs, outcome: outcomeOf(second) }
    }),
  )
}

function outcomeOf({ is }: HttpAnswer | NoAnswer): 'answered' | 'reset' | 'closed' | 'timeout' {
  return is === 'malformed' || is === 'failed' ? 'reset' : is
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
  const fields = [`Content-Length: ${bodyOctets}`, 'Content-Type: application/octet-stream']
  conversation.begin()
  conversation.write(requestOctets(options.target, { method: 'POST', keepAlive: true, fields }))
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

function pause(port: ProbePort, ms: number): Promise<void> {
  return new Promise((done) => port.after(ms, done))
}
