import type { Evidence } from '../evidence/evidence.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import type { Reference } from './cause.ts'

/** What experiments with idle connections to this endpoint found, the one with the closest limit first. */
export function idleExperiments(evidence: Evidence, endpoint: string): IdleExperiment[] {
  return (evidence.experiments ?? [])
    .filter((experiment) => experiment.endpoint === endpoint)
    .sort((a, b) => (a.toMs ?? Number.MAX_VALUE) - (b.toMs ?? Number.MAX_VALUE))
}

export function experimentRef({ source, ref }: IdleExperiment): Reference {
  return { kind: 'probe', source, ref }
}
