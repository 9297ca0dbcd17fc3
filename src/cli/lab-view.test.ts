import { expect, test } from 'vitest'
import type { LabEvent } from '../lab/types.ts'
import { chartLines, labView } from './lab-view.ts'

test('a line a signal, its bars by its own maximum, the moment of failure below', () => {
  const history = new Map([
    ['server accept queue', [0, 4, 8]],
    ['requests failed', [0, 0, 1200]],
    ['never sampled', []],
  ])
  expect(chartLines(history, [false, false, true])).toEqual([
    '  server accept queue                       8  ▄█',
    '  requests failed                       1,200   █',
    `${' '.repeat(48)}^`,
  ])
})

test('only the last fifty samples are drawn, in at most 100 columns', () => {
  const many = Array.from({ length: 200 }, (_, n) => n)
  const lines = chartLines(
    new Map([['a signal with a very long name indeed, longer than there is room for', many]]),
    many.map((n) => n === 199),
  )
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
  expect(lines[1]?.endsWith('^')).toBe(true)
})

test('steps stay above the charts, which are drawn anew; a hostile text cannot steer the terminal', async () => {
  let out = ''
  const write = async (text: string | Uint8Array) => {
    out += String(text)
  }
  const view = labView(['x'], { write, isTerminal: async () => true }, { color: false })
  const events: LabEvent[] = [
    { kind: 'phase', phase: 'reproduce' },
    { kind: 'sample', atMs: 1000, values: { x: 5, unasked: 9 } },
    { kind: 'step', text: 'load\x1b[2J', atMs: 1500 },
    { kind: 'mark', text: 'it fails', atMs: 2000 },
  ]
  for (const event of events) view.show(event)
  await view.end()
  expect(out).toContain('Making it happen\n')
  expect(out).toContain('load\\x1b[2J')
  expect(out).toContain('failure: it fails')
  expect(out).not.toContain('unasked')
  // The one line of the chart is erased before the next text.
  expect(out).toContain('\x1b[1A\x1b[J    1.5 s load')
})
