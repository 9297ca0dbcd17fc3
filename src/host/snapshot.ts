import { containerNames } from './containers.ts'
import { ephemeralUse } from './ephemeral.ts'
import type {
  Cgroup,
  ConntrackFacts,
  CounterFacts,
  Descriptors,
  DiskFacts,
  EphemeralFacts,
  InterfaceFact,
  Listener,
  ListenerHolder,
  ListenerSetting,
  ListenerWait,
  NamespaceFact,
  OpenFiles,
  Owner,
  OwnerMemory,
  PeerUse,
  PressureFacts,
  ProcessFacts,
  ProgramFacts,
  SettingFacts,
  SocketFact,
  SocketSource,
} from './facts.ts'
import type { HostFiles } from './host-files.ts'
import { whyUnreadable } from './host-files.ts'
import { listenerHolders, type ProcessWaits } from './listener-holders.ts'
import { type Missing, missing } from './missing.ts'
import { peersOf } from './peers.ts'
import { cgroupOfPid, whyProcessesMissing } from './process.ts'
import type { HostAsk, HostFault } from './reader.ts'
import { localAddresses } from './readers/addresses.ts'
import { conntrack } from './readers/conntrack.ts'
import { counters } from './readers/counters.ts'
import { descriptors } from './readers/descriptors.ts'
import { disks } from './readers/disks.ts'
import { interfaces } from './readers/interfaces.ts'
import { listenerSettings, settingOf } from './readers/listener-settings.ts'
import { listenersOf } from './readers/listeners.ts'
import { namespaces } from './readers/namespaces.ts'
import { openFiles, shareOf } from './readers/open-files.ts'
import { pressure } from './readers/pressure.ts'
import { processes } from './readers/processes.ts'
import { programs } from './readers/programs.ts'
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
  /** How long it took; 0: no clock told, as of a recording. */
  tookMs: number
  /** The reader's own first. */
  namespaces: readonly NetnsSnapshot[]
  /** Namespaces of the host that were not looked at, and their addresses. `unread`: there may be more of these. */
  elsewhere: { namespaces: number; addresses: ReadonlySet<string>; unread: boolean }
  /** Only those that were looked at: asked for, near their limit, or holders of many suspicious sockets. */
  processes: readonly ProcessSnapshot[]
  /** Programs that listen and whose own limits are known. */
  programs: readonly ProgramFacts[]
  /** Descriptors of all larger processes, fullest first; growth is the difference of two. */
  openFiles: readonly OpenFiles[]
  /** By inode, only of the asked sockets; see SnapshotAsk.owners. */
  owners: ReadonlyMap<number, readonly Owner[]>
  /** Names of the containers of namespaces and owners, by id. */
  containers: ReadonlyMap<string, readonly string[]>
  /** Processes whose descriptors may not be seen: an owner that was not found may be one of them. */
  hidden: number
  pressure: PressureFacts
  disks: DiskFacts
  /** Settings that all namespaces share (scope 'host'). */
  hostSettings: SettingFacts
  /** Each privilege or feature of the kernel that is missing, and what it would add. */
  missing: readonly Missing[]
  /** What was odd, with the file: tables that changed while they were read, lines that are none. */
  faults: readonly HostFault[]
}

/** A process with what its descriptors are. */
export interface ProcessSnapshot extends Descriptors {
  /** Its TCP connections by peer, most first. */
  peers: readonly PeerUse[]
  /** Sockets that are in no table of TCP: of other kinds (Unix, UDP), or TCP ones whose connection is long gone. */
  elsewhere: number
}

