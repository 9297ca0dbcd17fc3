import type {
  ConnectionFacts,
  ResetFacts,
  Side,
  SideFacts,
  UnansweredFacts,
} from '../evidence/connection.ts'
import type { Evidence, SegmentFate } from '../evidence/evidence.ts'
import { otherSide } from './cause.ts'
import { isNobodysAnswer, lastActivityBefore } from './closing.ts'
import { fatesOf } from './where.ts'

// Connections that may have been forgotten by a hop: what happened at the first packet after a silence.

const MIN_SILENCE_MS = 2000 // below that no device forgets an established connection; our lab's smallest is 3 s

type Variant = 'reset' | 'drop' | 'nat-state-lost'

/** One connection that died at the first packet after a silence. */
export interface Death {
  connection: ConnectionFacts
  variant: Variant
  silenceMs: number
  /** The segment that broke the silence, and the reset if there was one. */
  frame: number
  reset: ResetFacts | null
  /** The server answered other connections meanwhile (drop). */
  othersAnswered?: boolean
  /** It was no data that went unanswered, but the farewell (drop). */
  farewell?: boolean
  /** The old connection whose numbers the stray one continues (nat-state-lost). */
  continues: ConnectionFacts | null
  /** The segment as it arrived at the server: its sender has another port there (nat-state-lost). */
  renamed?: SegmentFate
}

export function deathOf(connection: ConnectionFacts, evidence: Evidence): Death | null {
  return (
    strayAfterNat(connection, evidence) ??
    renamedAfterSilence(connection, evidence) ??
    resetOnNext(connection) ??
    silentOnNext(connection, evidence)
  )
}

/** Silence, then data, then a stateless RST in the other side's name, which had sent neither FIN nor RST before. */
function resetOnNext(connection: ConnectionFacts): Death | null {
  const reset = connection.resets.find((r) => r.shape === 'stateless' && r.accepted !== false)
  const trigger = reset?.trigger ?? null
  if (reset === undefined || trigger === null || trigger.len === 0) return null
  const { fin, payloadOctets } = connection.sides[reset.from]
  if (fin !== null || connection.sides[trigger.from].fin !== null) return null
  if (payloadOctets === 0 && connection.sides[trigger.from].ackedOctets === 0) return null
  if (reset.silenceBeforeMs < MIN_SILENCE_MS) return null
  return {
    connection,
    variant: 'reset',
    silenceMs: reset.silenceBeforeMs,
    frame: trigger.frame,
    reset,
    continues: null,
  }
}

/** Silence, then the same data, or the FIN, again and again without any answer, at best while the server answers others. */
function silentOnNext(connection: ConnectionFacts, evidence: Evidence): Death | null {
  if (connection.seen !== 'both') return null
  const who = (['client', 'server'] as const).find((side) => isLeftAlone(connection, side))
  const unanswered = who === undefined ? null : connection.sides[who].unanswered
  if (unanswered === null) return null
  // It arrived all the same: no box on the way has forgotten it.
  const fates = fatesOf(connection, evidence)
  const seen = [unanswered.firstFrame, unanswered.lastFrame]
  if (fates.some((f) => f.fate === 'delivered' && seen.includes(f.frame))) return null
  const last = lastSegmentBefore(connection, unanswered.firstMs)
  const silenceMs = last === null ? 0 : unanswered.firstMs - last
  if (silenceMs < MIN_SILENCE_MS) return null
  return {
    connection,
    variant: 'drop',
    silenceMs,
    frame: unanswered.firstFrame,
    reset: null,
    continues: null,
    othersAnswered: othersAnswered(connection, evidence, unanswered.firstMs),
    farewell: unanswered.what === 'fin',
  }
}

/** What this side sent had no answer to the end, though the other side had been heard before. */
function isLeftAlone(connection: ConnectionFacts, side: Side): boolean {
  const { unanswered, ackedOctets } = connection.sides[side]
  const peer = connection.sides[otherSide(side)]
  if (unanswered === null || unanswered.what === 'syn' || unanswered.times < 3) return false
  if (peer.payloadOctets === 0 && (ackedOctets === 0 || unanswered.what === 'fin')) return false
  // What the other side has closed, devices forget sooner than what is idle; often only the farewell is lost.
  if (peer.fin !== null && peer.fin.tMs < unanswered.firstMs) return false
  if (unanswered.what === 'fin' && (peer.fin !== null || isHeardAfter(peer, unanswered)))
    return false
  return isNobodysAnswer(connection, side, unanswered)
}

function isHeardAfter({ lastMs }: SideFacts, { firstMs }: UnansweredFacts): boolean {
  return lastMs !== null && lastMs > firstMs
}

function lastSegmentBefore(connection: ConnectionFacts, tMs: number): number | null {
  const times = [...connection.head, ...connection.tail].map((s) => s.tMs).filter((t) => t < tMs)
  const activity = lastActivityBefore(connection, tMs)
  if (activity !== null) times.push(activity)
  return times.length === 0 ? null : Math.max(...times)
}

function othersAnswered(connection: ConnectionFacts, evidence: Evidence, fromMs: number): boolean {
  const lastAnswer = evidence.endpoints.get(connection.server.endpoint)?.lastAnswerMs ?? null
  return lastAnswer !== null && lastAnswer > fromMs
}

/**
 * On the server's side of a NAT that lost its entry: data comes from another address or port, continues the numbers of an
 * old connection exactly, and is answered by RST.
 */
function strayAfterNat(connection: ConnectionFacts, evidence: Evidence): Death | null {
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  const data = reset?.trigger ?? null
  const base = connection.sides.client.seqBase ?? null
  if (connection.sawStart || reset === undefined || data === null || data.len === 0) return null
  if (base === null) return null
  const next = (base + data.seq) >>> 0
  const continues = evidence.connections.find(
    (old) =>
      old.id !== connection.id &&
      old.server.endpoint === connection.server.endpoint &&
      old.client.endpoint !== connection.client.endpoint &&
      old.sides.client.payloadOctets > 0 &&
      nextSeq(old) === next,
  )
  if (continues === undefined) return null
  const silenceMs = data.tMs - Math.max(continues.lastMs, 0)
  return { connection, variant: 'nat-state-lost', silenceMs, frame: data.frame, reset, continues }
}

/** Two captures: the segment that broke the silence reached the server from another port, and was answered there. */
function renamedAfterSilence(connection: ConnectionFacts, evidence: Evidence): Death | null {
  const fates = fatesOf(connection, evidence)
  const renamed = fates.find((f) => f.kind === 'data' && f.renamed !== undefined)
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  if (renamed === undefined || reset === undefined) return null
  return {
    connection,
    variant: 'nat-state-lost',
    silenceMs: reset.silenceBeforeMs,
    frame: renamed.frame,
    reset,
    continues: null,
    renamed,
  }
}

/** The absolute number of the octet the client would send next. */
function nextSeq(connection: ConnectionFacts): number | null {
  const { isn, seqBase, payloadOctets } = connection.sides.client
  const base = seqBase ?? isn
  return base === null ? null : (base + 1 + payloadOctets) >>> 0
}
