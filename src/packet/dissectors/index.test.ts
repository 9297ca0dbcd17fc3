import { expect, test } from 'vitest'
import type { Dissector } from '../dissector.ts'
import { dissectors } from './index.ts'

const all: readonly Dissector[] = dissectors

test('dissectors: sorted by id, each id once', () => {
  const ids = all.map((dissector) => dissector.id)
  expect(ids).toEqual([...new Set(ids)].sort())
})

test.each(['links', 'etherTypes', 'pppProtocols', 'ipProtocols', 'udpPorts'] as const)(
  'dissectors: no number of %s has two readers',
  (numbers) => {
    const seen = all.flatMap((dissector) => dissector[numbers] ?? [])
    expect(seen.length).toBeGreaterThan(0)
    expect(new Set(seen).size).toBe(seen.length)
  },
)
