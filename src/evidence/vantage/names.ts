import type { ConnectionFacts } from '../connection.ts'
import type { Pair } from './view.ts'

// What a box that translates addresses makes of the ends of a connection.

type Ends = Pick<Pair, 'near' | 'far'>

export function isTranslated({ near, far }: Ends): boolean {
  return (
    near.client.endpoint !== far.client.endpoint || near.server.endpoint !== far.server.endpoint
  )
}

/** Addresses of servers that clients use and that no far end has. */
export function servicesOf(pairs: readonly Ends[]): ReadonlySet<string> {
  const hosts = new Set(pairs.map((p) => p.far.server.address))
  const named = pairs.filter(({ near, far }) => near.server.endpoint !== far.server.endpoint)
  return new Set(named.map((p) => p.near.server.address).filter((address) => !hosts.has(address)))
}

/** By id of a connection: its ends as the other view names them. */
export function otherNames(
  pairs: readonly Ends[],
): ReadonlyMap<number, { client: string; server: string }> {
  return new Map(
    pairs.flatMap(({ near, far }) => [
      [near.id, named(far)] as const,
      [far.id, named(near)] as const,
    ]),
  )
}

function named({ client, server }: ConnectionFacts): { client: string; server: string } {
  return { client: client.endpoint, server: server.endpoint }
}
