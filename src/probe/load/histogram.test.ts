import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('percentiles are those of the sorted values, to 1 part in 128', () => {
  const value = fc.integer({ min: 1, max: 3_600_000_000 })
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (valuesUs) => {
      const histogram = new Histogram()
      for (const us of valuesUs) histogram.record(us / 1000)
      const sorted = [...valuesUs].sort((a, b) => a - b)
      for (const percent of [1, 25, 50, 90, 99, 100]) {
        const exact = sorted[Math.ceil((percent * sorted.length) / 100) - 1]!
        const found = (histogram.percentile(percent) ?? 0) * 1000
        expect(found, `p${percent}`).toBeGreaterThanOrEqual(exact - 0.001)
        expect(found, `p${percent}`).toBeLessThanOrEqual(exact * (1 + 1 / 128) + 0.001)
      }
    }),
  )
})

test('nothing recorded has no percentiles', () => {
  expect(new Histogram().percentile(50)).toBeNull()
  expect(new Histogram().summary()).toBeNull()
})

test('longer than the histogram reaches counts as its longest', () => {
  const histogram = new Histogram()
  histogram.record(1e12)
  expect(histogram.summary()).toMatchObject({ count: 1, max: 1e12 })
})

test('a stall of 100 intervals stands for the 99 requests that it kept from being sent', () => {
  const histogram = new Histogram()
  for (let i = 0; i < 100; i++) histogram.record(1)
  histogram.record(100)
  const corrected = histogram.corrected(1)
  expect(histogram.percentile(90)).toBe(1.003)
  expect(corrected.count).toBe(200)
  expect(corrected.percentile(75)).toBeGreaterThan(45)
  expect(corrected.percentile(75)).toBeLessThan(55)
})

test('how many took longer: those in the bucket of the limit itself do not', () => {
  const histogram = new Histogram()
  for (const ms of [1, 499, 500, 510, 900, 5000]) histogram.record(ms)
  expect(histogram.above(500)).toBe(3)
  expect(histogram.above(6000)).toBe(0)
  expect(histogram.above(0)).toBe(6)
})
