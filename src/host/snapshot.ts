import { ephemeralUse } from './ephemeral.ts'
import type {
  Cgroup,
  ConntrackFacts,
  CounterFacts,
  Descriptors,
  EphemeralFacts,
  InterfaceFact,
  Listener,
  NamespaceFact,
  Owner,
  PressureFacts,
  SettingFacts,
  SocketFact,
  SocketSource,
} from './facts.ts'
import type { HostFiles } from './host-files.ts'
import { whyUnreadable } from './host-files.ts'
import { type Missing, missing } from './missing.ts'
import type { HostAsk, HostFault } from './reader.ts'
import { conntrack } from './readers/conntrack.ts'
import { counters } from './readers/counters.ts'
import { descriptors } from './readers/descriptors.ts'
import { interfaces } from './readers/interfaces.ts'
import { listenersOf } from './readers/listeners.ts'
import { namespaces } from './readers/namespaces.ts'
import { pressure } from './readers/pressure.ts'
import { cgroupOfPid, processes } from './readers/processes.ts'
import { settings } from './readers/settings.ts'
import { sockets } from './readers/sockets.ts'

/** What one look at a host gave. */
export interface HostSnapshot {
  /** As hostname(1) and uname -r say. */
  host: string
  release: string
  /** Monotonic milliseconds, and milliseconds since 1970, of its beginning. */
  atMs: number
  atEpochMs: number
  /** The reader's own first. */
  namespaces: readonly NetnsSnapshot[]
  /** Only those that were looked at: asked for, or holders of many suspicious sockets. */
  processes: readonly Descriptors[]
  /** By inode, only of the asked sockets; see SnapshotAsk.owners. */
  owners: ReadonlyMap<number, readonly Owner[]>
  /** Processes whose descriptors may not be seen: an owner that was not found may be one of them. */
  hidden: number
  pressure: PressureFacts
  /** Settings that all namespaces share (scope 'host'). */
  hostSettings: SettingFacts
  /** Each privilege or feature of the kernel that is missing, and what it would add. */
  missing: readonly Missing[]
  /** What was odd, with the file: tables that changed while they were read, lines that are none. */
  faults: readonly HostFault[]
}

/** One network namespace of a host. */
export interface NetnsSnapshot {
  /** Inode of the namespace, 4026531840. */
  id: number
  /** Of `ip netns` or Docker, else null. */
  name: string | null
  self: boolean
  /** Some processes in it. */
  pids: readonly number[]
  /** Of its first process, when it is a container's own namespace. */
  container: Cgroup['container']
  source: SocketSource
  sockets: readonly SocketFact[]
  listeners: readonly Listener[]
  counters: CounterFacts
  /** Those with a value for each namespace (scope 'namespace'). */
  settings: SettingFacts
  conntrack: ConntrackFacts
  interfaces: readonly InterfaceFact[]
  ephemeral: EphemeralFacts
}

/** What to look at; all namespaces and all sockets when nothing is said. */
export interface SnapshotAsk {
  /** Only namespaces that are wanted. */
  namespace?: (fact: NamespaceFact) => boolean
  states?: HostAsk['states']
  ports?: readonly number[]
  /** Processes whose descriptors are to be counted by kind. */
  pids?: readonly number[]
  /**
   * Which sockets' owners are looked for. Every process is searched, so nobody else's is: 'suspicious' (see
   * isSuspicious) unless it is said.
   */
  owners?: 'none' | 'suspicious' | ((socket: SocketFact) => boolean)
}

/** Reads a whole host through its port. Never throws on what it reads; processes and namespaces may vanish meanwhile. */
export function snapshot(host: HostFiles, ask: SnapshotAsk = {}): HostSnapshot {
  const atMs = host.nowMs()
  const atEpochMs = host.epochMs()
  const gaps: Missing[] = []
  const faults: HostFault[] = []
  const all = namespaces.read(host)
  if (all.hidden > 0) gaps.push(missing('namespace-list', whyOf(all.faults)))
  const wanted = ask.namespace === undefined ? all.namespaces : all.namespaces.filter(ask.namespace)
  const looked: NetnsSnapshot[] = []
  for (const namespace of wanted) {
    const look = lookInto(host, namespace, ask)
    gaps.push(...look.missing)
    faults.push(...look.faults)
    if (look.snapshot !== null) looked.push(look.snapshot)
  }
  const inodes = ownersWanted(looked, ask)
  const owned = processes.read(host, { inodes })
  if (owned.hidden > 0) gaps.push(missing('all-processes', whyOf(owned.faults)))
  const machine = pressure.read(host)
  if (machine.psi.cpu.some === null) gaps.push(missing('pressure', whyOf(machine.faults)))
  return {
    host: host.hostName(),
    release: host.release(),
    atMs,
    atEpochMs,
    namespaces: looked,
    processes: descriptors.read(host, { pids: ask.pids ?? [] }).processes,
    owners: owned.owners,
    hidden: owned.hidden,
    pressure: machine,
    hostSettings: ofScope(settings.read(host), 'host'),
    missing: unique(gaps),
    faults,
  }
}

