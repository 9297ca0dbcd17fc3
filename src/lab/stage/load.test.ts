import { expect, test } from 'vitest'
import type { LoadSample } from '../../probe/load/report.ts'
import { after, failures, failuresOf, loadWords, NONE, sumOf } from './load.ts'

const second = (more: Partial<LoadSample>): LoadSample => ({
  atMs: 1000,
  answered: 0,
  serverErrors: 0,
  failed: 0,
  failures: {},
  p50Ms: null,
  p99Ms: null,
  maxMs: null,
  openConnections: 0,
  inFlight: 0,
  ...more,
})

test('seconds add up to what was sent, answered and failed until now', () => {
  const first = after(NONE, second({ answered: 10, serverErrors: 2, inFlight: 5 }))
  expect(first).toMatchObject({ sent: 15, answered: 8, serverErrors: 2, open: 5 })
  const failed = { 'connect-timeout': 3, 'receive-reset': 1 } as const
  const both = after(first, second({ answered: 1, failed: 4, failures: failed, inFlight: 0 }))
  expect(both).toMatchObject({ sent: 15, answered: 9, open: 0, failures: failed })
  expect(failures(both)).toBe(6)
  expect([failuresOf(both, 'noConnection'), failuresOf(both, 'reset')]).toEqual([3, 1])
})

test('several loads are one: sums, and the largest latency', () => {
  const one = { ...NONE, sent: 2, failures: { 'receive-eof': 1 }, max: 40 }
  const other = { ...NONE, sent: 3, failures: { 'receive-eof': 2, other: 1 }, max: 30 }
  expect(sumOf([one, other])).toMatchObject({
    sent: 5,
    failures: { 'receive-eof': 3, other: 1 },
    max: 40,
  })
  expect(sumOf([])).toEqual(NONE)
})

test('a load is the words of tcpwhy probe load', () => {
  const to = { host: '10.64.2.2', port: 80, timeoutMs: 1000 }
  expect(loadWords({ ...to, bursts: [{ atMs: 100, count: 6 }] }).join(' ')).toBe(
    'probe load http://10.64.2.2:80/ --timeout 1000ms --one-shot --json-lines --quiet --yes-i-own-this --burst 6@100ms',
  )
  // Each of 60 a second can be under way for 2 s, and as many may wait for the server's FIN.
  expect(loadWords({ ...to, rate: 60, forMs: 14_000 }).slice(-6)).toEqual(
    '--rate 60 --count 840 --concurrency 240'.split(' '),
  )
})
