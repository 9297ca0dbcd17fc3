import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { withBudget } from '../budget.ts'
import { everySecond } from '../every-second.ts'
import { adviceOf, type InUse } from '../idle/advice.ts'
import { withServers } from '../idle/behind.ts'
import { assumptionsOf, conclusionOf, isDecided } from '../idle/conclude.ts'
import { COM_PING, loginOctets } from '../idle/mysql.ts'
import { keepaliveText, ladder, MOST_HEARTBEATS, STEP_PART } from '../idle/plan.ts'
import type { IdleReport, IdleSettings, IdleTarget } from '../idle/report.ts'
import { runsOf } from '../idle/runs.ts'
import { FAN_MOST, ROUNDS, search } from '../idle/search.ts'
import type { SearchState, Talk, TrialResult } from '../idle/types.ts'
import type { Keepalive, PacketWatch, ProbeAddress, ProbePort } from '../port.ts'
import type { Probe, ProbeContext } from '../probe.ts'
import type { Plan } from '../report.ts'
import { shownTarget, type Target } from '../target.ts'

export interface IdleOptions {
  targets: readonly { target: Target; to: ProbeAddress; talk: Talk }[]
  maxMs: number
  precisionMs: number
  keepalive: Keepalive | null
  request: IdleSettings['request']
  /** What is sent, in words. */
  sends: string
  /** Who uses these targets, or serves them, as far as it is known before. */
  inUse?: readonly InUse[]
  /** Of an earlier run that was interrupted, by target. */
  known?: readonly (readonly TrialResult[])[]
}

export interface IdleHooks extends ProbeContext {
  /** Each result as it comes, with the index of its target. */
  onResult?: (target: number, result: TrialResult) => void
  /** How far it is, once a second. */
  onProgress?: (progress: IdleProgress) => void
}

export interface IdleProgress {
  elapsedMs: number
  /** Until the last target is told, as far as can be said; `isOpenEnded`: if no connection dies. */
  leftMs: number
  isOpenEnded: boolean
  targets: (SearchState & { name: string })[]
}

/** Gentle: far below what any listen queue or firewall minds. */
const PER_SECOND = 40
/** Keepalive and heartbeat beside a fan, and the edges again. */
const BESIDES = 4
const LAST_ANSWERS_MS = 60_000

export const idle = {
  id: 'idle',
  asks: 'After how long a silence does a connection die, how, by whom, and what keeps it alive?',
  needs: ['socket-options', 'capture'],
  plan,
  run,
} as const satisfies Probe<IdleOptions, IdleReport>

function plan({ targets, maxMs, precisionMs, keepalive, sends, request }: IdleOptions): Plan {
  const rungs = ladder({ maxMs }).length
  const ladders = rungs * (keepalive === null ? 1 : 2)
  const fan = Math.min(Math.ceil((maxMs * 0.2) / (precisionMs * STEP_PART)), FAN_MOST) + BESIDES
  // And one login before all others.
  const each = ladders + fan * (ROUNDS - 1) + Number(request === 'mysql-ping')
  return {
    targets: targets.map(({ target, to }) => shownTarget(target, to)),
    connections: each * targets.length,
    ...volumeOf(targets, each),
    atOnce: Math.max(ladders, fan) * targets.length,
    perSecond: PER_SECOND,
    sends,
    deadlineMs: Math.ceil(maxMs * ROUNDS + LAST_ANSWERS_MS),
  }
}

/** Before and after each silence, and heartbeats beside one silence of each fan. */
function volumeOf(targets: IdleOptions['targets'], each: number) {
  const later = each + (ROUNDS - 1) * MOST_HEARTBEATS
  const asked = targets.map(({ talk }) => octetsOf(talk)).filter((one) => one !== null)
  const octets = asked.map((one) => each * one.first + later * one.later)
  return {
    requests: asked.length * (each + later),
    octets: octets.reduce((sum, one) => sum + one, 0),
  }
}

/** Of the first thing that is said, and of each later one; null: nothing is. */
function octetsOf(talk: Talk): { first: number; later: number } | null {
  switch (talk.is) {
    case 'keepalive-probe':
      return null
    case 'http':
      return { first: talk.request.length, later: talk.request.length }
    case 'octets':
      return { first: talk.octets.length, later: talk.octets.length }
    case 'mysql':
      return { first: loginOctets(talk.login), later: COM_PING.length }
  }
}

