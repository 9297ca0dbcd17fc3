import { expect, test } from 'vitest'
import { connection } from '../../test/helpers/facts.ts'
import { type Draft, draftOf } from '../diagnose/summary.ts'
import { RowStore } from './row-store.ts'

const row = (id: number): Draft => draftOf(connection({ id, startMs: id * 2 }))
/** Every id below `count` once, in an order of its own. */
const shuffled = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919) % count)

function stored(count: number, limit: number): RowStore {
  const store = new RowStore(limit)
  for (const id of shuffled(count)) store.add(row(id))
  return store
}

test.each([
  ['in memory', 5000],
  ['in a file', 64],
  ['in a file, all but the last', 4999],
])('rows come back whole and in order of ids: %s', (_, limit) => {
  const store = stored(5000, limit)
  const rows = [...store.rows()]
  expect(rows.map((r) => r.id)).toEqual(Array.from({ length: 5000 }, (_, id) => String(id)))
  expect(rows[4321]).toEqual(row(4321))
  store.close()
})

test('rows can be asked for twice: exported, then listed', () => {
  const store = stored(300, 64)
  expect([...store.rows()]).toEqual([...store.rows()])
  store.close()
})

test('ids that are not there are passed over', () => {
  const store = new RowStore(1)
  for (const id of [900_000, 3, 70_000]) store.add(row(id))
  expect([...store.rows()].map((r) => r.id)).toEqual(['3', '70000', '900000'])
  store.close()
})
