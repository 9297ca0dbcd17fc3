import { describe, expect, test } from 'vitest'
import { captureSamples, captureTargets } from '../../test/fuzz/capture.ts'
import { fuzz } from '../../test/fuzz/target.ts'
import { captureFormats } from './formats/index.ts'

describe('any octets', () => {
  for (const target of captureTargets) {
    test(`${target.id}: end in records and named faults, or in an error of ours`, async () => {
      expect(await fuzz(target, { runs: 400, deadlineMs: 10_000 })).toBeGreaterThan(20)
    })
  }

  test('every format has samples to start from', () => {
    expect(Object.keys(captureSamples)).toEqual(captureFormats.map(({ id }) => id))
  })
})