interface Look {
  snapshot: NetnsSnapshot | null
  missing: Missing[]
  faults: HostFault[]
}

/** From within where it can be entered, else what /proc/PID/net tells of it from outside. */
function lookInto(host: HostFiles, namespace: NamespaceFact, ask: SnapshotAsk): Look {
  if (namespace.self) return lookFrom(host, namespace, ask)
  const within = host.inNamespace(namespace.path, (inside) => lookFrom(inside, namespace, ask))
  if (within.is === 'read') return within.value
  // It ended meanwhile: nothing is missing.
  if (within.why === 'missing' && within.detail === undefined)
    return { snapshot: null, missing: [], faults: [] }
  const gap = missing('namespace-entry', whyUnreadable(within))
  const [pid] = namespace.pids
  if (pid === undefined) return { snapshot: null, missing: [gap], faults: [] }
  const look = lookFrom(host, namespace, ask, pid)
  return { ...look, missing: [gap, ...look.missing] }
}

/** @param netOf  a process through whose /proc/PID/net an unentered namespace is seen */
function lookFrom(
  host: HostFiles,
  namespace: NamespaceFact,
  ask: SnapshotAsk,
  netOf?: number,
): Look {
  const of: HostAsk = {
    ...(ask.states === undefined ? {} : { states: ask.states }),
    ...(ask.ports === undefined ? {} : { ports: ask.ports }),
    ...(netOf === undefined ? {} : { netOf }),
  }
  const table = sockets.read(host, of)
  const values = netOf === undefined ? ofScope(settings.read(host), 'namespace') : NO_SETTINGS
  const gaps: Missing[] = []
  if (table.source !== 'netlink' && netOf === undefined) {
    gaps.push(missing('netlink', table.faults[0]?.what ?? 'sock_diag was not asked'))
  }
  const { id, name, self, pids } = namespace
  const netns: NetnsSnapshot = {
    id,
    name,
    self,
    pids,
    container:
      self || pids[0] === undefined ? null : (cgroupOfPid(host, pids[0])?.container ?? null),
    source: table.source,
    sockets: table.sockets,
    listeners: listenersOf(table.sockets),
    counters: counters.read(host, of),
    settings: values,
    conntrack: conntrack.read(host, of),
    interfaces: interfaces.read(host, of).interfaces,
    ephemeral: ephemeralUse(table.sockets, values),
  }
  return { snapshot: netns, missing: gaps, faults: [...table.faults] }
}

const NO_SETTINGS: SettingFacts = { settings: new Map(), absent: [] }

/** Sockets about which somebody will ask whose they are: listeners, and those that somebody should have read, sent or closed. */
export function isSuspicious({ state, inode, idiag_rqueue, retransmits }: SocketFact): boolean {
  if (inode === 0) return false
  return state === 'LISTEN' || state === 'CLOSE-WAIT' || idiag_rqueue > 0 || retransmits > 0
}

function ownersWanted(looked: readonly NetnsSnapshot[], { owners }: SnapshotAsk): Set<number> {
  const inodes = new Set<number>()
  if (owners === 'none') return inodes
  const wanted = typeof owners === 'function' ? owners : isSuspicious
  for (const { sockets: all } of looked) {
    for (const socket of all) if (socket.inode !== 0 && wanted(socket)) inodes.add(socket.inode)
  }
  return inodes
}

function ofScope(
  { settings: all, absent }: SettingFacts,
  scope: 'host' | 'namespace',
): SettingFacts {
  return {
    settings: new Map([...all].filter(([, setting]) => setting.scope === scope)),
    absent: absent.filter((one) => one.scope === scope),
  }
}

function whyOf(faults: readonly HostFault[]): string {
  return faults[0]?.what ?? ''
}

function unique(gaps: readonly Missing[]): Missing[] {
  return [...new Map(gaps.map((gap) => [`${gap.what} ${gap.why}`, gap])).values()]
}
