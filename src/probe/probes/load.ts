import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { probeWords as words } from '../../messages/en/probe.ts'
import { formatCount, formatDuration, render } from '../../messages/render.ts'
import { withBudget } from '../budget.ts'
import {
  type LoadHooks,
  type LoadJob,
  type LoadLimits,
  type LoadOutcome,
  runLoad,
} from '../load/generator.ts'
import type { Histogram } from '../load/histogram.ts'
import type { LoadBurst, LoadReport, LoadSettings } from '../load/report.ts'
import { requestOctets } from '../load/request.ts'
import { type Ladder, runSteps } from '../load/steps.ts'
import { tippingOf } from '../load/tipping.ts'
import { tippingTexts } from '../load/tipping-text.ts'
import type { ProbeAddress, ProbePort } from '../port.ts'
import type { Probe, ProbeContext } from '../probe.ts'
import type { Plan } from '../report.ts'
import { shownTarget, type Target } from '../target.ts'

export interface LoadOptions extends Omit<LoadSettings, 'url'> {
  target: Target
  to: ProbeAddress
}

/** A rate up to here needs no consent (src/app/probe/permit.ts), so its connections stay below it in every second. */
const GENTLE_PER_SECOND = 50
/** As long as the generator waits at the end for what is under way. */
const LAST_REQUEST_MS = 5000
/** So long may it take until all connections of a burst are begun. */
const BEGIN_MS = 5000

export const load = {
  id: 'load',
  asks: 'How many requests does it serve, how late, and what do those die of that fail?',
  needs: [],
  plan,
  run,
} as const satisfies Probe<LoadOptions, LoadReport>

function plan(options: LoadOptions): Plan {
  const { target, to, concurrency, forMs, ratePerS, method, bursts } = options
  const limits = limitsOf(options)
  const limitMs = options.connectTimeoutMs + options.requestTimeoutMs
  const end = bursts?.at(-1)?.atMs ?? forMs ?? longestMs(options)
  return {
    targets: [shownTarget(target, to)],
    ...limits,
    octets: limits.requests * requestOf(options).length,
    atOnce: concurrency,
    perSecond: ratePerS,
    sends: render(words.load.sends, { method, url: urlOf(target) }),
    // A burst is not cut off: each of its requests has its limits.
    deadlineMs:
      end +
      (options.steps?.length ?? 1) *
        (bursts === undefined ? Math.min(LAST_REQUEST_MS, limitMs) : limitMs + BEGIN_MS),
  }
}

/** More than one core can: without `--rate` and `--count` these are the most that a second may take. */
const MOST_PER_SECOND = { requests: 100_000, oneShot: 20_000, kept: 1000 }

function limitsOf(options: LoadOptions): LoadLimits {
  const { bursts, count, forMs, ratePerS, keepAlive, concurrency, maxConnections, steps } = options
  if (bursts !== undefined) {
    const all = sizeOf(bursts)
    return { connections: Math.min(all, maxConnections ?? all), requests: all }
  }
  const upTo = (perSecond: number) => Math.ceil(((forMs ?? Infinity) / 1000) * perSecond)
  const requests = Math.min(count ?? Infinity, upTo(ratePerS ?? MOST_PER_SECOND.requests))
  const { oneShot, kept } = MOST_PER_SECOND
  // One a client at least, at each step; at a rate each request may need one.
  const clients = (steps ?? [concurrency]).reduce((sum, one) => sum + one, 0)
  const usual = Math.max(upTo(ratePerS ?? (keepAlive ? kept : oneShot)), clients)
  return { connections: Math.min(requests, maxConnections ?? usual), requests }
}

function sizeOf(bursts: readonly LoadBurst[]): number {
  return bursts.reduce((sum, { count }) => sum + count, 0)
}

/** `--count` without `--for`: each request takes at most its limits, `concurrency` of them at a time. */
function longestMs({ count, concurrency, ratePerS, ...limits }: LoadOptions): number {
  const each = limits.connectTimeoutMs + limits.requestTimeoutMs
  const rounds = Math.ceil((count ?? 0) / concurrency)
  return rounds * each + (ratePerS === null ? 0 : ((count ?? 0) / ratePerS) * 1000)
}

function urlOf({ scheme, host, port, path }: Target): string {
  return `${scheme === 'https' ? 'https' : 'http'}://${formatEndpoint(host, port)}${path}`
}

async function run(
  options: LoadOptions,
  port: ProbePort,
  context: ProbeContext & Omit<LoadHooks, 'stop'>,
): Promise<LoadReport> {
  const planned = plan(options)
  const startedAt = new Date(port.epochMs()).toISOString()
  const untilMs = port.nowMs() + planned.deadlineMs
  const budget = { ...planned, untilMs }
  const limited = withBudget(port, budget)
  const job = jobOf(options)
  const { steps, forMs } = options
  const ladder =
    steps === undefined || forMs === null
      ? null
      : await runSteps({ ...job, forMs, limits: limitsOf(options) }, steps, limited.port, context)
  const outcome = ladder?.outcome ?? (await runLoad(job, limited.port, context))
  const found = resultsOf(options, outcome, ladder)
  return {
    schema: 'tcpwhy.probe/1',
    tool: { name: 'tcpwhy', version },
    probe: 'load',
    startedAt,
    durationMs: Math.round(outcome.durationMs),
    plan: planned,
    spent: limited.spent,
    interrupted: context.stop.aborted,
    decided: found.requests.answered + found.requests.failed > 0,
    ...found,
    conclusion: [conclusionOf(found, outcome.durationMs), ...usedUpOf(planned, outcome)].join(' '),
  }
}

