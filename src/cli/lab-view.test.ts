import { expect, test } from 'vitest'
import type { LabEvent } from '../lab/types.ts'
import { labView } from './lab-view.ts'

async function shown(...events: LabEvent[]): Promise<string> {
  let out = ''
  const write = async (text: string | Uint8Array) => {
    out += String(text)
  }
  const view = labView(
    ['x'],
    { write, isTerminal: async () => true },
    { color: false, columns: 80 },
  )
  for (const event of events) view.show(event)
  await view.end()
  return out
}

test('steps stay above the charts, which are drawn anew; a hostile text cannot steer the terminal', async () => {
  const out = await shown(
    { kind: 'phase', phase: 'reproduce' },
    { kind: 'sample', atMs: 1000, values: { x: 5, unasked: 9 } },
    { kind: 'step', text: 'load\x1b[2J', atMs: 1500 },
    { kind: 'mark', text: 'it fails', atMs: 2000 },
  )
  expect(out).toContain('Making it happen\n')
  expect(out).toContain('load\\x1b[2J')
  expect(out).toContain('failure: it fails')
  expect(out).not.toContain('unasked')
  // The chart and its axis are erased before the next text.
  expect(out).toContain('\x1b[2A\x1b[J    1.5 s load')
})

test('a long step is broken at its words, and after Ctrl-C nothing is drawn any more', async () => {
  const out = await shown(
    { kind: 'phase', phase: 'reproduce' },
    { kind: 'step', text: 'word '.repeat(20).trim(), atMs: 500 },
    { kind: 'phase', phase: 'stop' },
    { kind: 'sample', atMs: 1000, values: { x: 5 } },
    { kind: 'phase', phase: 'fix' },
  )
  const [, first, second, stopping, ...rest] = out.trimEnd().split('\n')
  expect(first).toMatch(/^ {4}0\.5 s word .*word$/)
  expect(second).toMatch(/^ {10}word/)
  expect(stopping).toMatch(/^Stopping: /)
  expect(rest.join(' ')).not.toMatch(/█|fix/)
})

test('what was played stays: nothing is drawn while captures are looked at, and the fix is drawn beside it', async () => {
  const out = await shown(
    { kind: 'phase', phase: 'reproduce' },
    { kind: 'sample', atMs: 1000, values: { x: 5 } },
    { kind: 'phase', phase: 'analyze' },
    { kind: 'sample', atMs: 2000, values: { x: 77 } },
    { kind: 'phase', phase: 'fix' },
    { kind: 'sample', atMs: 1000, values: { x: 1 } },
  )
  expect(out).not.toContain('77')
  expect(out).not.toContain('\x1b[')
  expect(out).toMatch(/before +│ with the fix\n {2}x .*█ +5 │ ▂ +1\n/)
})
