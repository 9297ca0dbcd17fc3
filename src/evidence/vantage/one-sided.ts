import { traceOf, translatedPairs } from './translated.ts'
import type { View } from './view.ts'

/** One capture, as it is nearer to the client and nearer to the server. */
export interface OneSided {
  near: View
  far: View
  /** Ids of connections that are left out of each. */
  hidden: { near: readonly number[]; far: readonly number[] }
}

/**
 * A capture of all interfaces of a box that translates addresses holds each connection twice. Compared with another place it is the
 * one side or the other that counts: otherwise what the box made itself would seem to come from beyond it.
 */
export function oneSided(view: View): OneSided {
  const pairs = translatedPairs(view.connections.map(traceOf))
  if (pairs.length === 0) return { near: view, far: view, hidden: { near: [], far: [] } }
  const inner = new Set(pairs.flatMap((p) => [p.far.id, ...p.between.map((b) => b.id)]))
  const outer = new Set(pairs.flatMap((p) => [p.near.id, ...p.between.map((b) => b.id)]))
  const without = (ids: ReadonlySet<number>): View => ({
    ...view,
    connections: view.connections.filter((c) => !ids.has(c.id)),
  })
  return {
    near: without(inner),
    far: without(outer),
    hidden: { near: [...inner], far: [...outer] },
  }
}
