import { TcpwhyError } from '../../base/errors.ts'
import type { ConnectReport } from '../../probe/connect/report.ts'
import type { ProbeAddress, ProbePort } from '../../probe/port.ts'
import { type ConnectOptions, connect } from '../../probe/probes/connect.ts'
import { parseTarget, type Target } from '../../probe/target.ts'
import { type ProbeHooks, permit } from './permit.ts'
import { nodeProbePort } from './port.ts'

export interface ConnectRequest {
  target: string
  /** Asks for this path; null: that of a URL, or nothing. */
  http: string | null
  connectMs: number
  answerMs: number
  /** Only addresses of this family. */
  family: 4 | 6 | null
  /** Absent: as root. */
  walk?: boolean
}

/**
 * What becomes of a connection: `tcpwhy probe connect`.
 * @throws TcpwhyError BAD_ARGUMENT, PROBE_ADDRESS_REFUSED, PROBE_NAME_UNKNOWN, PROBE_NOT_YOURS
 */
export async function probeConnect(
  request: ConnectRequest,
  hooks: ProbeHooks = {},
  givenPort?: ProbePort,
): Promise<ConnectReport> {
  const port = givenPort ?? (await nodeProbePort())
  const parsed = parseTarget(request.target)
  const target: Target = request.http === null ? parsed : { ...parsed, path: request.http }
  const { dns, to } = await addressesOf(target, request.family, port)
  const options: ConnectOptions = {
    target,
    to,
    dns,
    ask: request.http !== null || parsed.scheme !== 'tcp',
    connectMs: request.connectMs,
    answerMs: request.answerMs,
    walk: request.walk ?? process.getuid?.() === 0,
  }
  const plan = connect.plan(options)
  permit(to, plan, hooks)
  await hooks.onPlan?.(plan)
  const { stop = new AbortController().signal } = hooks
  return connect.run(options, port, { stop })
}

/** The first address of each family. */
async function addressesOf({ host }: Target, family: 4 | 6 | null, port: ProbePort) {
  const start = port.nowMs()
  const all = await port.resolve(host)
  const ms = Math.round((port.nowMs() - start) * 1000) / 1000
  const first = (wanted: 4 | 6) => all.find((address) => address.family === wanted)
  const wanted = family === null ? ([4, 6] as const) : [family]
  const to = wanted.flatMap((one): ProbeAddress[] => {
    const found = first(one)
    return found === undefined ? [] : [found]
  })
  if (to.length === 0) {
    throw new TcpwhyError(
      'PROBE_NAME_UNKNOWN',
      `The name ${host} has no IPv${family ?? 4} address`,
      'Leave -4 or -6 out, or give an address.',
    )
  }
  const isName = !all.some(({ address }) => address === host)
  return { dns: isName ? { ms, addresses: all.map(({ address }) => address) } : null, to }
}