function jobOf(options: LoadOptions): LoadJob {
  const { target, to } = options
  const { scheme, host, port } = target
  return {
    ...options,
    to: { ...to, port, ...(scheme === 'https' ? { tls: { servername: host } } : {}) },
    request: requestOf(options),
    limits: limitsOf(options),
    ...((options.ratePerS ?? Number.POSITIVE_INFINITY) <= GENTLE_PER_SECOND
      ? { opensPerS: GENTLE_PER_SECOND }
      : {}),
  }
}

function requestOf({ target, method, keepAlive }: LoadOptions): Uint8Array {
  return requestOctets(target, { method, keepAlive })
}

type Results = Pick<
  LoadReport,
  | 'targets'
  | 'settings'
  | 'requests'
  | 'statuses'
  | 'failures'
  | 'connections'
  | 'usedUp'
  | 'latencyMs'
  | 'responseOctets'
  | 'samples'
  | 'steps'
  | 'tipping'
>

function resultsOf(options: LoadOptions, outcome: LoadOutcome, ladder: Ladder | null): Results {
  const { target, to, ...settings } = options
  const { tally, durationMs, unfinished, notBegun } = outcome
  return {
    targets: [{ name: target.name, address: formatEndpoint(to.address, target.port) }],
    settings: { url: urlOf(target), ...settings },
    requests: {
      begun: tally.begun,
      answered: tally.answered,
      failed: tally.failed,
      unfinished,
      notBegun,
      answeredPerS: Math.round((tally.answered / Math.max(durationMs, 1)) * 10_000) / 10,
    },
    statuses: tally.statusTable(),
    failures: tally.failureList(),
    connections: {
      opened: tally.opened,
      slowHandshakes: tally.slowHandshakes,
      connectMs: tally.connect.summary(),
    },
    usedUp: outcome.usedUp,
    latencyMs: ladder === null ? latencyOf(options, outcome) : latencyOfSteps(ladder),
    responseOctets: tally.responseOctets,
    samples: tally.samples,
    ...(ladder === null ? {} : { steps: ladder.steps, tipping: tippingOf(ladder.steps) }),
  }
}

const SLOWER_MS = [200, 500, 1000, 3000] as const

function latencyOf(
  { ratePerS, concurrency }: LoadOptions,
  { tally, durationMs }: LoadOutcome,
): LoadReport['latencyMs'] {
  const measured = tally.measured.summary()
  const slower = slowerOf(tally.measured)
  if (ratePerS !== null) {
    const corrected = tally.due.summary()
    return { measured, corrected, correction: 'from-due-time', intervalMs: 1000 / ratePerS, slower }
  }
  // As wrk does it: the rate that this connection had, evenly.
  const intervalMs = tally.answered === 0 ? null : (durationMs * concurrency) / tally.answered
  const corrected = intervalMs === null ? null : tally.measured.corrected(intervalMs).summary()
  return { measured, corrected, correction: 'expected-interval', intervalMs, slower }
}

/** Each step is corrected by its own interval. */
function latencyOfSteps({ outcome, corrected }: Ladder): LoadReport['latencyMs'] {
  const { measured } = outcome.tally
  return {
    measured: measured.summary(),
    corrected: corrected.summary(),
    correction: 'expected-interval',
    intervalMs: null,
    slower: slowerOf(measured),
  }
}

function slowerOf(measured: Histogram): LoadReport['latencyMs']['slower'] {
  return SLOWER_MS.map((thanMs) => ({ thanMs, count: measured.above(thanMs) }))
}

function usedUpOf({ connections, requests }: Plan, { usedUp, durationMs }: LoadOutcome): string[] {
  if (usedUp === null) return []
  const values = {
    duration: formatDuration(durationMs),
    connections: formatCount(connections),
    requests: formatCount(requests),
  }
  return [render(words.load.conclusion.usedUp[usedUp], values)]
}

function conclusionOf(found: Results, durationMs: number): string {
  const { requests, failures, latencyMs, steps, tipping } = found
  const commonest = failures[0]
  const values = {
    answered: formatCount(requests.answered),
    failed: formatCount(requests.failed),
    rate: formatCount(Math.round(requests.answeredPerS)),
    duration: formatDuration(durationMs),
    p50: formatDuration(latencyMs.corrected?.p50 ?? 0),
    p99: formatDuration(latencyMs.corrected?.p99 ?? 0),
    kind: commonest === undefined ? '' : words.failure[commonest.kind],
    count: formatCount(commonest?.count ?? 0),
  }
  const { none, allFailed, allAnswered, someFailed, ofSteps } = words.load.conclusion
  if (requests.answered + requests.failed === 0) return render(none, values)
  if (requests.answered === 0) return render(allFailed, values)
  if (steps !== undefined && tipping !== undefined) {
    return [...tippingTexts(steps, tipping), render(ofSteps, values)].join(' ')
  }
  return render(requests.failed === 0 ? allAnswered : someFailed, values)
}
