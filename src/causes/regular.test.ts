import { describe, expect, test } from 'vitest'
import { regularInterval } from './regular.ts'

describe('regularInterval', () => {
  test.each([
    { name: 'a clock', at: [0, 5000, 10_020, 14_990], is: 5000 },
    { name: 'one check was missed', at: [0, 5000, 15_000, 20_000, 25_000, 30_000], is: 5000 },
    {
      name: 'the checker was restarted once',
      at: [0, 5000, 10_000, 11_000, 16_000, 21_000],
      is: 5000,
    },
    {
      name: 'near miss: random pauses, of which two are far too short (a client that tries as it likes)',
      at: [0, 877, 1875, 2023, 2322, 3202, 3959, 4921, 5972, 6907],
      is: null,
    },
    { name: 'near miss: two moments', at: [0, 5000], is: null },
    { name: 'near miss: a load generator', at: [0, 10, 20, 30, 40], is: null },
  ])('$name', ({ at, is }) => {
    const found = regularInterval(at)
    if (is === null) expect(found).toBeNull()
    else expect(found).toBeCloseTo(is, -2)
  })
})
