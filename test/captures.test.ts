import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fileSource } from '../src/app/byte-sources.ts'
import { readFlows } from '../src/app/read-flows.ts'
import { causeIds } from '../src/causes/ids.ts'
import type { ConnectionFacts } from '../src/flow/facts.ts'
import { captureFiles, capturePages } from './helpers/capture-pages.ts'

const MAX_OCTETS = 400_000 // they are in every clone
const pages = capturePages()

test('every capture of ours is named by exactly one page', () => {
  expect(pages.flatMap((page) => page.files).sort()).toEqual(captureFiles().sort())
})

test('no capture is larger than a clone can bear', () => {
  expect(captureFiles().filter((path) => statSync(path).size > MAX_OCTETS)).toEqual([])
})

describe.each(pages)('the page of $id', (page) => {
  test('expects a verdict and causes that exist', () => {
    expect(['healthy', 'benign', 'problem', 'inconclusive']).toContain(page.expects['verdict'])
    const named = [page.expects['cause']!, ...page.also].filter((cause) => cause !== 'null')
    for (const cause of named) expect(causeIds).toContain(cause)
    // Half a capture may be inconclusive without a suspect.
    if (page.expects['verdict'] === 'inconclusive') return
    expect(named.length > 0).toBe(page.expects['verdict'] !== 'healthy')
  })

  test('has a file for each vantage point', () => {
    expect(page.files).toHaveLength(page.vantage === 'three' ? 3 : page.vantage === 'both' ? 2 : 1)
  })

  test('counts its connections and the endings of the troubled ones rightly', async () => {
    const seen = await connectionsOf(page.files[0]!)
    expect(seen).toHaveLength(page.connections)
    if (page.ending === null || page.victims === null) return
    const so = seen.filter(
      (c) => c.ending === page.ending && (page.endedBy === null || c.endedBy === page.endedBy),
    )
    const troubled = so.filter((c) => c.client.port >= 41_000 && c.client.port < 42_000)
    expect(troubled.length).toBeGreaterThanOrEqual(page.victims)
  })
})

async function connectionsOf(path: string): Promise<ConnectionFacts[]> {
  const seen: ConnectionFacts[] = []
  const onConnection = (facts: ConnectionFacts) => seen.push(facts)
  await readFlows([{ name: path, bytes: await fileSource(path) }], { onConnection })
  return seen
}
