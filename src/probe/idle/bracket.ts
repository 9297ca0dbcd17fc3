import type { TrialResult } from './types.ts'

/** Between what the limit lies, as far as these trials tell. */
export interface Bracket {
  /** The longest silence that a connection survived, 0 when none did. */
  survivedMs: number
  /** The shortest that one died of; null: none died that was silent longer than `survivedMs`. */
  diedMs: number | null
  /** The trials that died of `diedMs` or little more: they say how it dies. */
  deaths: readonly TrialResult[]
  /** Died after a shorter silence than another survived: lost packets or something else, no limit. */
  odd: readonly TrialResult[]
}

/**
 * @param precisionMs  where connections are ended by themselves (FIN, RST during the silence) the moment is seen, within the time that
 *   the other end or we were late: the bracket is then a precision wide, unless a survivor narrows it
 */
export function bracketOf(results: readonly TrialResult[], precisionMs: number): Bracket {
  const alive = results.filter(({ outcome }) => outcome === 'ok')
  const survivedMs = Math.max(0, ...alive.map(({ fromMs }) => fromMs))
  const dead = results.filter(isDeath).sort((a, b) => a.toMs - b.toMs)
  const odd = dead.filter(({ toMs }) => toMs <= survivedMs)
  const deaths = dead.filter(({ toMs }) => toMs > survivedMs)
  const [first] = deaths
  if (first === undefined) return { survivedMs, diedMs: null, deaths, odd }
  const diedMs = first.toMs
  if (first.onSend) return { survivedMs, diedMs, deaths, odd }
  const openUntilMs = diedMs - LATE_PART * precisionMs
  return { survivedMs: Math.max(survivedMs, openUntilMs, 0), diedMs, deaths, odd }
}

/** A FIN seen now was due at most so much of the precision earlier; the rest is for rounding. */
const LATE_PART = 0.9

export function isDeath({ outcome }: TrialResult): boolean {
  return outcome === 'fin' || outcome === 'reset' || outcome === 'silent'
}
