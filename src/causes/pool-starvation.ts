import { groupBy } from '../base/group-by.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { Cause, Judgement } from './cause.ts'
import { type Stall, stallOf } from './server-stalled.ts'

const SEVERAL = 3

/**
 * Requests wait for a pooled connection (database, upstream). Packets show only that requests wait; what they wait for is known
 * to the pool's statistics or the stacks, so a capture makes it a suspect and never a verdict.
 */
export const poolStarvation = {
  id: 'pool-starvation',
  needs: ['application', 'kernel'],
  refs: ['Go database/sql DBStats', 'HikariCP pool metrics'],
  confusedWith: ['server-stalled', 'open-transaction', 'descriptor-exhaustion'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const worst = worstEndpoint(evidence)
  if (worst === null) return { verdicts: [] }
  const server = worst[0]!.connection.server
  return {
    verdicts: [],
    unknown: {
      missing: [
        `what the ${worst.length} unanswered requests to ${server.endpoint} wait for: pool statistics (in use = maximum, waiters growing; Go DBStats, HikariCP pending, mysql2/pg pools) or the stacks of the process`,
        `the traffic of ${server.address} to its database in the same capture`,
      ],
      ask: `curl -s 'http://localhost:6060/debug/pprof/goroutine?debug=2' # Go, on ${server.address}: goroutines in database/sql.(*DB).conn`,
    },
  }
}

/** The server with most requests that were delivered and not answered; null below a few. */
export function worstEndpoint(evidence: Evidence): Stall[] | null {
  const stalls = evidence.connections.flatMap((c) => stallOf(c) ?? [])
  const byServer = groupBy(stalls, ({ connection }) => connection.server.endpoint)
  const worst = [...byServer.values()].reduce<Stall[]>((a, b) => (b.length > a.length ? b : a), [])
  return worst.length >= SEVERAL ? worst : null
}
