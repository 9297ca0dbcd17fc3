import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type {
  BacklogExperiment,
  ConnectExperiment,
  LoadExperiment,
} from '../evidence/experiments.ts'
import type {
  backlogSays,
  connectSays,
  loadSays,
  silenceSays,
  uploadSays,
} from '../messages/en/experiments.ts'
import type { Values } from '../messages/types.ts'
import type { Certainty, Judgement, Reason, Verdict } from './cause.ts'
import {
  apartReasons,
  closeExperiments,
  experimentRef,
  experimentsOf,
  isDistant,
} from './experiments.ts'
import type { CauseId } from './ids.ts'

/**
 * What an experiment means for a verdict. It was made at another time, so it never decides alone: 'confirms' makes confirmed only
 * what the packets make likely, 'settles' makes likely what is possible as well, 'lowers' makes it possible only.
 */
export type Effect = 'supports' | 'settles' | 'confirms' | 'contradicts' | 'lowers'

export interface Weighed {
  effect: Effect
  reason: Reason
}

type Key =
  | keyof typeof connectSays
  | keyof typeof backlogSays
  | keyof typeof loadSays
  | keyof typeof uploadSays
  | keyof typeof silenceSays

const CONFIRMED_WEIGHT = 90
/** Fewer are chance. */
const FEW = 3
/** Shorter silences are pauses. */
const IDLE_MS = 1000
/** Less against rivals, where an experiment contradicts. */
const DOUBT = 10

/** A judgement whose verdicts experiments speak for or against; `weigh` is asked of each, with its server's endpoint. */
export function weighed(
  judgement: Judgement,
  evidence: Evidence,
  weigh: (verdict: Verdict, endpoint: string) => readonly Weighed[],
): Judgement {
  if ((evidence.experiments ?? []).length === 0) return judgement
  const verdicts = judgement.verdicts.map((verdict) => {
    const [first] = verdict.connections
    if (first === undefined) return verdict
    return withExperiments(verdict, weigh(verdict, first.server.endpoint), evidence)
  })
  return { ...judgement, verdicts }
}

export function withExperiments(
  verdict: Verdict,
  weighed: readonly Weighed[],
  evidence: Evidence,
): Verdict {
  if (weighed.length === 0) return verdict
  const found = weighed.map((one) => weakened(one, evidence))
  const isContrary = ({ effect }: Weighed) => effect === 'contradicts' || effect === 'lowers'
  const against = found.filter(isContrary)
  const because = found.filter((f) => !isContrary(f))
  const certainty = certaintyAfter(verdict.certainty, found, against.length > 0)
  const risen = certainty === 'confirmed' && verdict.certainty !== 'confirmed'
  const isDoubted = against.some(
    ({ reason: { at } }) => at.kind !== 'probe' || !isDistant(at, evidence),
  )
  const doubt = isDoubted && certainty !== 'confirmed' ? DOUBT : 0
  return {
    ...verdict,
    certainty,
    weight: risen
      ? Math.max(CONFIRMED_WEIGHT, verdict.weight)
      : Math.max(1, verdict.weight - doubt),
    because: [...verdict.because, ...because.map(({ reason }) => reason)],
    against: [
      ...verdict.against,
      ...against.map(({ reason }) => reason),
      ...distances(weighed, evidence),
    ],
  }
}

/** Of another day: it speaks for or against, and decides nothing. */
const WEAKER = { confirms: 'supports', settles: 'supports', lowers: 'contradicts' } as const

function weakened({ effect, reason }: Weighed, evidence: Evidence): Weighed {
  const { at } = reason
  if (at.kind !== 'probe' || !isDistant(at, evidence)) return { effect, reason }
  return {
    effect: Object.hasOwn(WEAKER, effect) ? WEAKER[effect as keyof typeof WEAKER] : effect,
    reason,
  }
}

/** One for each source. */
function distances(weighed: readonly Weighed[], evidence: Evidence): Reason[] {
  const bySource = new Map<string, Reason[]>()
  for (const { reason } of weighed) {
    const { at, cause } = reason
    if (at.kind === 'probe') bySource.set(at.source, apartReasons(cause, at, evidence))
  }
  return [...bySource.values()].flat()
}

