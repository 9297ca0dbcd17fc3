import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import { type Reason, reasonsOf } from './cause.ts'
import { toleranceMs } from './closing.ts'
import { apartReasons, experimentRef, idleExperiments, isDistant } from './experiments.ts'

const say = reasonsOf('middlebox-idle-timeout')

/** A connection that died at the first packet after a silence. */
export interface SilentDeath {
  connection: ConnectionFacts
  silenceMs: number
  flavour: 'silent' | 'reset'
  /** Its RST has the TTL of the server's other packets. */
  sameTtl: boolean
  /** The longest silence of its path that was survived in the capture. */
  survivedMs: number
}

export interface SaidByExperiments {
  /** It found this limit, and not on another day. */
  agrees: boolean
  /** It found this limit. */
  limit: IdleExperiment | null
  /** Its connections survived a longer silence, and not on another day. */
  excludes: boolean
  because: Reason[]
  /** That a longer silence was survived comes first. */
  against: Reason[]
}

/** What experiments with idle connections to this server say of a hop that forgets, for one that it may have forgotten. */
export function saidByExperiments(death: SilentDeath, evidence: Evidence): SaidByExperiments {
  const found = idleExperiments(evidence, death.connection.server.endpoint)
  const weighed = found.map((one) => ({ one, key: keyOf(one, death) }))
  const limit = weighed.find(({ key }) => key === 'experiment-agrees')?.one ?? null
  const survived = weighed.filter(({ key }) => key === 'experiment-survived')
  const otherwise = weighed.filter(({ key }) => MISFITS.has(key))
  const differs = limit === null ? weighed.find(({ key }) => key === 'experiment-differs') : null
  const contrary = [...survived, ...otherwise]
  const agreeing = [...(limit === null ? [] : [{ one: limit, key: 'experiment-agrees' as const }])]
  return {
    agrees: limit !== null && contrary.length === 0 && !isDistant(limit, evidence),
    limit,
    excludes: survived.some(({ one }) => !isDistant(one, evidence)),
    because: [...agreeing, ...(differs ? [differs] : [])].map((w) => reasonFor(w, death)),
    against: [
      ...contrary.map((w) => reasonFor(w, death)),
      ...[...agreeing, ...contrary].flatMap(({ one }) =>
        apartReasons('middlebox-idle-timeout', one, evidence),
      ),
    ],
  }
}

type Key =
  | 'experiment-agrees'
  | 'experiment-differs'
  | 'experiment-survived'
  | 'experiment-shorter'
  | 'experiment-server'
  | 'experiment-other-ttl'

const MISFITS: ReadonlySet<Key | null> = new Set([
  ...(['experiment-shorter', 'experiment-server', 'experiment-other-ttl'] as const),
])

/** Null: it says nothing of such a silence. */
function keyOf({ fromMs, toMs, flavour, by }: IdleExperiment, death: SilentDeath): Key | null {
  const { silenceMs, survivedMs } = death
  if (fromMs > silenceMs) return 'experiment-survived'
  if (toMs === null || fromMs === silenceMs) return null
  if (by === 'server') return toMs <= silenceMs ? 'experiment-server' : null
  if (survivedMs > toMs + toleranceMs(toMs)) return 'experiment-shorter'
  if (flavour !== death.flavour) return flavour === 'fin' ? null : 'experiment-differs'
  return flavour === 'reset' && by === 'middlebox' && death.sameTtl
    ? 'experiment-other-ttl'
    : 'experiment-agrees'
}

function reasonFor(
  { one, key }: { one: IdleExperiment; key: Key | null },
  { silenceMs, survivedMs }: SilentDeath,
): Reason {
  const { fromMs, toMs, flavour } = one
  const at = experimentRef(one)
  if (key === 'experiment-survived') {
    return say('experiment-survived', { survived: fromMs, silence: silenceMs }, at)
  }
  const values = { from: fromMs, to: toMs ?? fromMs, survived: survivedMs, how: flavour ?? '' }
  return say(key ?? 'experiment-agrees', values, at)
}
