// The long fuzz: npm run fuzz. FUZZ_SECONDS (default 60) is shared by the targets, FUZZ_TARGET takes those whose id
// contains it, FUZZ_SEED brings a failure back.
import fc from 'fast-check'
import { fuzz } from '../test/fuzz/target.ts'
import { fuzzTargets } from '../test/fuzz/targets.ts'
import { packetProperties } from '../test/helpers/packet-properties.ts'

const RUNS = 1_000_000_000 // the deadline ends it

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60)
const wanted = process.env['FUZZ_TARGET'] ?? ''
const seeded =
  process.env['FUZZ_SEED'] === undefined ? {} : { seed: Number(process.env['FUZZ_SEED']) }

const all = [
  ...fuzzTargets.map((target) => ({
    id: target.id,
    run: (deadlineMs: number) => fuzz(target, { runs: RUNS, deadlineMs, ...seeded }),
  })),
  ...packetProperties.map(({ name, property }, i) => ({
    id: `packet-${i + 1}`,
    run: async (deadlineMs: number) =>
      fuzzProperty(name, property as fc.IRawProperty<unknown>, deadlineMs),
  })),
]
const targets = all.filter(({ id }) => id.includes(wanted))
if (targets.length === 0 || !(seconds > 0)) {
  console.error(`No such target. There are: ${all.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

for (const { id, run } of targets) {
  const runs = await run((seconds * 1000) / targets.length).catch((cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause)
    process.exit(1)
  })
  console.log(`${id}: ${runs} inputs`)
}

async function fuzzProperty(
  name: string,
  property: fc.IRawProperty<unknown>,
  deadlineMs: number,
): Promise<number> {
  const interrupt = { interruptAfterTimeLimit: deadlineMs, markInterruptAsFailure: false }
  const details = await fc.check(property, { numRuns: RUNS, ...interrupt, ...seeded })
  if (!details.failed) return details.numRuns
  const cause = details.errorInstance
  const why = cause instanceof Error ? cause.stack : String(cause)
  throw new Error(`${name}\n${await fc.asyncDefaultReportMessage(details)}\n${why}`)
}