function certaintyAfter(
  before: Certainty,
  found: readonly Weighed[],
  isContradicted: boolean,
): Certainty {
  const has = (wanted: Effect) => found.some(({ effect }) => effect === wanted)
  if (before === 'likely' && has('lowers')) return 'possible'
  if (isContradicted) return before
  if (before === 'likely' && (has('confirms') || has('settles'))) return 'confirmed'
  return before === 'possible' && has('settles') ? 'likely' : before
}

/** What connections of `probe connect` to this endpoint say, as `effectOf` weighs them. */
export function weighConnects(
  cause: CauseId,
  endpoint: string,
  evidence: Evidence,
  effectOf: (found: ConnectExperiment) => Effect | null,
): Weighed[] {
  return experimentsOf('connect', endpoint, evidence).flatMap((found) => {
    const effect = effectOf(found)
    if (effect === null) return []
    const values: Values = { lasted: found.lastedMs, from: found.icmpFrom ?? '' }
    return { effect, reason: reasonOf(cause, connectKey(found), values, found) }
  })
}

/** The program there had its say. */
const ANSWERED: ReadonlySet<ConnectExperiment['outcome']> = new Set([
  ...(['served', 'taken', 'closed-unserved', 'reset-unserved', 'tls-failed'] as const),
])

const TAKEN: ReadonlySet<ConnectExperiment['outcome']> = new Set([
  ...(['served', 'taken', 'never-served', 'not-acknowledged'] as const),
  ...(['closed-unserved', 'reset-unserved', 'tls-failed'] as const),
])

/** Something answered the SYN with a SYN-ACK: it listened at that moment. */
export function isTaken({ outcome }: ConnectExperiment): boolean {
  return TAKEN.has(outcome)
}

function connectKey({ outcome, refusedBy, icmpFrom }: ConnectExperiment): Key {
  if (icmpFrom !== null && !ANSWERED.has(outcome)) return 'connect-icmp'
  if (outcome !== 'refused' || refusedBy === null) return `connect-${outcome}`
  return refusedBy === 'host' ? 'connect-refused-by-host' : 'connect-refused-nearer'
}

/** What bursts of `probe backlog` say of a full queue that does `shape` to who does not fit. */
export function weighBursts(
  endpoint: string,
  evidence: Evidence,
  { shape, isQueued }: { shape: 'syn' | 'reset' | 'ack'; isQueued: boolean },
): Weighed[] {
  return experimentsOf('backlog', endpoint, evidence).flatMap((found): Weighed[] => {
    const limit = shape === 'reset' || (shape === 'syn' && isQueued) ? 'confirms' : 'supports'
    const effect = burstEffect(found, shape, limit)
    if (effect === null) return []
    const { connections, tookAll, overflows, troubles } = found
    const values = { connections, took: tookAll, count: troubles[shape], overflows: overflows ?? 0 }
    const key =
      effect === 'contradicts' ? 'burst-taken' : effect === 'settles' ? 'burst-overflowed' : null
    const reason = reasonOf('accept-queue-overflow', key ?? `burst-${shape}`, values, found)
    return [{ effect, reason }]
  })
}

/**
 * Overflows that the kernel counted are what they are. A limit alone, from outside, agrees only where the packets failed alike: a rule
 * that counts SYNs has one as well, unless finished handshakes were seen to wait; answers that do not come may be those of a slow program.
 */
function burstEffect(
  found: BacklogExperiment,
  shape: 'syn' | 'reset' | 'ack',
  limit: Effect,
): Effect | null {
  const { connections, tookAll, hasLimit, overflows, troubles } = found
  if ((overflows ?? 0) > 0) return 'settles'
  if (tookAll === connections) return 'contradicts'
  if (!hasLimit || overflows === 0 || troubles[shape] < FEW) return null
  return limit
}

