import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bothWays } from './both.ts'
import { file, type Told, usual } from './frames.ts'

// Segments that meet: two hosts, few ports and numbers, so that there is much to retransmit, reorder, reset and close.

const small = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(1460, 2920, 4380, -1, -5000))

const segment: fc.Arbitrary<Told> = fc.record({
  client: fc.constantFrom(1, 1, 3),
  server: fc.constant(2),
  fromServer: fc.boolean(),
  port: fc.constantFrom(40_000, 40_000, 40_000, 40_001),
  flags: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0x10, 0x18, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
  ),
  seq: small,
  ack: small,
  length: fc.constantFrom(0, 0, 1, 2, 1460),
  wnd: fc.constantFrom(0, 500, 65_535),
  ttl: fc.constantFrom(64, 64, 57, 0),
  ipId: fc.constantFrom(0, 1, 2, 3, 65_535),
  options: fc.constantFrom('none', 'timestamps', 'odd timestamps', 'syn', 'sack', 'broken'),
  tsVal: fc.constantFrom(1, 2, 50, 20_000, -5),
  waitUs: fc.constantFrom(0, 1, 40, 900, 60_000, 400_000, 5_000_000, 90_000_000_000),
  vlan: fc.constantFrom(false, false, false, true),
})

/** A conversation that is in order, for whatever comes behind it to disturb. */
const opening: readonly Partial<Told>[] = [
  { flags: 0x02, options: 'syn' },
  { fromServer: true, flags: 0x12, ack: 1, options: 'syn' },
  { seq: 1, ack: 1 },
  { seq: 1, ack: 1, flags: 0x18, length: 2 },
  { fromServer: true, seq: 1, ack: 3, flags: 0x18, length: 1 },
  { seq: 3, ack: 2 },
]
test('fuzz: any segments give the same rows, with the core and without', async () => {
  const capture = fc.tuple(fc.boolean(), fc.array(segment, { minLength: 1, maxLength: 40 }))
  await fc.assert(
    fc.asyncProperty(capture, async ([opened, segments]) => {
      const all = [...(opened ? opening : []).map((s) => ({ ...usual, ...s })), ...segments]
      const { core, without } = await bothWays({ files: [file(all)] })
      expect(core).toEqual(without)
    }),
    { numRuns: 300 },
  )
})
