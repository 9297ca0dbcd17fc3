import type { LoadHooks } from '../../probe/load/generator.ts'
import type { LoadReport } from '../../probe/load/report.ts'
import type { ProbePort } from '../../probe/port.ts'
import { type LoadOptions, load } from '../../probe/probes/load.ts'
import { parseTarget } from '../../probe/target.ts'
import { addressOf, type ProbeHooks, permit } from './permit.ts'
import { nodeProbePort } from './port.ts'

export type LoadRequest = Omit<LoadOptions, 'target' | 'to'> & { target: string }

/**
 * HTTP load: `tcpwhy probe load`.
 * @throws TcpwhyError BAD_ARGUMENT, PROBE_ADDRESS_REFUSED, PROBE_NAME_UNKNOWN, PROBE_NOT_YOURS
 */
export async function probeLoad(
  request: LoadRequest,
  hooks: ProbeHooks & LoadHooks = {},
  givenPort?: ProbePort,
): Promise<LoadReport> {
  const port = givenPort ?? (await nodeProbePort())
  const target = parseTarget(request.target)
  const to = await addressOf(target.host, port)
  const options: LoadOptions = { ...request, target, to }
  const plan = load.plan(options)
  permit([to], plan, hooks)
  await hooks.onPlan?.(plan)
  return load.run(options, port, { stop: new AbortController().signal, ...hooks })
}