export interface ListenerSnapshot extends Listener {
  /** Who holds it, and how each waits at it for connections. */
  holders: readonly ListenerHolder[]
  /** Of all holders together: one that takes connections is enough. null: no holder is known. */
  waits: ListenerWait | null
  /** Which setting of the first holder's program decides its backlog. */
  setting: ListenerSetting | null
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
  listeners: readonly ListenerSnapshot[]
  counters: CounterFacts
  /** Those with a value for each namespace (scope 'namespace'). */
  settings: SettingFacts
  conntrack: ConntrackFacts
  interfaces: readonly InterfaceFact[]
  /** Its own, of all interfaces but loopback; empty where they were not asked for, or there are none. */
  addresses: readonly string[]
  ephemeral: EphemeralFacts
}

/** For SnapshotAsk.remembered. */
export function newMemory(): OwnerMemory {
  return { owners: new Map(), holders: new Set() }
}

/** What to look at; all namespaces and all sockets when nothing is said. */
export interface SnapshotAsk {
  /** Only namespaces that are wanted. */
  namespace?: (fact: NamespaceFact) => boolean
  states?: HostAsk['states']
  ports?: readonly number[]
  /** Sockets without tcp_info: a third of the memory, for the first of two looks. */
  brief?: boolean
  /** The addresses of each namespace: what tells whose the kernel's events are where only a part is asked for. */
  addresses?: boolean
  /** Processes whose descriptors are to be counted by kind. */
  pids?: readonly number[]
  /**
   * Which sockets' owners are looked for. Every process is searched, so nobody else's is: 'suspicious' (see
   * isSuspicious) unless it is said.
   */
  owners?: 'none' | 'suspicious' | ((socket: SocketFact) => boolean)
  /** Handed to look after look, it spares the search for owners that are the same as before. */
  remembered?: OwnerMemory
}

/** Reads a whole host through its port. Never throws on what it reads; processes and namespaces may vanish meanwhile. */
export function snapshot(host: HostFiles, ask: SnapshotAsk = {}): HostSnapshot {
  const atMs = host.nowMs()
  const atEpochMs = host.epochMs()
  const gaps: Missing[] = []
  const faults: HostFault[] = []
  const all = namespaces.read(host)
  const unseen = whyProcessesMissing(host)
  if (unseen !== null) gaps.push(missing('host-processes', unseen))
  if (all.hidden > 0) gaps.push(missing('namespace-list', whyOf(all.faults)))
  const wanted = ask.namespace === undefined ? all.namespaces : all.namespaces.filter(ask.namespace)
  const looked: LookedAt[] = []
  const several = all.namespaces.length > 1 && ask.brief !== true
  for (const namespace of wanted) {
    const look = lookInto(host, namespace, { ...ask, addresses: several || ask.addresses === true })
    gaps.push(...look.missing)
    faults.push(...look.faults)
    if (look.snapshot !== null) looked.push(look.snapshot)
  }
  const owned = ask.owners === 'none' ? NOBODY : ownersOf(host, looked, ask)
  if (owned.hidden > 0) gaps.push(missing('all-processes', whyOf(owned.faults)))
  const machine = pressure.read(host)
  if (machine.psi.cpu.some === null) gaps.push(missing('pressure', whyOf(machine.faults)))
  const files = openFiles.read(host, {}).processes
  const known = programsOf(host, looked, owned)
  const asked = [...(ask.pids ?? []), ...crowdedWorkers(known)]
  const described = describe(
    host,
    { ...ask, pids: asked },
    { files, looked, holders: owned.holders },
  )
  return {
    host: host.hostName(),
    release: host.release(),
    atMs,
    atEpochMs,
    tookMs: host.nowMs() - atMs,
    elsewhere: elsewhere(host, several ? all.namespaces.filter((n) => !wanted.includes(n)) : []),
    namespaces: looked.map((one) => ({ ...one, listeners: held(host, one, owned) })),
    processes: described,
    programs: known,
    openFiles: files,
    owners: owned.owners,
    containers: containerNames(
      host,
      containersOf(looked, [...owned.owners.values()].flat(), described),
    ),
    hidden: owned.hidden,
    pressure: machine,
    disks: disks.read(host),
    hostSettings: ofScope(settings.read(host), 'host'),
    missing: unique(gaps),
    faults,
  }
}

