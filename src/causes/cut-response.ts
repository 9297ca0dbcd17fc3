import type { HttpFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { firstAct } from './bursts.ts'

/** Of longer connections not every segment is read again: what looks cut may go on. */
export const READ_SEGMENTS = 50_000

/** A response that its server ended, by FIN or RST, before the length it had announced: RFC 9112 §8. null = not so, or unknown. */
export function cutResponse(connection: ConnectionFacts, evidence: Evidence): HttpFacts | null {
  const http = evidence.application.get(connection.id)?.http ?? null
  if (http === null || http.bodyComplete !== false || http.responseFrame === null) return null
  const { client, server } = connection.sides
  if (connection.seen !== 'both' || server.missingOctets > 0) return null
  if (client.packets + server.packets >= READ_SEGMENTS) return null
  return firstAct(connection)?.side === 'server' ? http : null
}
