import { compareWithBaseline } from '../diagnose/baseline.ts'
import type { BaselineComparison } from '../diagnose/report.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { evidenceOf } from './evidence-of.ts'
import { packetFilter } from './filter.ts'
import { inputsOf } from './inputs.ts'
import { readFlows } from './read-flows.ts'
import { sourceIds } from './sources.ts'
import type { AnalyzeOptions } from './types.ts'

/** Reads the healthy capture with the same filter (times aside: it is from another hour) and says what differs. */
export async function compareBaseline(
  path: string,
  here: Evidence,
  options: AnalyzeOptions,
): Promise<BaselineComparison> {
  const inputs = inputsOf([path], options)
  const { host, port, between } = options.filter
  const filter = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(between === undefined ? {} : { between }),
  }
  const read = await readFlows(await inputs.open(), {
    filter: (addresses, originNs) => packetFilter(filter, addresses, originNs),
    stopped: () => options.finish?.aborted === true,
  })
  const ids = sourceIds(read.sources.length, 'baseline')
  return compareWithBaseline(here, await evidenceOf(inputs, read, ids), path)
}
