import type { ProbePort } from '../port.ts'
import {
  type LoadHooks,
  type LoadJob,
  type LoadLimits,
  type LoadOutcome,
  runLoad,
} from './generator.ts'
import { Histogram } from './histogram.ts'
import type { LoadStep } from './report.ts'
import { type Slice, Tally } from './tally.ts'

/** What a whole series of loads came to. `corrected`: of all steps, each by its own interval. */
export interface Ladder {
  outcome: LoadOutcome
  corrected: Histogram
  steps: LoadStep[]
}

/** Parts of a step that are counted by themselves: how much they differ tells how exact its rate is. */
const SLICES = 20

/**
 * The same load with one concurrency after the other, each for an equal part of `forMs`, on connections of its own. What is under way at
 * the end of a step is waited for, as `runLoad` does. Limits hold for all of it.
 */
export async function runSteps(
  job: LoadJob & { forMs: number; limits: LoadLimits },
  concurrencies: readonly number[],
  port: ProbePort,
  hooks: LoadHooks,
): Promise<Ladder> {
  const startMs = port.nowMs()
  const forMs = job.forMs / concurrencies.length
  const all = new Tally()
  const corrected = new Histogram()
  const steps: LoadStep[] = []
  const sums = { durationMs: 0, unfinished: 0, answeredInTime: 0 }
  let usedUp: LoadOutcome['usedUp'] = null
  for (const concurrency of concurrencies) {
    const fromMs = port.nowMs() - startMs
    const cpuMs = port.cpuMs?.() ?? null
    const limits = {
      connections: job.limits.connections - all.opened,
      requests: job.limits.requests - all.begun,
    }
    const one = { ...job, forMs, concurrency, limits, sliceMs: forMs / SLICES }
    const outcome = await runLoad(one, port, laterBy(fromMs, hooks))
    const step = stepOf(outcome, { concurrency, fromMs, forMs, stopped: hooks.stop?.aborted })
    const { histogram, ...told } = step
    const usedMs = cpuMs === null ? null : (port.cpuMs?.() ?? 0) - cpuMs
    const lastedMs = port.nowMs() - startMs - fromMs
    const ownCpu = usedMs === null ? null : Math.round((usedMs / lastedMs) * 100) / 100
    steps.push({ ...told, ownCpu })
    all.add(outcome.tally, fromMs)
    if (histogram !== null) corrected.add(histogram)
    sums.durationMs += outcome.durationMs
    sums.unfinished += outcome.unfinished
    sums.answeredInTime += outcome.answeredInTime
    usedUp = outcome.usedUp
    if (usedUp !== null || hooks.stop?.aborted) break
  }
  return { outcome: { tally: all, notBegun: 0, usedUp, ...sums }, corrected, steps }
}

/** Hooks are told times since the start of all. */
function laterBy(fromMs: number, { stop, onSample }: LoadHooks): LoadHooks {
  return {
    ...(stop === undefined ? {} : { stop }),
    onSample: (sample) => onSample?.({ ...sample, atMs: sample.atMs + fromMs }),
  }
}

interface StepFrame {
  concurrency: number
  fromMs: number
  forMs: number
  stopped: boolean | undefined
}

function stepOf(outcome: LoadOutcome, { concurrency, fromMs, forMs, stopped }: StepFrame) {
  const { tally, durationMs, unfinished, answeredInTime, usedUp } = outcome
  const perS = (answeredInTime / Math.max(durationMs, 1)) * 1000
  // As wrk does it: the rate that each connection had, evenly.
  const intervalMs = perS === 0 ? null : (concurrency / perS) * 1000
  const histogram = intervalMs === null ? null : tally.measured.corrected(intervalMs)
  return {
    histogram,
    concurrency,
    fromMs: Math.round(fromMs),
    durationMs: Math.round(durationMs),
    whole: usedUp === null && stopped !== true && durationMs >= forMs * 0.9,
    requests: { begun: tally.begun, answered: tally.answered, failed: tally.failed, unfinished },
    answeredPerS: Math.round(perS * 10) / 10,
    errorPerS: errorOf(tally.slices),
    connectionsOpened: tally.opened,
    failures: tally.failureList(),
    latencyMs: { measured: tally.measured.summary(), corrected: histogram?.summary() ?? null },
  }
}

const FEWEST_SLICES = 4

/** Two standard errors of the rate, by how much its slices differ; the first is left out: connections are opened in it. */
function errorOf(slices: readonly Slice[]): number | null {
  const rates = slices.slice(1).flatMap(({ atMs, answered }, i) => {
    const before = slices[i]
    if (before === undefined || atMs <= before.atMs) return []
    return [((answered - before.answered) / (atMs - before.atMs)) * 1000]
  })
  if (rates.length < FEWEST_SLICES) return null
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const squares = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0)
  const error = 2 * Math.sqrt(squares / (rates.length - 1) / rates.length)
  return Math.round(error * 10) / 10
}
