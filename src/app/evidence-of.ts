import type { ConnectionFacts } from '../evidence/connection.ts'
import { endings } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { readConversations } from './conversations.ts'
import type { Inputs } from './inputs.ts'
import type { FlowsRead } from './read-flows.ts'
import { sourceFacts } from './sources.ts'
import type { Vantage } from './types.ts'

/** The evidence of one joined input. */
export async function evidenceOf(
  inputs: Inputs,
  read: FlowsRead,
  ids: readonly string[],
  at: Vantage | null = null,
  connections: readonly ConnectionFacts[] = read.flows.connections,
): Promise<Evidence> {
  const { flows } = read
  const facts = sourceFacts(read, ids, at)
  const byEnding = Object.fromEntries(
    endings.map((ending) => [ending, flows.totals.byEnding[ending] ?? 0]),
  ) as Evidence['totals']['byEnding']
  return {
    sources: facts,
    connections,
    endpoints: flows.endpoints,
    hosts: flows.hosts,
    paths: flows.paths,
    totals: { ...flows.totals, byEnding },
    application: await readConversations(inputs, read, connections),
    vantage: null,
    startMs: Math.min(...facts.map((s) => s.fromMs)),
    endMs: Math.max(...facts.map((s) => s.toMs)),
  }
}