function elsewhere(host: HostFiles, others: readonly NamespaceFact[]): HostSnapshot['elsewhere'] {
  const addresses = new Set<string>()
  let unread = false
  for (const other of others) {
    const read = addressesIn(host, other)
    if (read === null) unread = true
    else for (const address of read) addresses.add(address)
  }
  return { namespaces: others.length, addresses, unread }
}

const TRIED_PATHS = 5

/** Of a namespace that ended meanwhile: none. null: they cannot be read. */
function addressesIn(
  host: HostFiles,
  { self, path, pids }: NamespaceFact,
): readonly string[] | null {
  if (self) return localAddresses(host, {})
  const paths = [path, ...pids.slice(0, TRIED_PATHS).map((pid) => `/proc/${pid}/ns/net`)]
  for (const one of new Set(paths)) {
    const read = host.inNamespace(one, (inside) => localAddresses(inside, {}))
    if (read.is === 'read') return read.value
    if (read.why !== 'missing') return null
  }
  return []
}

/** A process of each container. */
function containersOf(
  looked: readonly LookedAt[],
  ...processes: readonly (readonly Pick<Owner, 'pid' | 'cgroup'>[])[]
): Map<string, number> {
  const found = new Map<string, number>()
  for (const { container, pids } of looked) {
    if (container !== null && pids[0] !== undefined) found.set(container.id, pids[0])
  }
  for (const { pid, cgroup } of processes.flat()) {
    if (cgroup?.container != null) found.set(cgroup.container.id, pid)
  }
  return found
}

const NOBODY: ProcessFacts = { owners: new Map(), holders: [], hidden: 0, faults: [] }

type LookedAt = Omit<NetnsSnapshot, 'listeners'> & { listeners: readonly Listener[] }

function ownersOf(host: HostFiles, looked: readonly LookedAt[], ask: SnapshotAsk): ProcessFacts {
  const wanted = typeof ask.owners === 'function' ? ask.owners : isSuspicious
  const inodes = new Set<number>()
  for (const { sockets: all } of looked) {
    for (const socket of all) if (socket.inode !== 0 && wanted(socket)) inodes.add(socket.inode)
  }
  const { remembered } = ask
  return processes.read(host, { inodes, ...(remembered === undefined ? {} : { remembered }) })
}

/** Of so many listeners, those with the longest queues, holders and settings are looked at. */
const MAX_LISTENERS = 100

function held(
  host: HostFiles,
  { listeners: all, settings: { settings: values } }: LookedAt,
  { owners }: ProcessFacts,
): ListenerSnapshot[] {
  const somaxconn = values.get('net.core.somaxconn')?.numbers[0] ?? null
  const seen = new Map<number, ProcessWaits>()
  const worst = [...all].sort((a, b) => b.depth - a.depth || (b.drops ?? 0) - (a.drops ?? 0))
  const looked = new Set(worst.slice(0, MAX_LISTENERS))
  const firsts = new Set<number>()
  for (const { inode } of looked) {
    const pid = owners.get(inode)?.[0]?.pid
    if (pid !== undefined) firsts.add(pid)
  }
  const configured = listenerSettings.read(host, { pids: [...firsts] })
  return all.map((listener) => {
    const whose = looked.has(listener) ? (owners.get(listener.inode) ?? []) : []
    const first = whose[0]
    return {
      ...listener,
      ...waiting(listenerHolders(host, listener.inode, whose, seen)),
      setting: first === undefined ? null : settingOf(listener, first.pid, configured, somaxconn),
    }
  })
}

/** Of those that hold the busiest listeners. */
function programsOf(
  host: HostFiles,
  looked: readonly LookedAt[],
  { owners }: ProcessFacts,
): readonly ProgramFacts[] {
  const pids = new Set<number>()
  for (const { listeners } of looked) {
    for (const { inode } of listeners.slice(0, MAX_LISTENERS)) {
      const pid = owners.get(inode)?.[0]?.pid
      if (pid !== undefined) pids.add(pid)
    }
  }
  return programs.read(host, { pids: [...pids] })
}

