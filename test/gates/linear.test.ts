import { describe, expect, test } from 'vitest'
import { evidenceOf } from '../../src/app/evidence-of.ts'
import { inputsOf } from '../../src/app/inputs.ts'
import { readFlows } from '../../src/app/read-flows.ts'
import { sourceIds } from '../../src/app/sources.ts'
import { causes } from '../../src/causes/index.ts'
import type { Evidence } from '../../src/evidence/evidence.ts'
import { captureFiles } from '../helpers/capture-pages.ts'

// An incident may have thousands of connections alike: a cause that looks at all of them for each of them takes seconds.

const CONNECTIONS = 600
/** Looks at a connection of the list: a few passes over all of them, whatever their number. */
const PASSES = 24

const slash = /^.*test\/captures\//

describe.each(captureFiles().map((path) => [path.replace(slash, ''), path] as const))(
  '%s, many times over',
  (_, path) => {
    test('no cause goes through all connections for each of them', async () => {
      const { evidence, passes } = counted(await manyTimes(path))
      const often = causes.flatMap(({ id, judge }) => {
        const before = passes()
        judge({ ...evidence })
        const own = passes() - before
        return own > PASSES ? [`${id}: ${own.toFixed(0)} times through the list`] : []
      })
      expect(often).toEqual([])
    })
  },
)

async function manyTimes(path: string): Promise<Evidence> {
  const inputs = inputsOf([path])
  const read = await readFlows(await inputs.open(), { core: null })
  const evidence = await evidenceOf(inputs, read, sourceIds(read.sources.length))
  const { connections, application } = evidence
  const times = Math.ceil(CONNECTIONS / Math.max(1, connections.length))
  const all = Array.from({ length: times }, (_, time) =>
    connections.map((c) => ({ ...c, id: c.id + time * 1_000_000 })),
  ).flat()
  const told = all.flatMap(({ id }) => {
    const own = application.get(id % 1_000_000)
    return own === undefined ? [] : [[id, own] as const]
  })
  return { ...evidence, connections: all, application: new Map(told) }
}

/** The same evidence, whose list of connections counts how often one is taken out of it. */
function counted(evidence: Evidence): { evidence: Evidence; passes: () => number } {
  let taken = 0
  const connections = new Proxy(evidence.connections as Evidence['connections'][number][], {
    get(list, name, receiver) {
      if (typeof name === 'string' && name.charCodeAt(0) <= 0x39) taken++
      return Reflect.get(list, name, receiver)
    },
  })
  return {
    evidence: { ...evidence, connections },
    passes: () => taken / Math.max(1, evidence.connections.length),
  }
}