/** Bursts of `probe backlog`, beside the counters of the listener's kernel: SYNs that are dropped and are no overflow of the accept queue. */
export function weighSynDrops(cause: CauseId, endpoint: string, evidence: Evidence): Weighed[] {
  return experimentsOf('backlog', endpoint, evidence).flatMap((found): Weighed[] => {
    const { connections, tookAll, hasLimit, overflows, troubles } = found
    const values = { connections, took: tookAll, count: troubles.syn, overflows: overflows ?? 0 }
    const tell = (effect: Effect, key: Key): Weighed[] => [
      { effect, reason: reasonOf(cause, key, values, found) },
    ]
    if ((overflows ?? 0) > 0) return tell('contradicts', 'burst-overflowed')
    if (tookAll === connections) return tell('contradicts', 'burst-taken')
    // Without its counters it is as well the accept queue.
    return overflows === 0 && hasLimit && troubles.syn >= FEW ? tell('confirms', 'burst-syn') : []
  })
}

/** Bodies that `probe http --post` sent: which of them is the trouble here, and what it does for the verdict. */
export function weighUploads(
  cause: CauseId,
  endpoint: string,
  evidence: Evidence,
  trouble: 'lost' | 'stuck',
): Weighed[] {
  return experimentsOf('http', endpoint, evidence).flatMap((found): Weighed[] => {
    if (found.uploads === null) return []
    const { tried, lost, stuck } = found.uploads
    const count = trouble === 'lost' ? lost : stuck
    const key = count > 0 ? (`uploads-${trouble}` as const) : 'uploads-answered'
    // A body that was neither answered nor lost says nothing of the other trouble.
    if (count === 0 && lost + stuck > 0) return []
    const effect = count > 0 ? 'confirms' : 'contradicts'
    return [{ effect, reason: reasonOf(cause, key, { tried, count }, found) }]
  })
}

/** For causes that end connections whatever their silence: a limit of time that would have ended them too, or that there is none. */
export function weighSilences(
  cause: CauseId,
  endpoint: string,
  evidence: Evidence,
  connection: ConnectionFacts | undefined,
): Weighed[] {
  const silenceMs = Math.max(
    connection?.silenceBeforeEndMs ?? 0,
    ...(connection?.resets ?? []).map(({ silenceBeforeMs }) => silenceBeforeMs),
  )
  return weighSilence(cause, { endpoint, silenceMs }, evidence)
}

/** `survivedMs`: the longest that was survived in the capture. */
interface Silence {
  endpoint: string
  silenceMs: number
  survivedMs?: number
}

/** The same, of one silence. */
export function weighSilence(
  cause: CauseId,
  { endpoint, silenceMs, survivedMs = 0 }: Silence,
  evidence: Evidence,
): Weighed[] {
  // What was not idle was ended by something else than a silence.
  if (silenceMs < IDLE_MS) return []
  return closeExperiments(evidence, endpoint).flatMap((found): Weighed[] => {
    const { fromMs, toMs } = found
    const values = { survived: fromMs, died: toMs ?? 0, silence: silenceMs }
    if (fromMs > silenceMs) {
      return [{ effect: 'supports', reason: reasonOf(cause, 'silence-survived', values, found) }]
    }
    if (toMs === null || toMs > silenceMs || survivedMs > toMs) return []
    return [{ effect: 'lowers', reason: reasonOf(cause, 'silence-died', values, found) }]
  })
}

/** Failures of `probe load` of that kind. */
export function weighLoads(
  cause: CauseId,
  endpoint: string,
  evidence: Evidence,
  failure: LoadExperiment['failure'],
): Weighed[] {
  return experimentsOf('load', endpoint, evidence)
    .filter((found) => found.failure === failure)
    .map((found) => {
      const { count, begun } = found
      return {
        effect: 'supports',
        reason: reasonOf(cause, `load-${failure}`, { count, begun }, found),
      }
    })
}

function reasonOf(
  cause: CauseId,
  key: Key,
  values: Values,
  found: Parameters<typeof experimentRef>[0],
): Reason {
  return { cause, key, values, at: experimentRef(found) }
}
