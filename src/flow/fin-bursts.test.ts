import { expect, test } from 'vitest'
import { FinBursts, type ServerFin } from './fin-bursts.ts'

const MS = 1e6

/** A FIN at that time, on a connection half a second old whose last payload was the server's, just before. */
function fin(id: number, atMs: number, over: Partial<ServerFin> = {}): ServerFin {
  const t = atMs * MS
  const middle = { startT: t - 500 * MS, lastDataT: t - MS, afterOwnData: true }
  return { row: id, id, key: 80, t, ...middle, ...over }
}

function burst(bursts: FinBursts, fins: readonly ServerFin[]): number[] {
  return fins.flatMap((f) => bursts.note(f).map((r) => r.id))
}

test('three downloads that end in one moment are an event', () => {
  const fins = [fin(0, 1000), fin(1, 1001), fin(2, 1002)]
  expect(burst(new FinBursts(), fins)).toEqual([0, 1, 2])
})

test('so are three that end after a silence, however young', () => {
  const idle = (id: number) => fin(id, 1000 + id, { startT: 990 * MS, lastDataT: 0 })
  expect(burst(new FinBursts(), [idle(0), idle(1), idle(2)])).toEqual([0, 1, 2])
})

test('short answers that end together are traffic', () => {
  const short = (id: number) => fin(id, 1000 + id, { startT: (995 + id) * MS })
  expect(burst(new FinBursts(), [short(0), short(1), short(2)])).toEqual([])
})

test('a server that ends long answers all the time is no event', () => {
  const bursts = new FinBursts()
  burst(
    bursts,
    Array.from({ length: 400 }, (_, i) => fin(i, i * 5)),
  )
  expect(burst(bursts, [fin(500, 2000), fin(501, 2001), fin(502, 2002)])).toEqual([])
})

test('two may be chance, and other endpoints do not count', () => {
  const fins = [fin(0, 1000), fin(1, 1001), fin(2, 1002, { key: 81 }), fin(3, 1100)]
  expect(burst(new FinBursts(), fins)).toEqual([])
})
