import { type Got, outcomeOf, type Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome } from '../types.ts'

/** What the small stories share: a correct server, healthy requests beside the victims, and the count of victims. */

/** The standard stage with captures running at both ends, and at the router where something happens there, and a correct server on port 80. */
export async function twoEnds(
  stage: Stage,
  { snap = 200, router = false }: { snap?: number; router?: boolean } = {},
): Promise<{ client: Puppet; server: Puppet }> {
  await stage.lay('client', 'server')
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await (router ? stage.tapWay({ snap }) : stage.tapEnds({ snap }))
  return { client, server }
}

/** Healthy one-request connections, one after another. */
export async function bystanders(
  stage: Stage,
  client: Puppet,
  { count, port = 8080, gapMs = 200 }: { count: number; port?: number; gapMs?: number },
): Promise<void> {
  for (let n = 0; n < count; n++) {
    await client.do({ op: 'once', host: stage.server.address, port, timeout: 10 })
    await stage.sleep(gapMs)
  }
}

/** How the victims ended, by what their applications got. */
export function victims(all: readonly Got[], what: string): Outcome {
  const byOutcome = new Map<string, number>()
  for (const got of all) byOutcome.set(outcomeOf(got), (byOutcome.get(outcomeOf(got)) ?? 0) + 1)
  const failed = all.filter((got) => !got.ok).length
  const told = [...byOutcome].map(([name, count]) => `${count} ${name}`).join(', ')
  return {
    failing: failed > 0,
    symptom: `${what}: ${told}`,
    measures: [
      { name: 'attempts', value: all.length },
      { name: 'failed', value: failed },
    ],
  }
}
