import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'

/**
 * What each of thousands of connections asks and the evidence answers alike for all: worked out when it is first asked, kept as
 * long as the evidence. Without it a cause would look at all connections for each of them.
 */
export function once<T>(workOut: (evidence: Evidence) => T): (evidence: Evidence) => T {
  const known = new WeakMap<Evidence, { answer: T }>()
  return (evidence) => {
    let found = known.get(evidence)
    if (found === undefined) {
      found = { answer: workOut(evidence) }
      known.set(evidence, found)
    }
    return found.answer
  }
}

const none: readonly ConnectionFacts[] = []

const byServer = once(({ connections }) => groupBy(connections, (c) => c.server.endpoint))
const byPath = once(({ connections }) =>
  groupBy(connections, (c) => `${c.client.address} ${c.server.address}`),
)

/** Listed connections to this server endpoint. */
export function connectionsTo(endpoint: string, evidence: Evidence): readonly ConnectionFacts[] {
  return byServer(evidence).get(endpoint) ?? none
}

/** Listed connections from this client address to this server address. */
export function connectionsBetween(
  { client, server }: { client: string; server: string },
  evidence: Evidence,
): readonly ConnectionFacts[] {
  return byPath(evidence).get(`${client} ${server}`) ?? none
}

/** How many connections there are under each key: of very many alike only some are listed, and stand for the others. */
export function countsBy(
  connections: Iterable<ConnectionFacts>,
  key: (connection: ConnectionFacts) => string | null,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const connection of connections) {
    const k = key(connection)
    if (k !== null) counts.set(k, (counts.get(k) ?? 0) + connection.weight)
  }
  return counts
}