async function run(options: IdleOptions, port: ProbePort, hooks: IdleHooks): Promise<IdleReport> {
  const planned = plan(options)
  const startMs = port.nowMs()
  const startedAt = new Date(port.epochMs()).toISOString()
  const untilMs = startMs + planned.deadlineMs
  const { port: limited, spent } = withBudget(port, { ...planned, untilMs })
  const slot = pacer(limited, PER_SECOND)
  const watched = await port.watch(options.targets.map(addressOf))
  const cannot = 'cannot' in watched ? watched : null
  const watches = 'cannot' in watched ? [] : watched
  const reportOf = (targets: IdleTarget[]) => {
    const settings = settingsOf(options)
    return {
      schema: 'tcpwhy.probe/1' as const,
      tool: { name: 'tcpwhy' as const, version },
      probe: 'idle' as const,
      startedAt,
      durationMs: Math.round(port.nowMs() - startMs),
      plan: planned,
      spent: { ...spent },
      interrupted: hooks.stop.aborted,
      decided: isDecided(targets, settings),
      settings,
      targets,
      assumed: assumptionsOf(targets, settings, cannot),
      advice: adviceOf(targets, withServers(options.inUse ?? [], targets, options.request)),
      conclusion: conclusionOf(targets, settings),
    }
  }
  const states: ((() => SearchState) | null)[] = options.targets.map(() => null)
  const { onProgress } = hooks
  const tell = () => onProgress?.(progressOf(options, states, { port, startMs }))
  const stopTelling = everySecond(tell, port, onProgress !== undefined)
  try {
    const found = await Promise.all(
      options.targets.map(({ target, to, talk }, index) =>
        search(
          {
            to: openOptions(target, to),
            talk,
            maxMs: options.maxMs,
            precisionMs: options.precisionMs,
            keepalive: options.keepalive,
            known: options.known?.[index] ?? [],
          },
          {
            port: limited,
            stop: hooks.stop,
            slot,
            onResult: (result) => hooks.onResult?.(index, result),
            onState: (state) => {
              states[index] = state
            },
          },
        ),
      ),
    )
    await watches[0]?.settle()
    const targets = options.targets.map(({ target, to }, index) => ({
      name: target.name,
      address: formatEndpoint(to.address, target.port),
      ...saidBy(found[index] ?? []),
      runs: runsOf(withSeen(found[index] ?? [], watches[index]), options.precisionMs),
    }))
    return reportOf(targets)
  } finally {
    stopTelling()
    await Promise.all(watches.map((watch) => watch.close()))
  }
}

/** What answers say of who sends them. */
function saidBy(results: readonly TrialResult[]): Pick<IdleTarget, 'banner' | 'via' | 'promisedS'> {
  return {
    banner: results.find(({ banner }) => (banner ?? '') !== '')?.banner ?? null,
    via: results.find(({ via }) => (via ?? '') !== '')?.via ?? null,
    promisedS: results.find(({ promisedS }) => (promisedS ?? null) !== null)?.promisedS ?? null,
  }
}

function progressOf(
  { targets }: IdleOptions,
  states: readonly ((() => SearchState) | null)[],
  { port, startMs }: { port: ProbePort; startMs: number },
): IdleProgress {
  const now = port.nowMs()
  const told = targets.flatMap(({ target: { name } }, index) => {
    const state = states[index] ?? null
    return state === null ? [] : [{ ...state(), name }]
  })
  const under = told.filter(({ overAtMs }) => overAtMs > now)
  return {
    elapsedMs: now - startMs,
    leftMs: Math.max(0, ...under.map(({ overAtMs }) => overAtMs - now)),
    isOpenEnded: under.some(({ step, diedMs }) => step === 'ladder' && diedMs === null),
    targets: told,
  }
}

function addressOf({ target, to }: IdleOptions['targets'][number]) {
  return { ...to, port: target.port }
}

function openOptions({ scheme, host, port }: Target, to: ProbeAddress) {
  return { ...to, port, ...(scheme === 'https' ? { tls: { servername: host } } : {}) }
}

function settingsOf({ maxMs, precisionMs, keepalive, request }: IdleOptions): IdleSettings {
  const given = keepalive === null ? null : keepaliveText(keepalive)
  return { maxMs, precisionMs, keepalive: given, request }
}

function withSeen(results: readonly TrialResult[], watch: PacketWatch | undefined): TrialResult[] {
  return results.map((result) => {
    if (watch === undefined || result.localPort === null) return result
    // Results of an earlier run keep what was seen then.
    return result.seen.length > 0 ? result : { ...result, seen: watch.seen(result.localPort) }
  })
}

/** Lets one pass every 1/n s, in the order they came. */
function pacer(port: ProbePort, perSecond: number): () => Promise<void> {
  let nextMs = 0
  return () => {
    const now = port.nowMs()
    const at = Math.max(nextMs, now)
    nextMs = at + 1000 / perSecond
    return at <= now ? Promise.resolve() : new Promise((pass) => port.after(at - now, pass))
  }
}
