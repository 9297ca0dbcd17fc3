import type { Evidence } from '../evidence/evidence.ts'
import type { Experiment, IdleExperiment } from '../evidence/experiments.ts'
import type { apartSays } from '../messages/en/experiments.ts'
import type { Reason, Reference } from './cause.ts'
import type { CauseId } from './ids.ts'

/** Experiments of one kind with this endpoint. */
export function experimentsOf<K extends Experiment['kind']>(
  kind: K,
  endpoint: string,
  evidence: Evidence,
): Extract<Experiment, { kind: K }>[] {
  type Wanted = Extract<Experiment, { kind: K }>
  return (evidence.experiments ?? []).filter(
    (found): found is Wanted => found.kind === kind && found.endpoint === endpoint,
  )
}

/** What experiments with idle connections to this endpoint found, the one with the closest limit first. */
export function idleExperiments(evidence: Evidence, endpoint: string): IdleExperiment[] {
  return experimentsOf('idle', endpoint, evidence).sort(
    (a, b) => (a.toMs ?? Number.MAX_VALUE) - (b.toMs ?? Number.MAX_VALUE),
  )
}

/**
 * Whether a server closes idle connections, and when: also by what `probe http` saw. That one does not try whether a connection
 * still works, so it says nothing of a hop that forgets; a RST of which the sender is not known is left out.
 */
export function closeExperiments(evidence: Evidence, endpoint: string): IdleExperiment[] {
  const seen = experimentsOf('http', endpoint, evidence)
    .filter(({ how }) => how !== 'reset')
    .map(({ source, ref, closedAfterMs, how, waitedMs }): IdleExperiment => {
      const by = how === null ? null : 'server'
      const fromMs = closedAfterMs ?? waitedMs
      return { kind: 'idle', source, ref, endpoint, fromMs, toMs: closedAfterMs, flavour: how, by }
    })
  return [...idleExperiments(evidence, endpoint), ...seen]
}

/** A shorter time between them is not worth a word. */
const SAID_MS = 3_600_000
/** Within a day services are restarted, configured and moved: what is older or younger decides nothing. */
const DISTANT_MS = 86_400_000

/** Too far from the packets in time to confirm or exclude anything. */
export function isDistant({ source }: Pick<Experiment, 'source'>, evidence: Evidence): boolean {
  return (evidence.experimentsApart?.get(source)?.ms ?? 0) >= DISTANT_MS
}

/** Says how long before or after the packets it was made, where that is long. */
export function apartReasons(
  cause: CauseId,
  found: Pick<Experiment, 'source' | 'ref'>,
  evidence: Evidence,
): Reason[] {
  const apart = evidence.experimentsApart?.get(found.source)
  if (apart === undefined || apart.ms < SAID_MS) return []
  const key: keyof typeof apartSays = `experiment-${apart.when}`
  return [{ cause, key, values: { apart: apart.ms }, at: experimentRef(found) }]
}

export function experimentRef({ source, ref }: Pick<Experiment, 'source' | 'ref'>): Reference {
  return { kind: 'probe', source, ref }
}
