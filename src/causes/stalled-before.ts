import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { closeTime } from './closing.ts'

/** A client's limit of 1 s, whose clock begins before the request is on the wire. */
const GAVE_UP_MS = 950

/** When its client left a request that the server's kernel had taken and nobody had answered; null for all other connections. */
function leftUnanswered(connection: ConnectionFacts): number | null {
  const { request, requestPending, sides, seen } = connection
  if (!requestPending || request === null || seen !== 'both') return null
  if (sides.server.payloadOctets > 0 || sides.client.inFlightOctets > 0) return null
  const leftMs = closeTime(connection, 'client')
  return leftMs !== null && leftMs - request.lastMs >= GAVE_UP_MS ? leftMs : null
}

/** How many requests of an endpoint had been left unanswered before that time. */
export function stalledBefore(evidence: Evidence, endpoint: string, beforeMs: number): number {
  let count = 0
  for (const connection of evidence.connections) {
    if (connection.server.endpoint !== endpoint) continue
    const leftMs = leftUnanswered(connection)
    if (leftMs !== null && leftMs < beforeMs) count += connection.weight
  }
  return count
}
