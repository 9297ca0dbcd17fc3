import type { LoadStep, Tipping } from './report.ts'

/** A machine is not the same from one second to the next: less than a tenth is no difference, however exact the rates are. */
const LEAST_NOISE = 0.1
/** More concurrency that would not show in the rate, even if it brought as much as it could, tells nothing. */
const TIMES_NOISE = 2.5
/** Of one core: from here on whoever asks may be what is slow. */
const BUSY = 0.85
/** Fewer failures are not put down to concurrency. */
const FAILING_PART = 0.01

/**
 * From which concurrency on more of it gives no more requests a second: the first step that no later one exceeds by more than noise.
 * Only steps that lasted their whole time, and were answered at all, are compared.
 */
export function tippingOf(steps: readonly LoadStep[]): Tipping {
  const failing = steps.find(
    ({ requests }) => requests.failed >= requests.begun * FAILING_PART && requests.failed > 0,
  )
  const failsFrom = failing?.concurrency ?? null
  const told = steps.filter(({ whole, answeredPerS }) => whole && answeredPerS > 0)
  const last = told.at(-1)
  if (told.length < 2 || last === undefined)
    return { is: 'unclear', why: 'few', at: null, failsFrom }
  for (const [i, step] of told.slice(0, -1).entries()) {
    const best = told
      .slice(i + 1)
      .reduce((one, other) => (other.answeredPerS > one.answeredPerS ? other : one))
    const noise = noiseOf(step, best)
    const at = step.concurrency
    if (best.answeredPerS / step.answeredPerS - 1 > noise) continue
    if (last.concurrency / at - 1 < noise * TIMES_NOISE)
      return { is: 'unclear', why: 'noise', at, failsFrom }
    const busy = told.slice(i).some(({ ownCpu }) => (ownCpu ?? 0) >= BUSY)
    return { is: 'reached', at, by: busy ? 'unknown' : 'server', failsFrom }
  }
  return { is: 'none', at: null, failsFrom }
}

/** As part of the rate: what both are inexact by. */
export function noiseOf(one: LoadStep, other: LoadStep): number {
  const error = (one.errorPerS ?? 0) + (other.errorPerS ?? 0)
  return Math.max(LEAST_NOISE, error / one.answeredPerS)
}
