import type { HttpReport } from '../../probe/http/report.ts'
import type { ProbePort } from '../../probe/port.ts'
import { type HttpOptions, type HttpProgress, http } from '../../probe/probes/http.ts'
import { parseTarget } from '../../probe/target.ts'
import { addressOf, type ProbeHooks, permit } from './permit.ts'
import { nodeProbePort } from './port.ts'

export type HttpRequest = Omit<HttpOptions, 'target' | 'to' | 'race'> & {
  target: string
  /** Requests sent about when the server closes (default 60). */
  race?: number
  /** Instead of the path of the URL. */
  http: string | null
}

const DEFAULT_RACE = 60

/**
 * What a server does with kept connections: `tcpwhy probe http`.
 * @throws TcpwhyError BAD_ARGUMENT, PROBE_ADDRESS_REFUSED, PROBE_NAME_UNKNOWN, PROBE_NOT_YOURS
 */
export async function probeHttp(
  { http: path, ...request }: HttpRequest,
  hooks: ProbeHooks & { onProgress?: (progress: HttpProgress) => void } = {},
  givenPort?: ProbePort,
): Promise<HttpReport> {
  const port = givenPort ?? (await nodeProbePort())
  const parsed = parseTarget(request.target)
  const target = path === null ? parsed : { ...parsed, path }
  const to = await addressOf(target.host, port)
  const options: HttpOptions = { race: DEFAULT_RACE, ...request, target, to }
  const plan = http.plan(options)
  permit([to], plan, hooks)
  await hooks.onPlan?.(plan)
  const { stop = new AbortController().signal, onProgress } = hooks
  return http.run(options, port, { stop, ...(onProgress === undefined ? {} : { onProgress }) })
}
