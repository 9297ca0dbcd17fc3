import type { Keepalive, OpenOptions, ProbePort } from '../port.ts'
import { type Bracket, bracketOf, isDeath } from './bracket.ts'
import { besides, fan, ladder } from './plan.ts'
import { tryOne } from './trial.ts'
import type { SearchState, Talk, Trial, TrialResult } from './types.ts'

export interface SearchJob {
  to: OpenOptions
  talk: Talk
  maxMs: number
  precisionMs: number
  /** As given; null = one that fits what is found. */
  keepalive: Keepalive | null
  /** From an earlier, interrupted search of the same. */
  known: readonly TrialResult[]
}

export interface SearchContext {
  port: ProbePort
  stop: AbortSignal
  /** Waits until the next connection may be opened. */
  slot(): Promise<void>
  onResult(result: TrialResult): void
  /** At the beginning of each step: how to ask for its state whenever somebody wants to know. */
  onState?: (state: () => SearchState) => void
}

/** Trials of one fan; more are left to the next one. */
export const FAN_MOST = 300
/** A ladder and a fan are enough, unless lost packets led astray. */
export const ROUNDS = 4

/**
 * Finds between which silences the limit lies: a ladder of silences at once, then a fan within the bracket, at once as well. Every
 * trial has a fresh connection. @returns all results, those that were known included
 */
export async function search(job: SearchJob, context: SearchContext): Promise<TrialResult[]> {
  const results = [...job.known]
  const add = (found: readonly TrialResult[]) => results.push(...found)
  let isCompared = wasCompared(job.known)
  if (job.talk.is === 'mysql' && results.length === 0) {
    add(await logInOnce(job, watched(job, results, 'ladder', context)))
    if (!results.some(({ outcome }) => outcome !== 'unusable')) return results
  }
  for (let round = 0; round < ROUNDS && !context.stop.aborted; round++) {
    const bracket = bracketOf(plain(results), job.precisionMs)
    const { diedMs } = bracket
    if (diedMs === null) {
      if (bracket.survivedMs >= job.maxMs * ALL_OF_IT) break
      const found = await climb(job, bracket, watched(job, results, 'ladder', context))
      add(found)
      if (!found.some(({ outcome }) => outcome !== 'unusable')) break
      continue
    }
    if (isCompared && diedMs - bracket.survivedMs <= job.precisionMs) break
    const fanContext = watched(job, results, 'fan', context)
    const found = await narrow(job, { ...bracket, diedMs }, isCompared, fanContext)
    add(found)
    isCompared = plain(found).some(({ outcome }) => outcome !== 'unusable')
    // It takes no connections: what died may have died of that, and nothing is known until it takes some again.
    if (!isCompared) await restarted(context)
  }
  return results
}

/** Before many log in at once: a wrong password is refused once, and no account or host is locked for it. */
function logInOnce(job: SearchJob, context: StepContext): Promise<TrialResult[]> {
  const trial: Trial = { silenceMs: FIRST_LOGIN_MS, keepalive: null, heartbeatMs: null }
  return runAll(job, [trial], context, () => null)
}

const FIRST_LOGIN_MS = 100

/** A program that is restarted listens again after some seconds. */
const RESTART_MS = 4000

function restarted({ port, stop }: SearchContext): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      stop.removeEventListener('abort', done)
      resolve()
    }
    const cancel = port.after(stop.aborted ? 0 : RESTART_MS, done)
    stop.addEventListener('abort', done)
  })
}

/** A fan was told whole in an earlier run: what killed was tried again, and something to keep it alive with it. */
function wasCompared(known: readonly TrialResult[]): boolean {
  const deaths = plain(known).filter(isDeath)
  return deaths.length > 1 && known.length > plain(known).length
}

/** Of one step. */
interface StepContext extends SearchContext {
  begin: (found: readonly TrialResult[], pending: () => Pending) => void
}

/** Trials that are not told: how many, how many of them are silent now, and when the last one is told. */
interface Pending {
  count: number
  silent: number
  untilMs: number
}

/** With what is known so far added to what a step tells of itself. */
function watched(
  job: SearchJob,
  before: readonly TrialResult[],
  step: SearchState['step'],
  context: SearchContext,
): StepContext {
  const state = (found: readonly TrialResult[], { count, silent, untilMs }: Pending) => {
    const { survivedMs, diedMs } = bracketOf(plain([...before, ...found]), job.precisionMs)
    const told = found.length
    // After a ladder in which one has died there will be a fan of as long silences.
    const overAtMs = step === 'ladder' ? untilMs + (diedMs ?? 0) : untilMs
    return { step, told, of: told + count, silent, survivedMs, diedMs, overAtMs }
  }
  return { ...context, begin: (found, pending) => context.onState?.(() => state(found, pending())) }
}

