import { expect, test } from 'vitest'
import { Aggregates, addWait } from './aggregates.ts'

test('of the waits for a server the longest are kept, however many there are', () => {
  const endpoint = new Aggregates().endpoint(0x0a000001, 80, 4)!
  const waits = Array.from({ length: 20_000 }, (_, i) => ({
    from: i * 10,
    ns: ((i * 7919) % 20_000) + 1,
  }))
  for (const { from, ns } of waits) addWait(endpoint, from, ns)
  const kept = endpoint.waits.map(({ from, to }) => to - from).sort((a, b) => b - a)
  expect(kept.length).toBeGreaterThanOrEqual(512)
  expect(kept.length).toBeLessThan(1024)
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 20_000 - i))
  expect(endpoint.waitMinNs).toBeLessThanOrEqual(kept.at(-1)!)
  expect(endpoint.waits[0]!.from).toBe(waits.find(({ ns }) => ns === 20_000)!.from)
})

test('who did not wait, or whose handshake did not end, is not among them', () => {
  const endpoint = new Aggregates().endpoint(0x0a000001, 80, 4)!
  addWait(endpoint, 5, 0)
  addWait(endpoint, 5, -1)
  expect(endpoint.waits).toEqual([])
})
