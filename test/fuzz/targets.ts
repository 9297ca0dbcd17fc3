import { analysisTargets } from './analysis.ts'
import { bundleTargets } from './bundle.ts'
import { captureTargets } from './capture.ts'
import { hostTargets } from './host.ts'
import type { FuzzTarget } from './target.ts'

/** Everything that `npm run fuzz` runs, in turn. A layer joins with one line. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...captureTargets,
  ...analysisTargets,
  ...hostTargets,
  ...bundleTargets,
]
