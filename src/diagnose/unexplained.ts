import type { ConnectionFacts } from '../evidence/connection.ts'
import { type Ending, endings } from '../evidence/endings.ts'

/** Troubled connections of one ending that no cause explains. */
export interface Unexplained {
  ending: Ending
  count: number
  /** In order of their first frame. */
  connections: readonly ConnectionFacts[]
}

/** Endings that nobody wants: unexplained, they keep a report from saying that all is well. */
const TROUBLE: ReadonlySet<Ending> = new Set<Ending>([
  'handshake-reset',
  'refused',
  'reset',
  'timed-out',
  'unanswered',
  'unreachable',
])
/** Endings that need no cause. */
const QUIET: ReadonlySet<Ending> = new Set<Ending>(['clean', 'open', 'reset-after-close'])
/** Endings that say "nothing came": true only if somebody waited. */
const WAITING: ReadonlySet<Ending> = new Set<Ending>([
  'half-closed',
  'handshake-incomplete',
  'unanswered',
])
/** RFC 6298 (2.1), the first RTO: what is younger at the end of the capture was merely cut by it. */
const WATCHED_MS = 1000

/** @param explained ids of the connections that are counted under a finding; most frequent ending first */
export function unexplainedOf(
  connections: readonly ConnectionFacts[],
  explained: { has(id: number): boolean },
): Unexplained[] {
  const found = new Map<Ending, { count: number; connections: ConnectionFacts[] }>()
  for (const connection of connections) {
    if (explained.has(connection.id) || QUIET.has(connection.ending)) continue
    if (isCutByTheEnd(connection)) continue
    const entry = found.get(connection.ending) ?? { count: 0, connections: [] }
    entry.count += connection.weight
    entry.connections.push(connection)
    found.set(connection.ending, entry)
  }
  return endings
    .flatMap((ending) => {
      const entry = found.get(ending)
      return entry === undefined ? [] : [{ ending, ...entry }]
    })
    .sort((a, b) => Number(looksBad(b)) - Number(looksBad(a)) || b.count - a.count)
}

export function looksBad({ ending }: Unexplained): boolean {
  return TROUBLE.has(ending)
}

function isCutByTheEnd(connection: ConnectionFacts): boolean {
  return (
    WAITING.has(connection.ending) &&
    connection.handshake.syns <= 1 &&
    connection.captureEndMs - connection.lastMs < WATCHED_MS
  )
}
