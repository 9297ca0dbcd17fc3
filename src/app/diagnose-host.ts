import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { causes } from '../causes/index.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { Report } from '../diagnose/report.ts'
import { endings } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import { en } from '../messages/en/index.ts'
import type { SortedInputs } from './bundle/inputs.ts'
import { machineOfBundle } from './bundle/open.ts'
import { machineSource, machineSourceFacts } from './machine-sources.ts'
import { nodeHost } from './node-host.ts'
import { observe, thisHost } from './observe.ts'
import { type HostPart, snapshotAsk } from './snapshot-ask.ts'
import { sourceIds } from './sources.ts'

export interface DiagnoseHostOptions {
  /** How long is watched, milliseconds. */
  forMs: number
  /** Captures whose connections join the evidence. */
  captures: readonly string[]
  /** Only sockets with this port at one end. */
  port?: number
  /** Only this process, in its network namespace. */
  pid?: number
  /** Only this network namespace, by the name that `ip netns` has for it. */
  netns?: string
  finish?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/**
 * What is wrong on this host, now; given bundles, what was wrong on the hosts that they are of. Read-only.
 * @throws TcpwhyError HOST_NOT_LINUX, HOST_NO_SUCH_NAMESPACE, HOST_NO_SUCH_PROCESS, CAPTURE_*, BUNDLE_*
 */
export async function diagnoseHost(options: DiagnoseHostOptions): Promise<Report> {
  const { bundles, captures, given } = await sortInputs(options.captures)
  const machines =
    bundles.length > 0 ? machinesOfBundles(bundles, partOf(options)) : [await observeHere(options)]
  if (captures.length === 0) return reportOf(machines)
  const { analyzeCaptures } = await import('./analyze.ts')
  const filter = options.port === undefined ? {} : { port: options.port }
  const { report } = await analyzeCaptures({
    inputs: captures,
    given,
    at: [],
    filter,
    all: false,
    machines,
  })
  return report
}

/** A capture joins whatever else there is, so it is only bundles that decide. */
async function sortInputs(paths: readonly string[]): Promise<SortedInputs> {
  if (paths.length === 0) return { bundles: [], captures: [], given: new Map() }
  return (await import('./bundle/inputs.ts')).sortInputs(paths)
}

function machinesOfBundles(
  bundles: SortedInputs['bundles'],
  part: HostPart,
): readonly MachineFacts[] {
  const ids = sourceIds(bundles.length, 'bundle')
  return bundles.map(({ bundle }, i) => machineOfBundle(bundle, ids[i]!, part))
}

function partOf({ port, pid, netns }: DiagnoseHostOptions): HostPart {
  return {
    ...(port === undefined ? {} : { ports: [port] }),
    ...(pid === undefined ? {} : { pids: [pid] }),
    ...(netns === undefined ? {} : { netns }),
  }
}

/** A report on hosts alone, without any capture. */
export function reportOf(machines: readonly MachineFacts[]): Report {
  return diagnose({
    evidence: evidenceOfMachines(machines),
    causes,
    catalogue: en,
    toolVersion: version,
    sources: machines.map(machineSource),
    locate: (frame) => ({ source: machines[0]?.source ?? '', frame }),
    originNs: 0n,
    options: { listedLimit: 0 },
  })
}

function evidenceOfMachines(machines: readonly MachineFacts[]): Evidence {
  const sources = machines.map(machineSourceFacts)
  const byEnding = Object.fromEntries(endings.map((ending) => [ending, 0]))
  return {
    sources,
    connections: [],
    endpoints: new Map(),
    hosts: new Map(),
    paths: new Map(),
    totals: {
      connections: 0,
      byEnding: byEnding as Evidence['totals']['byEnding'],
      packets: 0,
    },
    application: new Map(),
    vantage: null,
    machines,
    startMs: Math.min(...sources.map((s) => s.fromMs)),
    endMs: Math.max(...sources.map((s) => s.toMs)),
  }
}

async function observeHere(options: DiagnoseHostOptions): Promise<MachineFacts> {
  const host = nodeHost()
  if (host.platform() !== 'linux') {
    throw new TcpwhyError(
      'HOST_NOT_LINUX',
      `This host runs ${host.platform()}; only Linux can be looked at live`,
      'Give it a capture (tcpwhy FILE), or a bundle that tcpwhy snapshot made on the Linux host.',
    )
  }
  const { forMs, finish, onProgress, netns } = options
  const machine = await observe(
    {
      forMs,
      ask: snapshotAsk(partOf(options)),
      ...(finish === undefined ? {} : { finish }),
      ...(onProgress === undefined ? {} : { onProgress }),
    },
    thisHost(host),
  )
  if (netns !== undefined && machine.after.namespaces.length === 0) {
    throw new TcpwhyError(
      'HOST_NO_SUCH_NAMESPACE',
      `There is no network namespace called ${netns}, or it may not be entered`,
      'ip netns list shows their names; entering one needs root.',
    )
  }
  return machine
}
