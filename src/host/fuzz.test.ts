import { test } from 'vitest'
import { hostTargets } from '../../test/fuzz/host.ts'
import { fuzz } from '../../test/fuzz/target.ts'

test.each(hostTargets)('fuzz: $id', async (target) => {
  await fuzz(target, { runs: 2_000 })
})
