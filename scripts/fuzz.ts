// The long fuzz: npm run fuzz. FUZZ_SECONDS (default 60) is shared by the targets, FUZZ_TARGET takes those whose id
// contains it, FUZZ_SEED brings a failure back.
import { fuzz } from '../test/fuzz/target.ts'
import { fuzzTargets } from '../test/fuzz/targets.ts'

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60)
const wanted = process.env['FUZZ_TARGET'] ?? ''
const seed = process.env['FUZZ_SEED']

const targets = fuzzTargets.filter(({ id }) => id.includes(wanted))
if (targets.length === 0 || !(seconds > 0)) {
  console.error(`No such target. There are: ${fuzzTargets.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

for (const target of targets) {
  const runs = await fuzz(target, {
    runs: 1_000_000_000,
    deadlineMs: (seconds * 1000) / targets.length,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  }).catch((cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause)
    process.exit(1)
  })
  console.log(`${target.id}: ${runs} inputs`)
}
