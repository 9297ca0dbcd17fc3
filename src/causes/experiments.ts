import type { Evidence } from '../evidence/evidence.ts'
import type { Experiment, IdleExperiment } from '../evidence/experiments.ts'
import type { Reference } from './cause.ts'

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

export function experimentRef({ source, ref }: Pick<Experiment, 'source' | 'ref'>): Reference {
  return { kind: 'probe', source, ref }
}
