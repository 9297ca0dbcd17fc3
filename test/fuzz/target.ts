import fc from 'fast-check'

/** One thing to fuzz: any octets in, out comes a value or our own error, and what must hold of the value. */
export interface FuzzTarget {
  id: string
  /** Throws or rejects when the octets break a promise. */
  check(octets: Uint8Array): Promise<void> | void
  /** Valid inputs to start from. */
  samples: readonly Uint8Array[]
}

type Change =
  | { is: 'set'; at: number; value: number }
  | { is: 'word'; at: number; value: number }
  | { is: 'cut'; at: number }
  | { is: 'insert'; at: number; octets: Uint8Array }
  | { is: 'drop'; at: number; count: number }
  | { is: 'repeat'; at: number; count: number }

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ is: fc.constant('set' as const), at, value: fc.integer({ min: 0, max: 255 }) }),
  // Lengths and counts break at the edges of their range.
  fc.record({
    is: fc.constant('word' as const),
    at,
    value: fc.constantFrom(0, 1, 0x7f, 0xff, 0xffff, 0x10000, 0x40000, 0x7fffffff, 0xffffffff),
  }),
  fc.record({ is: fc.constant('cut' as const), at }),
  fc.record({ is: fc.constant('insert' as const), at, octets: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ is: fc.constant('drop' as const), at, count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ is: fc.constant('repeat' as const), at, count: fc.integer({ min: 1, max: 200 }) }),
)

/** Octets for a target: its samples with a few changes, sometimes nothing but chance. */
export function octetsFor(target: FuzzTarget): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(fc.constantFrom(...target.samples), fc.array(change, { maxLength: 6 }))
    .map(([sample, changes]) => changes.reduce(apply, sample))
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: fc.uint8Array() })
}

function apply(octets: Uint8Array, change: Change): Uint8Array {
  const where = Math.trunc(change.at * octets.length)
  const out = octets.slice()
  switch (change.is) {
    case 'set':
      if (where < out.length) out[where] = change.value
      return out
    case 'word':
      if (where + 4 <= out.length) new DataView(out.buffer).setUint32(where, change.value, true)
      return out
    case 'cut':
      return out.slice(0, where)
    case 'insert':
      return joined(octets.subarray(0, where), change.octets, octets.subarray(where))
    case 'drop':
      return joined(octets.subarray(0, where), octets.subarray(where + change.count))
    case 'repeat':
      return joined(octets.subarray(0, where + change.count), octets.subarray(where))
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Runs a target; the failure tells the seed and path that bring it back, and the smallest octets found. */
export async function fuzz(
  target: FuzzTarget,
  limits: { runs: number; seed?: number; deadlineMs?: number },
): Promise<number> {
  const property = fc.asyncProperty(octetsFor(target), async (octets) => target.check(octets))
  const details = await fc.check(property, {
    numRuns: limits.runs,
    ...(limits.seed === undefined ? {} : { seed: limits.seed }),
    ...(limits.deadlineMs === undefined
      ? {}
      : { interruptAfterTimeLimit: limits.deadlineMs, markInterruptAsFailure: false }),
  })
  if (!details.failed) return details.numRuns
  const octets = Buffer.from(details.counterexample?.[0] ?? new Uint8Array(0)).toString('hex')
  const cause = details.errorInstance
  throw new Error(
    `fuzz ${target.id}: FUZZ_SEED=${details.seed} (path ${details.counterexamplePath})\n` +
      `octets: ${octets.slice(0, 4000)}\n${cause instanceof Error ? cause.stack : String(cause)}`,
    { cause },
  )
}
