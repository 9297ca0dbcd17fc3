import fc from 'fast-check'
import { test } from 'vitest'
import { packetProperties } from '../../test/helpers/packet-properties.ts'

test.each(packetProperties)('fuzz: $name', ({ property }) => {
  fc.assert(property as fc.IProperty<unknown>, { numRuns: 2_000 })
})
