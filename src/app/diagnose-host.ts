import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { causes } from '../causes/index.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { Report } from '../diagnose/report.ts'
import { endings } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import type { NamespaceFact } from '../host/facts.ts'
import type { HostFiles } from '../host/host-files.ts'
import { cgroupOfPid } from '../host/process.ts'
import { en } from '../messages/en/index.ts'
import { analyzeCaptures } from './analyze.ts'
import type { SortedInputs } from './bundle/inputs.ts'
import { machineOfBundle } from './bundle/open.ts'
import { resolveTarget, type Target } from './capture/target.ts'
import { machineSource, machineSourceFacts } from './machine-sources.ts'
import { nodeHost } from './node-host.ts'
import { observe, thisHost } from './observe.ts'
import { PacketsBeside } from './packets-beside.ts'
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
  /** Only this container, by name, beginning of its id, or host name. */
  container?: string
  /** Whether headers are captured meanwhile, to be judged with the rest. */
  packets?: boolean
  /** Where these are kept; else they are gone afterwards. */
  keep?: string
  finish?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/**
 * What is wrong on this host, now; given bundles, what was wrong on the hosts that they are of. Read-only.
 * @throws TcpwhyError HOST_NOT_LINUX, TARGET_NOT_FOUND, TARGET_AMBIGUOUS, CAPTURE_*, BUNDLE_*
 */
export async function diagnoseHost(options: DiagnoseHostOptions): Promise<Report> {
  const inputs = await sortInputs(options.captures)
  if (inputs.bundles.length > 0) {
    return judged(machinesOfBundles(inputs.bundles, partOf(options)), inputs, options)
  }
  if (options.packets !== true) return judged([await observeHere(options)], inputs, options)
  const beside = new PacketsBeside(options)
  try {
    const machine = await observeHere(options, (target) => beside.run(target))
    const path = beside.file()
    const facts = { ...machine, missing: [...machine.missing, ...beside.missing] }
    const captures = path === null ? inputs.captures : [...inputs.captures, path]
    const report = await judged([facts], { ...inputs, captures }, options)
    beside.name(report)
    return report
  } finally {
    beside.remove()
  }
}

async function judged(
  machines: readonly MachineFacts[],
  { captures: inputs, given }: SortedInputs,
  { port }: DiagnoseHostOptions,
): Promise<Report> {
  if (inputs.length === 0) return reportOf(machines)
  const filter = port === undefined ? {} : { port }
  const { report } = await analyzeCaptures({ inputs, given, at: [], filter, all: false, machines })
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

async function observeHere(
  options: DiagnoseHostOptions,
  beside?: (target: Target) => Promise<void>,
): Promise<MachineFacts> {
  const host = nodeHost()
  if (host.platform() !== 'linux') {
    throw new TcpwhyError(
      'HOST_NOT_LINUX',
      `This host runs ${host.platform()}; only Linux can be looked at live`,
      'Give it a capture (tcpwhy FILE), or a bundle that tcpwhy snapshot made on the Linux host.',
    )
  }
  const { forMs, finish, onProgress } = options
  const target = resolveTarget(host, options)
  const only = onlyOf(host, options, target)
  const { netns: _, ...part } = partOf(options)
  return observe(
    {
      forMs,
      ask: {
        ...snapshotAsk(part),
        ...(target.netns === null ? {} : { namespace: isNamespace(host, target.netns) }),
      },
      ...(only === null ? {} : { only }),
      ...(finish === undefined ? {} : { finish }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(beside === undefined ? {} : { beside: () => beside(target) }),
    },
    thisHost(host),
  )
}

/** By inode: a namespace has as many paths as processes. Where its file may not be read, by the path itself. */
function isNamespace(host: HostFiles, path: string) {
  const inode = host.inode(path)
  return (fact: NamespaceFact) =>
    inode.is === 'read' ? fact.id === inode.value : fact.path === path
}

/** Of a process, itself; of a container that shares the network of others, whatever is in the container. */
function onlyOf(
  host: HostFiles,
  { pid, container }: DiagnoseHostOptions,
  target: Target,
): ((pid: number) => boolean) | null {
  if (pid !== undefined) return (other) => other === pid
  if (container === undefined || target.pid === null) return null
  const own = cgroupOfPid(host, target.pid)?.container?.id
  const shares = host.inode('/proc/self/ns/net')
  const its = host.inode(`/proc/${target.pid}/ns/net`)
  const apart = shares.is === 'read' && its.is === 'read' && shares.value !== its.value
  if (own === undefined || apart) return null
  return (other) => cgroupOfPid(host, other)?.container?.id === own
}
