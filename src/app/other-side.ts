import type { AddressBook } from '../base/addresses.ts'
import { formatEndpoint } from '../base/addresses.ts'
import type { Remark } from '../diagnose/ladder.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence, SegmentFate } from '../evidence/evidence.ts'
import { PARTS } from '../evidence/vantage/legs.ts'
import type { Packet } from '../packet/packet.ts'
import type { Inputs } from './inputs.ts'
import type { FateRemarks } from './ladder.ts'
import { type FlowsRead, readFlows } from './read-flows.ts'

/** What is proven of the segments of one connection, for the rows of its ladders on both sides. */
export function fateRemarks(ids: readonly number[], evidence: Evidence): FateRemarks {
  const { translation, vantage } = evidence
  const remarks = new Map<number, Remark[]>()
  for (const fate of ids.flatMap((id) => translation?.fates.get(id) ?? [])) {
    const id = fate.fate === 'lost' ? 'lost-in-box' : 'made-by-box'
    remarks.set(fate.frame, [{ id, values: {} }])
  }
  for (const fate of ids.flatMap((id) => vantage?.fates.get(id) ?? [])) {
    if (fate.fate !== 'delivered') remarks.set(fate.frame, remarksOf(fate))
  }
  return remarks
}

function remarksOf({ fate, from, what, renamed }: SegmentFate): Remark[] {
  if (renamed !== undefined) {
    const id = from === 'client' ? 'renamed' : 'renamed-back'
    return [{ id, values: { peer: renamed } }]
  }
  if (fate === 'altered') return [{ id: 'altered', values: { what: what ?? '' } }]
  const where = PARTS.find((part) => part === what)
  const first: Remark =
    fate === 'lost' ? { id: 'lost', values: {} } : { id: 'injected', values: { from } }
  return where === undefined ? [first] : [first, { id: 'where', values: { where } }]
}

/**
 * A connection as the same capture has it behind the box that translates its addresses.
 * @param ends  its ends there
 * @returns with its own reading, in which its frames are numbered as in any other; null when it cannot be read again
 */
export async function readBehindBox(
  inputs: Inputs,
  near: ConnectionFacts,
  ends: { client: string; server: string },
): Promise<{ facts: ConnectionFacts; read: FlowsRead } | null> {
  const again = await inputs.reopen()
  if (again === null) return null
  const found: ConnectionFacts[] = []
  const read = await readFlows(again, {
    filter: (addresses) => between(ends, addresses),
    onConnection: (facts) => found.push(facts),
  })
  const apart = (c: ConnectionFacts) => Math.abs(c.startMs - near.startMs)
  const [facts] = found.sort((a, b) => apart(a) - apart(b))
  return facts === undefined ? null : { facts, read }
}

function between(ends: { client: string; server: string }, addresses: AddressBook) {
  const port = Number(ends.client.slice(ends.client.lastIndexOf(':') + 1))
  return (p: Packet): boolean => {
    if (p.srcPort !== port && p.dstPort !== port) return false
    const source = formatEndpoint(addresses.format(p.src, p.family), p.srcPort)
    const target = formatEndpoint(addresses.format(p.dst, p.family), p.dstPort)
    return (
      (source === ends.client && target === ends.server) ||
      (source === ends.server && target === ends.client)
    )
  }
}