/** Workers of nginx that may have as many connections as they are let have: what they are is to be seen. */
function crowdedWorkers(known: readonly ProgramFacts[]): number[] {
  return known.flatMap(({ limits: [limit], workers }) =>
    workers.filter(({ open }) => open >= NEAR * (limit?.value ?? 0)).map(({ pid }) => pid),
  )
}

const WAITS = ['accept', 'epoll', 'unknown', 'none'] as const

function waiting(holders: ListenerHolder[]): Pick<ListenerSnapshot, 'holders' | 'waits'> {
  const waits = WAITS.find((one) => holders.some((holder) => holder.waits === one)) ?? null
  return { holders, waits }
}

/** Fuller than this is near. */
const NEAR = 0.8
const MAX_DESCRIBED = 20

/** Those that were asked for, those near their limit, and those that hold many suspicious sockets. */
function describe(
  host: HostFiles,
  ask: SnapshotAsk,
  {
    files,
    looked,
    holders,
  }: { files: readonly OpenFiles[]; looked: readonly LookedAt[]; holders: readonly Descriptors[] },
): ProcessSnapshot[] {
  const most = [...holders].sort((a, b) => b.sockets.length - a.sockets.length)
  const known = most.slice(0, MAX_DESCRIBED)
  const before = ask.remembered?.holders ?? new Set()
  const near = files.filter((process) => shareOf(process) >= NEAR).slice(0, MAX_DESCRIBED)
  const wanted = new Set([...(ask.pids ?? []), ...before, ...near.map(({ pid }) => pid)])
  for (const { pid } of known) before.add(pid)
  for (const { pid } of known) wanted.delete(pid)
  const all = [...known, ...descriptors.read(host, { pids: [...wanted] }).processes]
  if (all.length === 0) return []
  const byInode = new Map<number, SocketFact>()
  const served = new Set<number>()
  for (const { sockets: table, listeners } of looked) {
    for (const socket of table) if (socket.inode !== 0) byInode.set(socket.inode, socket)
    for (const { local } of listeners) served.add(local.port)
  }
  return all.map((one) => ({ ...one, ...peersOf(one.sockets, byInode, served) }))
}

interface Look {
  snapshot: LookedAt | null
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
  // Where it was refused, nsenter would be too.
  const netPath = within.why === 'denied' ? undefined : namespace.path
  const look = lookFrom(host, namespace, ask, { netOf: pid, netPath })
  return { ...look, missing: [gap, ...look.missing] }
}

/** @param outside  a process through whose /proc/PID/net an unentered namespace is seen, and the file of that namespace */
function lookFrom(
  host: HostFiles,
  namespace: NamespaceFact,
  ask: SnapshotAsk,
  outside: { netOf?: number; netPath?: string | undefined } = {},
): Look {
  const { netOf, netPath } = outside
  const of: HostAsk = {
    ...(ask.states === undefined ? {} : { states: ask.states }),
    ...(ask.ports === undefined ? {} : { ports: ask.ports }),
    brief: ask.brief === true,
    ...(netOf === undefined ? {} : { netOf }),
    ...(netPath === undefined ? {} : { netPath }),
  }
  const table = sockets.read(host, of)
  const values = netOf === undefined ? ofScope(settings.read(host), 'namespace') : NO_SETTINGS
  const gaps: Missing[] = []
  if (table.source !== 'netlink' && netOf === undefined) {
    gaps.push(missing('netlink', table.faults[0]?.what ?? 'sock_diag was not asked'))
  }
  const { id, name, self, pids } = namespace
  const netns: LookedAt = {
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
    addresses: ask.addresses === true ? localAddresses(host, of) : [],
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
