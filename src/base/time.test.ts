import { expect, test } from 'vitest'
import { formatInstant, instantAfter } from './time.ts'

test('formatInstant: nine decimals, before 1970 too', () => {
  expect(formatInstant(0n)).toBe('1970-01-01T00:00:00.000000000Z')
  expect(formatInstant(1_714_564_800_123_456_789n)).toBe('2024-05-01T12:00:00.123456789Z')
  expect(formatInstant(-1n)).toBe('1969-12-31T23:59:59.999999999Z')
})

test('formatInstant: a time no calendar has does not throw', () => {
  expect(formatInstant(2n ** 80n)).toContain('9999-12-31T23:59:59')
  expect(formatInstant(-(2n ** 80n))).toMatch(/^0000-01-01T00:00:00/)
})

test('instantAfter: keeps the nanoseconds of the origin', () => {
  expect(instantAfter(1_714_564_800_000_000_001n, 1.5)).toBe(1_714_564_800_001_500_001n)
})
