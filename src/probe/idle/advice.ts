import { limitOf } from './conclude.ts'
import type { IdleAdvice, IdleRun, IdleTarget } from './report.ts'
import {
  type AdviceValues,
  keepaliveSettings,
  pools,
  type Software,
  serverSettings,
} from './software.ts'

/** A keepalive comes at least three times within the limit: one may be lost. */
const KEEPALIVES = 3
/** A pool gives a connection up before four fifths of the limit. */
const POOL_PART = 0.8
/** What a server waits longer than the limit. */
const SERVER_MORE_S = 10

/** What is known to be in use, by id of software.ts: why is a sentence for people. */
export interface InUse {
  ids: readonly string[]
  /** nginx and HAProxy are both; absent: whatever has the id. */
  side?: 'client' | 'server'
  why: string
  /** A process of this host that listens for a target: its name, and that target's. */
  serves?: { target: string; command: string; pid: number }
}

/**
 * Settings for clients and servers, with values for the shortest limit that was found. Idle limits have to fall toward whoever opens
 * connections: pool < middlebox < server. What is in use comes first.
 */
export function adviceOf(targets: readonly IdleTarget[], inUse: readonly InUse[]): IdleAdvice[] {
  const limits = targets.flatMap((target) => limitOf(target) ?? [])
  const shortest = limits.sort((a, b) => a.fromMs - b.fromMs)[0]
  if (shortest === undefined || shortest.fromMs < 1) return []
  const { fromMs, toMs, run, target } = shortest
  const values = {
    ...valuesOf(fromMs, toMs, keepaliveHelps(run, target.runs)),
    port: Number(target.address.split(':').at(-1)),
  }
  const all = [
    ...pools,
    // A program's own limit counts what the program reads: keepalive never reaches it.
    ...(values.keepaliveHelps ? keepaliveSettings : []),
    ...serverSettings,
  ]
  const advice = all.flatMap((software) => adviceFor(software, values, inUse))
  return [
    ...inOrder(
      advice.filter((one) => one.inUse !== null),
      inUse,
    ),
    ...advice.filter((one) => one.inUse === null),
  ]
}

/** Clients first; among servers the likelier first, as they are given. */
function inOrder(used: readonly IdleAdvice[], inUse: readonly InUse[]): IdleAdvice[] {
  const place = ({ side, inUse: why }: IdleAdvice) =>
    side === 'server' ? 1 + inUse.findIndex((one) => one.why === why) : 0
  return [...used].sort((a, b) => place(a) - place(b))
}

function adviceFor(
  { id, who, side, speaks, lines }: Software,
  values: AdviceValues,
  inUse: readonly InUse[],
): IdleAdvice[] {
  const used = inUse.find((one) => one.ids.includes(id) && (one.side ?? side) === side)
  const why = used?.why ?? null
  return lines(values).map((setting) => ({ id, who, side, speaks, setting, inUse: why }))
}

/** As it was tried; where it was not, by who ended the connections. */
function keepaliveHelps(plain: IdleRun, runs: readonly IdleRun[]): boolean {
  if (plain.by === 'server' || plain.flavour === 'fin') return false
  const kept = runs.find(({ keepalive, traffic }) => keepalive !== 'off' && traffic === 'none')
  return kept === undefined || kept.shortestDiedMs === null
}

function valuesOf(fromMs: number, toMs: number, helps: boolean): Omit<AdviceValues, 'port'> {
  const poolMs = Math.floor(fromMs * POOL_PART)
  const idleS = Math.max(Math.floor(Math.min(fromMs / KEEPALIVES, 60_000) / 1000), 1)
  return {
    fromMs,
    toMs,
    idleS,
    intervalS: Math.max(Math.floor(idleS / 2), 1),
    poolMs,
    poolS: Math.floor(poolMs / 1000),
    serverS: Math.ceil(toMs / 1000) + SERVER_MORE_S,
    // Nothing takes less than a second.
    keepaliveHelps: helps && idleS * 1000 < fromMs,
  }
}
