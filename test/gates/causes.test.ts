import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Cause } from '../../src/causes/cause.ts'
import { type CauseId, causeIds } from '../../src/causes/ids.ts'
import { causes } from '../../src/causes/index.ts'
import { en } from '../../src/messages/en/index.ts'
import { root } from '../helpers/built.ts'
import { capturePages } from '../helpers/capture-pages.ts'

// What must stand beside a cause: CONTRIBUTING.md, "Where does a new cause go?"

/** Causes that a capture cannot show by itself: tests of their table are all there is until other facts are read. */
const NO_CAPTURE_SHOWS: Partial<Record<CauseId, string>> = {
  'conntrack-table-full': "dropped SYNs look like a filter; the table is the kernel's",
  'ephemeral-ports-exhausted': 'nothing is sent: there is no packet to capture',
  'memory-pressure':
    "tcp_mem and tcp_max_orphans are the host's; lowering them here would hurt everybody on the machine",
  'receive-path-drop': "in a capture it is loss like any other; the counters are the host's",
  'time-wait-pile':
    'TIME-WAIT is a state of the host; closed connections in a capture do not show who still remembers them',
  'descriptor-exhaustion':
    'EMFILE is known to the kernel and the application; on the wire it looks like accept-and-close',
  'pool-starvation':
    'waiting for a pool is known to the application; on the wire it looks like server-stalled',
}

const all: readonly Cause[] = causes
const expectedBy = new Map<string, string[]>()
for (const page of capturePages()) {
  for (const cause of [page.expects['cause']!, ...page.also]) {
    expectedBy.set(cause, [...(expectedBy.get(cause) ?? []), page.id])
  }
}

describe.each(all.map((cause) => [cause.id, cause] as const))('%s', (id, cause) => {
  test('has its page, its test, its words', () => {
    for (const path of [
      `src/causes/${id}.ts`,
      testOf(id),
      `src/messages/en/${id}.ts`,
      `docs/causes/${id}.md`,
    ]) {
      expect(existsSync(join(root, path)), path).toBe(true)
    }
    expect(Object.keys(en)).toContain(id)
  })

  test('is shown by a capture of ours, or it is said why none can', () => {
    const reason = NO_CAPTURE_SHOWS[id]
    const shownBy = expectedBy.get(id) ?? []
    if (reason === undefined) expect(shownBy.length, 'captures that expect it').toBeGreaterThan(0)
    else expect(shownBy, 'now there is a capture: take it off the list').toEqual([])
  })

  test('its table has hits, near misses and what it cannot tell', () => {
    const table = readFileSync(join(root, testOf(id)), 'utf8')
    expect(table).toMatch(/is: '(confirmed|likely|possible)'|is: 'unknown'/)
    expect(table).toMatch(/is: '(nothing|excluded|unknown)'/)
  })

  test('names causes that exist, and not itself', () => {
    const related = [...cause.confusedWith, ...(cause.specialises ?? [])]
    for (const other of related) expect(causeIds).toContain(other)
    expect(related).not.toContain(id)
    expect(new Set(cause.confusedWith).size).toBe(cause.confusedWith.length)
  })

  test('says where it can be seen and where the truth is written', () => {
    expect(cause.needs.length).toBeGreaterThan(0)
    expect(cause.refs.length).toBeGreaterThan(0)
    // A clause, a function, an issue, a manual page: a name and the place in it.
    for (const ref of cause.refs) expect(ref).toMatch(/^\w[^ ]*[ (#].+/)
  })
})

test('indexes are sorted and have the same causes', () => {
  const ids = all.map(({ id }) => id)
  expect(ids).toEqual([...ids].sort())
  expect(Object.keys(en)).toEqual(ids)
  expect([...causeIds]).toEqual([...causeIds].sort())
  for (const id of ids) expect(causeIds).toContain(id)
})

test('no cause is excused from captures without need', () => {
  const ids = all.map(({ id }) => id as string)
  for (const id of Object.keys(NO_CAPTURE_SHOWS)) expect(ids).toContain(id)
})

/** Causes that only a host shows have their table beside what judges it. */
function testOf(id: string): string {
  const own = `src/causes/${id}.test.ts`
  return existsSync(join(root, own)) ? own : `src/causes/machine/${id}.test.ts`
}
