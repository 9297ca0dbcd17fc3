import { networkInterfaces } from 'node:os'
import { kindOfAddress } from '../../base/address-kind.ts'
import { formatEndpoint } from '../../base/addresses.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { counters } from '../../host/readers/counters.ts'
import { listeners } from '../../host/readers/listeners.ts'
import type { BacklogReport, ListenerLook } from '../../probe/backlog/report.ts'
import type { ProbeAddress, ProbePort } from '../../probe/port.ts'
import { type BacklogOptions, backlog } from '../../probe/probes/backlog.ts'
import { parseTarget } from '../../probe/target.ts'
import { nodeHost } from '../node-host.ts'
import { addressOf, type ProbeHooks, permit } from './permit.ts'
import { nodeProbePort } from './port.ts'

export interface BacklogRequest {
  target: string
  http: string | null
  connections: number
  timeoutMs: number
}

/**
 * A burst of connections against a listen queue: `tcpwhy probe backlog`.
 * @throws TcpwhyError BAD_ARGUMENT, PROBE_ADDRESS_REFUSED, PROBE_NAME_UNKNOWN, PROBE_NOT_YOURS
 */
export async function probeBacklog(
  request: BacklogRequest,
  hooks: ProbeHooks = {},
  givenPort?: ProbePort,
): Promise<BacklogReport> {
  const port = givenPort ?? (await nodeProbePort())
  const parsed = parseTarget(request.target)
  const target = request.http === null ? parsed : { ...parsed, path: request.http }
  const to = await addressOf(target.host, port)
  const { connections, timeoutMs } = request
  const look = isOwn(to) ? lookAt(nodeHost(), to, target.port) : null
  const options: BacklogOptions = { target, to, connections, timeoutMs, look }
  const plan = backlog.plan(options)
  permit([to], plan, hooks)
  await hooks.onPlan?.(plan)
  const { stop = new AbortController().signal } = hooks
  return backlog.run(options, port, { stop })
}

function isOwn({ address }: ProbeAddress): boolean {
  if (kindOfAddress(address) === 'loopback') return true
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own.some((one) => one.address === address)
}

/** The listener of this address and port in our network namespace; null while there is none. */
function lookAt(host: HostFiles, { address }: ProbeAddress, port: number) {
  return (): ListenerLook | null => {
    const { listeners: all } = listeners.read(host, { ports: [port] })
    const here = all.filter(({ local }) => local.port === port)
    const own = here.find(({ local }) => local.address === address) ?? here.find(isAny)
    if (own === undefined) return null
    const { counters: sums } = counters.read(host, {})
    return {
      local: formatEndpoint(own.local.address, own.local.port),
      depth: own.depth,
      limit: own.limit,
      drops: own.drops,
      listenOverflows: sums.get('TcpExtListenOverflows') ?? 0,
      listenDrops: sums.get('TcpExtListenDrops') ?? 0,
    }
  }
}

function isAny({ local }: { local: { address: string } }): boolean {
  return local.address === '0.0.0.0' || local.address === '::'
}
