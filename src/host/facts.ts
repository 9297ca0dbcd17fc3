import type { TcpState } from './kernel/tcp-states.ts'
import type { TcpTimer } from './kernel/timers.ts'
import type { HostFault } from './reader.ts'

/** Sums since the namespace was made (`counters`) and what is now (`gauges`), by the names that nstat uses. */
export interface CounterFacts {
  counters: ReadonlyMap<string, number>
  gauges: ReadonlyMap<string, number>
  faults: readonly HostFault[]
}

export interface Setting {
  /** As sysctl(8) spells it: net.core.somaxconn. */
  name: string
  value: string
  /** The value as numbers, where it is nothing else: three for tcp_mem. */
  numbers: readonly number[]
  /** 'namespace': each network namespace has its own; 'host': one for all (measured on 6.18, see settings.ts). */
  scope: 'namespace' | 'host'
}

export interface SettingFacts {
  settings: ReadonlyMap<string, Setting>
  /** Those that cannot be read: an older kernel, a module that is not loaded, or a namespace that hides them. */
  absent: readonly { name: string; scope: 'namespace' | 'host'; why: string }[]
}

export interface Endpoint {
  address: string
  port: number
}

/** One TCP socket. Names of the queues are the kernel's. */
export interface SocketFact {
  family: 4 | 6
  state: TcpState
  local: Endpoint
  remote: Endpoint
  /** Unread octets, the FIN being one more; of a listener: connections that wait to be accepted. */
  idiag_rqueue: number
  /** Octets not acknowledged; of a listener: the limit of its accept queue, which /proc does not tell (null there). */
  idiag_wqueue: number | null
  timer: { kind: TcpTimer; expiresMs: number } | null
  retransmits: number
  uid: number
  /** 0: no descriptor. Waiting in an accept queue, closed by its process, or TIME-WAIT. */
  inode: number
}

export interface SocketFacts {
  sockets: readonly SocketFact[]
  faults: readonly HostFault[]
}

export interface Listener {
  family: 4 | 6
  local: Endpoint
  uid: number
  inode: number
  /** Connections that wait to be accepted. Limit + 1 of them fit: the queue overflows when it is above its limit. */
  depth: number
  /** null: /proc does not tell. */
  limit: number | null
  /** Handshakes under way at this listener. */
  synReceived: number
}

export interface ListenerFacts {
  listeners: readonly Listener[]
  faults: readonly HostFault[]
}

export interface Cgroup {
  version: 1 | 2
  path: string
  /** Runtime and id as the path says them, "docker" and 64 hex digits. */
  container: { runtime: string; id: string } | null
  /** Kubernetes' uid of the pod. */
  pod: string | null
  /** systemd's unit, nginx.service. */
  unit: string | null
}

export interface Owner {
  pid: number
  fd: number
  /** /proc/PID/comm, 15 octets at most. Never the command line: it may hold secrets. */
  command: string
  cgroup: Cgroup | null
}

export interface ProcessFacts {
  /** By inode; forked processes share sockets, so there can be several. */
  owners: ReadonlyMap<number, readonly Owner[]>
  /** Processes whose descriptors may not be seen: an owner that was not found may be one of them. */
  hidden: number
  faults: readonly HostFault[]
}

export type DescriptorKind = 'socket' | 'pipe' | 'file' | 'device' | 'eventpoll' | 'other'

export interface Descriptors {
  pid: number
  command: string
  total: number
  byKind: Readonly<Record<DescriptorKind, number>>
  /** Inodes of its sockets, to be joined to the table of sockets. */
  sockets: readonly number[]
  /** RLIMIT_NOFILE; null is unlimited or unknown. */
  soft: number | null
  hard: number | null
}

export interface DescriptorFacts {
  processes: readonly Descriptors[]
  faults: readonly HostFault[]
}

/** Share of time in which some or all tasks waited, percent, and the sum. Kernel Documentation/accounting/psi.rst */
export interface Pressure {
  avg10: number
  avg60: number
  avg300: number
  totalUs: number
}

export interface PressureFacts {
  psi: Readonly<Record<'cpu' | 'memory' | 'io', { some: Pressure | null; full: Pressure | null }>>
  load: { one: number; five: number; fifteen: number; running: number; tasks: number } | null
  /** Bytes by the kernel's names: MemTotal, MemAvailable, SwapFree, ... */
  memory: ReadonlyMap<string, number>
  /** Open files of the whole machine and their limit (fs.file-max). */
  files: { open: number; limit: number } | null
  faults: readonly HostFault[]
}

export interface ConntrackFacts {
  /** Entries now and the limit; null where it cannot be read. */
  count: number | null
  max: number | null
  /** nf_conntrack's statistics, summed over the processors: insert_failed, drop, early_drop, ... */
  counters: ReadonlyMap<string, number>
  faults: readonly HostFault[]
}
