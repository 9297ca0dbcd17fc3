import { test } from 'vitest'
import { bundleTargets } from '../fuzz/bundle.ts'
import { fuzz } from '../fuzz/target.ts'

test.each(bundleTargets)('fuzz: $id', async (target) => {
  await fuzz(target, { runs: 15 })
})
