import { expect, test } from 'vitest'
import { besideLines, chartLines, type Recorded } from './lab-charts.ts'

const eachSecond = (values: Record<string, number[]>, marks: Recorded['marks'] = []): Recorded => ({
  values: new Map(Object.entries(values)),
  atMs: (Object.values(values)[0] ?? []).map((_, n) => (n + 1) * 1000),
  marks,
})

test('a line a signal: last value, bars by its own maximum, the maximum; below it time and the moment of failure', () => {
  const queue = Array.from({ length: 20 }, (_, n) => Math.min(n, 8))
  const failed = queue.map((_, n) => (n === 19 ? 1200 : 0))
  const marks = [{ atMs: 8500, text: 'the queue is full' }]
  const played = eachSecond({ 'accept queue': queue, failed, 'never sampled': [] }, marks)
  expect(chartLines(played, 60)).toEqual([
    '  accept queue              8  ▁▂▃▄▅▆▇████████████         8',
    '  failed                1,200                    █     1,200',
    '                              0 s     ^       20 s',
    '  ^ 9 s: the queue is full',
  ])
})

test('with the fix beside it, both on one scale', () => {
  const before = eachSecond({ failed: [0, 50, 100] }, [{ atMs: 1500, text: 'x' }])
  const lines = besideLines(before, eachSecond({ failed: [0, 25, 0] }), 60)
  expect(lines[0]).toMatch(/^ +before +│ with the fix$/)
  expect(lines[1]).toMatch(/^ {2}failed +▄█ +100 │ +▂ +25$/)
  expect(lines[2]).toMatch(/\^/)
})

test('a mark is never run together with a time', () => {
  const played = (atMs: number) =>
    eachSecond({ x: Array.from({ length: 24 }, (_, n) => n) }, [{ atMs, text: 'y' }])
  const axis = (atMs: number) => chartLines(played(atMs), 80)[1]?.trim()
  expect(axis(2500)).toBe('^                 24 s')
  expect(axis(9500)).toMatch(/^0 s {6}\^ +24 s$/)
  expect(axis(23_500)).toMatch(/^0 s +\^$/)
})

test('no line is longer than the terminal, however many samples and however long a name', () => {
  const many = Array.from({ length: 500 }, (_, n) => n)
  const name = 'a signal with a very long name indeed, longer than there is room for'
  const played = eachSecond({ [name]: many }, [{ atMs: 499_500, text: 'y'.repeat(300) }])
  for (const columns of [40, 60, 80, 100, 120]) {
    for (const line of [...chartLines(played, columns), ...besideLines(played, played, columns)]) {
      expect(line.length, line).toBeLessThanOrEqual(columns)
    }
  }
  // What was there at one second is not lost between the bars.
  const peak = eachSecond({ x: many.map((n) => (n === 333 ? 7 : 0)) })
  expect(chartLines(peak, 60)[0]).toContain('█')
})
