import type { ConnectionFacts } from '../evidence/connection.ts'
import { traceOf, translatedPairs } from '../evidence/vantage/translated.ts'
import type { FlowsRead } from './read-flows.ts'

/** Whether it is worth to look closer. */
export function mayHoldBothSides({ flows }: FlowsRead): boolean {
  if (flows.bothSides) return true
  const byBase = new Map<number, ConnectionFacts[]>()
  for (const c of flows.connections) {
    const base = c.sides.client.isn ?? c.sides.client.seqBase ?? null
    if (base === null) continue
    const alike = byBase.get(base)
    if (alike === undefined) byBase.set(base, [c])
    else alike.push(c)
  }
  const alike = [...byBase.values()].filter((group) => group.length > 1).flat()
  return translatedPairs(alike.map(traceOf)).length > 0
}
