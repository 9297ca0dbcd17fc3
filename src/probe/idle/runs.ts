import type { PacketSeen } from '../port.ts'
import { bracketOf } from './bracket.ts'
import { keepaliveText } from './plan.ts'
import type { IdleAttempt, IdleRun } from './report.ts'
import type { TrialResult } from './types.ts'

/** Results of one target by the way in which the connections were silent: without anything first. */
export function runsOf(results: readonly TrialResult[], precisionMs: number): IdleRun[] {
  const groups = new Map<string, TrialResult[]>()
  for (const result of results) {
    const key = `${keepaliveText(result.keepalive)} ${trafficOf(result)}`
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  const order = (run: IdleRun) =>
    (run.traffic === 'none' ? 0 : 2) + (run.keepalive === 'off' ? 0 : 1)
  return [...groups.values()]
    .map((group) => runOf(group, precisionMs))
    .sort((a, b) => order(a) - order(b))
}

function trafficOf({ heartbeatMs }: TrialResult): IdleRun['traffic'] {
  return heartbeatMs === null ? 'none' : 'heartbeat'
}

function runOf(results: readonly TrialResult[], precisionMs: number): IdleRun {
  const first = results[0]!
  const { survivedMs, diedMs, deaths } = bracketOf(results, precisionMs)
  return {
    keepalive: keepaliveText(first.keepalive),
    traffic: trafficOf(first),
    longestSurvivedMs: Math.floor(survivedMs),
    shortestDiedMs: diedMs === null ? null : Math.ceil(diedMs),
    flavour: commonest(deaths.map(flavourOf)),
    by: commonestKnown(deaths.map(byOf)),
    attempts: [...results].sort((a, b) => silenceOf(a) - silenceOf(b)).map(attemptOf),
  }
}

/** What it was, for who looks on: of what was ended by itself, until then; else what was intended. */
function silenceOf({ outcome, onSend, silenceMs, toMs }: TrialResult): number {
  return outcome === 'ok' || onSend || outcome === 'unusable' ? silenceMs : Math.round(toMs)
}

function attemptOf(result: TrialResult): IdleAttempt {
  const { outcome, onSend, code } = result
  return {
    silenceMs: silenceOf(result),
    outcome,
    ...(onSend && outcome !== 'ok' ? { onSend } : {}),
    ...(code === null ? {} : { code }),
  }
}

function flavourOf({ outcome }: TrialResult): IdleRun['flavour'] {
  return outcome === 'fin' || outcome === 'reset' || outcome === 'silent' ? outcome : null
}

/**
 * Who ended it. Silence: not the server, whose kernel answers everything, and which goes on answering others. Else by the distance that
 * the ending came from, compared with the handshake's.   @see tcp-resets.md 1.1, 4
 */
export function byOf({ outcome, onSend, seen }: TrialResult): 'server' | 'middlebox' | 'unknown' {
  if (outcome === 'silent') return 'middlebox'
  const handshake = seen.find(({ what }) => what === 'syn-ack')
  const ending = seen.findLast(({ what }) => what === (outcome === 'fin' ? 'fin' : 'rst'))
  if (handshake === undefined || ending === undefined) return 'unknown'
  if (handshake.ttl !== ending.ttl) return 'middlebox'
  return isOwnEnding(ending, onSend) ? 'server' : 'unknown'
}

/** A FIN, or a RST that an endpoint sends by itself. One that answers our data may also come from a box as far away. */
function isOwnEnding({ what, active }: PacketSeen, onSend: boolean): boolean {
  return what === 'fin' || (active && !onSend)
}

function commonestKnown(values: readonly NonNullable<IdleRun['by']>[]): IdleRun['by'] {
  return commonest(values.filter((by) => by !== 'unknown')) ?? commonest(values)
}

function commonest<T>(values: readonly T[]): T | null {
  let best: T | null = null
  let most = 0
  for (const value of new Set(values)) {
    const count = values.filter((other) => other === value).length
    if (count > most) [best, most] = [value, count]
  }
  return best
}
