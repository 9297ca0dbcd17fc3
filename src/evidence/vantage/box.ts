import type { ConnectionFacts } from '../connection.ts'
import type { SegmentFate } from '../evidence.ts'
import { fatesOfPair, fatesOfUnpaired } from './fates.ts'
import { linkPairs } from './link.ts'
import type { Pair, View } from './view.ts'

interface Known {
  /** Frames of packets that the capture has twice under the same addresses: they passed the box untranslated. */
  twice: ReadonlySet<number>
  /** Connections of which all segments were looked at. */
  compared: ReadonlySet<number>
}

/**
 * What a box that translates addresses did to the decisive segments of connections that one capture shows on both its sides:
 * 'lost' = went in and never came out, 'injected' = came out and never went in: the box made it. What merely passed is left
 * out: it says nothing of the rest of the way.
 * @param near all connections on the clients' side; those without a pair never came out, where others to their server did
 */
export function boxFates(
  near: View,
  far: View,
  pairs: readonly Pair[],
  { twice, compared }: Known,
): Map<number, readonly SegmentFate[]> {
  const { between } = linkPairs(near, far, pairs)
  const found = new Map<number, readonly SegmentFate[]>()
  const keep = (connection: ConnectionFacts, fates: readonly SegmentFate[]) => {
    const told = fates.filter((f) => f.fate !== 'delivered' && !twice.has(f.frame))
    if (told.length > 0)
      found.set(
        connection.id,
        told.map((f) => ({ ...f, what: null })),
      )
  }
  for (const pair of pairs) {
    if (!compared.has(pair.near.id)) continue
    keep(
      pair.near,
      fatesOfPair(pair, between, 'near').filter((f) => f.fate !== 'altered'),
    )
  }
  const paired = new Set(pairs.map((p) => p.near.id))
  const served = new Set(pairs.flatMap((p) => [p.near.server.address, p.far.server.address]))
  for (const connection of near.connections) {
    if (paired.has(connection.id) || !compared.has(connection.id)) continue
    if (served.has(connection.server.address))
      keep(connection, fatesOfUnpaired(connection, between))
  }
  return found
}
