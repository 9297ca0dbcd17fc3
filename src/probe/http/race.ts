import type { ProbePort } from '../port.ts'
import { type Asking, connected, outcomeOf, PER_SECOND, pause, RACE_PER_SECOND } from './asking.ts'
import type { HttpEnd } from './conversation.ts'
import type { HttpReport, RaceAttempt } from './report.ts'

type Idle = NonNullable<HttpReport['idle']>

/** So many are left idle: no server closes them all after the same time to the millisecond. */
export const IDLE_CONNECTIONS = 5

/** Connections that are left alone after a first answer: when does the server close them? */
export async function idleOnes(asking: Asking): Promise<HttpReport['idle']> {
  const { options, port, stop } = asking
  const fromMs = port.nowMs()
  asking.step = { is: 'idle', untilMs: fromMs + options.maxIdleMs }
  const ends = await Promise.all(
    Array.from({ length: IDLE_CONNECTIONS }, async (_, n) => {
      await pause(port, (n * 1000) / PER_SECOND)
      return idleOne(asking)
    }),
  )
  asking.step = null
  const answered = ends.filter((end) => end !== null)
  if (answered.length === 0) return null
  const closed = answered
    .flatMap(({ end, fromMs }) => (end === null ? [] : [{ ms: end.atMs - fromMs, how: end.how }]))
    .sort((a, b) => a.ms - b.ms)
  const middle = closed[Math.floor(closed.length / 2)]
  const waitedMs = Math.round(Math.max(...answered.map((one) => one.waitedMs)))
  // Some that stay open: others were closed for another reason than their idleness.
  if (middle === undefined || stop.aborted || closed.length < answered.length / 2) {
    const asked = answered.flatMap(({ works }) => works ?? [])
    const works = asked.length === 0 ? null : asked.some((one) => one)
    return { closedAfterMs: null, how: null, waitedMs, answered: works, closed: null }
  }
  const round = (ms: number) => Math.round(ms * 10) / 10
  return {
    closedAfterMs: Math.round(middle.ms),
    how: middle.how,
    waitedMs,
    answered: null,
    closed: {
      connections: closed.length,
      leastMs: round(closed[0]?.ms ?? middle.ms),
      mostMs: round(closed.at(-1)?.ms ?? middle.ms),
    },
  }
}

interface IdleEnd {
  /** Null: nothing came that ended it. */
  end: HttpEnd | null
  fromMs: number
  waitedMs: number
  /** Whether a request after all that time was answered; null: not asked. */
  works: boolean | null
}

/** Null: there was no first answer. */
async function idleOne(asking: Asking): Promise<IdleEnd | null> {
  const { options, port, stop } = asking
  const { conversation, failed } = await connected(asking)
  if (failed !== null) return null
  const answer = await conversation.ask(asking.get, options.timeoutMs)
  if (answer.is !== 'answered') return null
  const fromMs = port.nowMs()
  const onStop = () => conversation.close()
  stop.addEventListener('abort', onStop)
  const end = await conversation.untilEnded(options.maxIdleMs)
  stop.removeEventListener('abort', onStop)
  const waitedMs = port.nowMs() - fromMs
  // That no FIN came may also mean that nobody on the way knows the connection any more.
  const again =
    end === null && !stop.aborted ? await conversation.ask(asking.get, options.timeoutMs) : null
  conversation.close()
  const works = again === null ? null : again.is === 'answered'
  return { end: stop.aborted ? null : end, fromMs, waitedMs, works }
}

/** Beyond the window on both sides: a quarter of a round trip, and what timers here are late. */
const MARGIN_PART = 0.25
const MARGIN_MS = 2

/**
 * When a request may be sent so that it crosses the FIN: from one round trip before the FIN is here (it arrives just when the server
 * closes) until it is here. Milliseconds from the answer before.
 */
function windowOf({ closed }: Idle, roundTripMs: number): { fromMs: number; toMs: number } | null {
  if (closed === null) return null
  const margin = roundTripMs * MARGIN_PART + MARGIN_MS
  return {
    fromMs: Math.max(closed.leastMs - roundTripMs - margin, 0),
    toMs: closed.mostMs + margin,
  }
}

/** Connections that ask again about when the server closes them, spread over the time in which a request can cross its FIN. */
export async function raceOf(asking: Asking, idle: Idle): Promise<RaceAttempt[] | null> {
  const { options, port, handshakesMs, stop } = asking
  const window = windowOf(idle, Math.min(...handshakesMs))
  const { closedAfterMs } = idle
  if (window === null || closedAfterMs === null || options.race === 0 || stop.aborted) return null
  const { race: count } = options
  const spread = (count * 1000) / RACE_PER_SECOND
  asking.step = { is: 'race', untilMs: port.nowMs() + window.toMs + spread }
  const sleepers = new Set<() => void>()
  const wakeAll = () => {
    for (const wake of sleepers) wake()
  }
  stop.addEventListener('abort', wakeAll)
  const attempts = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await sleep(port, (n * 1000) / RACE_PER_SECOND, sleepers)
      if (stop.aborted) return null
      const part = count === 1 ? 0.5 : n / (count - 1)
      const afterMs = window.fromMs + part * (window.toMs - window.fromMs)
      return raceOne(asking, { afterMs, closedAfterMs }, sleepers)
    }),
  )
  stop.removeEventListener('abort', wakeAll)
  asking.step = null
  return attempts
    .filter((attempt) => attempt !== null)
    .sort((one, other) => one.offsetMs - other.offsetMs)
}

/** Null: stopped, or it was not even answered at first. */
async function raceOne(
  asking: Asking,
  { afterMs, closedAfterMs }: { afterMs: number; closedAfterMs: number },
  sleepers: Set<() => void>,
): Promise<RaceAttempt | null> {
  const { options, port, stop } = asking
  const { conversation, failed } = await connected(asking)
  const first = failed ?? (await conversation.ask(asking.get, options.timeoutMs))
  if (first.is !== 'answered' || stop.aborted) {
    conversation.close()
    return null
  }
  const fromMs = port.nowMs()
  await sleep(port, afterMs, sleepers)
  const offsetMs = Math.round((port.nowMs() - fromMs - closedAfterMs) * 10) / 10
  if (conversation.isOver || stop.aborted) {
    conversation.close()
    return stop.aborted ? null : { offsetMs, outcome: 'in-time' }
  }
  const second = await conversation.ask(asking.get, options.timeoutMs)
  conversation.close()
  return { offsetMs, outcome: outcomeOf(second) }
}

/** Waits, or until Ctrl-C: then all of `sleepers` are called. */
function sleep(port: ProbePort, ms: number, sleepers: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    let cancel = () => {}
    const done = () => {
      sleepers.delete(done)
      cancel()
      resolve()
    }
    sleepers.add(done)
    cancel = port.after(ms, done)
  })
}

/** Sent, and neither answered nor known to be closed before it was: what a client loses. */
export function isLost({ outcome }: RaceAttempt): boolean {
  return outcome === 'reset' || outcome === 'closed' || outcome === 'timeout'
}