/** The last rung survived, but for the fraction that is not surely part of the silence. */
const ALL_OF_IT = 0.95

export function plain(results: readonly TrialResult[]): TrialResult[] {
  return results.filter((r) => r.keepalive === null && r.heartbeatMs === null)
}

/** The ladder, all rungs at once, until one has died and all below it are told. */
async function climb(job: SearchJob, known: Bracket, context: StepContext): Promise<TrialResult[]> {
  const { keepalive, maxMs } = job
  const silences = ladder({ maxMs }, known)
  const without: Trial[] = silences.map((silenceMs) => ({
    silenceMs,
    keepalive: null,
    heartbeatMs: null,
  }))
  // A silence that ends before the first keepalive is the same as one without.
  const kept = keepalive === null ? [] : without.filter((t) => t.silenceMs > keepalive.idleS * 1000)
  const trials = [...without, ...kept.map((trial) => ({ ...trial, keepalive }))]
  return runAll(
    job,
    trials.sort((a, b) => a.silenceMs - b.silenceMs),
    context,
    (found) => bracketOf(plain(found), job.precisionMs).diedMs,
  )
}

/** The fan, the edges again, and beside it what may keep a connection alive. */
async function narrow(
  job: SearchJob,
  bracket: Bracket & { diedMs: number },
  isCompared: boolean,
  context: StepContext,
): Promise<TrialResult[]> {
  const { precisionMs, keepalive, talk } = job
  // Who ends connections by itself does so a little late at times: what is sent at that very moment may still be answered.
  const late = bracket.deaths[0]?.onSend === false ? precisionMs : 0
  const surelyMs = bracket.diedMs + late
  const silences = fan(bracket, { precisionMs, atMost: FAN_MOST, surelyMs })
  const helps = keepalive !== null && keepalive.idleS * 1000 < bracket.survivedMs ? keepalive : null
  const heartbeat = talk.is !== 'keepalive-probe'
  const others = isCompared
    ? []
    : besides({ ...bracket, surelyMs }, { keepalive: helps, heartbeat })
  const trials: Trial[] = [
    ...others,
    ...silences.map((silenceMs) => ({ silenceMs, keepalive: null, heartbeatMs: null })),
  ]
  // The longest first: it decides when all are told.
  return runAll(
    job,
    trials.sort((a, b) => b.silenceMs - a.silenceMs),
    context,
    () => null,
  )
}

/**
 * Runs trials at once. `enough` is asked after each result: from then on those that are to be silent for longer than it says are
 * given up.
 */
async function runAll(
  job: SearchJob,
  trials: readonly Trial[],
  context: StepContext,
  enough: (found: readonly TrialResult[]) => number | null,
): Promise<TrialResult[]> {
  const { port } = context
  const found: TrialResult[] = []
  const running = new Map<Trial, { controller: AbortController; untilMs: number }>()
  const waiting = new Set(trials)
  let limitMs = Number.POSITIVE_INFINITY
  const stopAll = () => {
    for (const { controller } of running.values()) controller.abort()
  }
  context.stop.addEventListener('abort', stopAll)
  context.begin(found, () => {
    const asked = [...waiting].filter(({ silenceMs }) => silenceMs <= limitMs)
    const ends = [
      ...[...running.values()].map(({ untilMs }) => untilMs),
      ...asked.map(({ silenceMs }) => port.nowMs() + silenceMs),
    ]
    const count = running.size + asked.length
    return { count, silent: running.size, untilMs: Math.max(port.nowMs(), ...ends) }
  })
  const runOne = async (trial: Trial) => {
    waiting.delete(trial)
    if (trial.silenceMs > limitMs || context.stop.aborted) return
    const controller = new AbortController()
    running.set(trial, { controller, untilMs: port.nowMs() + trial.silenceMs })
    const { to, talk } = job
    const result = await tryOne({ to, talk, trial, stop: controller.signal }, port)
    running.delete(trial)
    if (result === null) return
    found.push(result)
    context.onResult(result)
    limitMs = Math.min(limitMs, enough(found) ?? limitMs)
    for (const [other, { controller }] of running) {
      if (other.silenceMs > limitMs) controller.abort()
    }
  }
  const all: Promise<void>[] = []
  for (const trial of trials) {
    await context.slot()
    all.push(runOne(trial))
  }
  await Promise.all(all)
  context.stop.removeEventListener('abort', stopAll)
  return found
}
