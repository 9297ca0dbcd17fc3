import type { TcpInfo } from './kernel/tcp-info.ts'
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
  // From here on: null where the source does not tell (`ss` tells most of it, /proc nothing).
  /** Joins to sock_cookie of trace events and to SO_COOKIE. */
  readonly cookie: bigint | null
  /** Index of the interface that it is bound to; 0: any. */
  readonly idiag_if: number | null
  readonly congestionControl: string | null
  /** Bits of the directions that were shut down: 1 receiving, 2 sending. */
  readonly shutdown: number | null
  readonly v6only: boolean | null
  /** Only with CAP_NET_ADMIN. */
  readonly mark: number | null
  /** Inode of its cgroup's folder (v2); newer than Linux 5.7. */
  readonly cgroupId: bigint | null
  /** May be decoded anew at each look: keep what you need. null of listeners too. */
  readonly tcpInfo: TcpInfo | null
  readonly skmem: Skmem | null
}

/** Octets of memory of a socket by the kernel's names, and its drops: of a listener the SYNs and ACKs that it refused. */
export type Skmem = Partial<
  Record<
    | 'rmem_alloc'
    | 'rcvbuf'
    | 'wmem_alloc'
    | 'sndbuf'
    | 'fwd_alloc'
    | 'wmem_queued'
    | 'optmem'
    | 'backlog'
    | 'drops',
    number
  >
>

/** Who told of the sockets: netlink sock_diag, `ss` or /proc/net/tcp. */
export type SocketSource = 'netlink' | 'ss' | 'proc'

export interface SocketFacts {
  source: SocketSource
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
  /** Handshakes under way at this address; SO_REUSEPORT's listeners of one address share the number. */
  synReceived: number
  /** SYNs and final ACKs that it refused since it listens (skmem d); null: not told (3.10). */
  drops: number | null
  cookie: bigint | null
  /** IPv6 only, without IPv4-mapped connections; null: IPv4, or not told. */
  v6only: boolean | null
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

/** Owners that were found before; made by whoever looks several times, and handed in again. */
export interface OwnerMemory {
  owners: Map<number, readonly Owner[]>
  /** Processes that held many sockets: they are described again, so that two looks can be compared. */
  holders: Set<number>
}

/**
 * How a process waits at a listener: a thread is in accept(), or an epoll watches it for connections; 'none': neither,
 * so nobody takes them now; 'unknown': it uses poll(), select() or an io_uring, which do not tell, or may not be looked at.
 */
export type ListenerWait = 'accept' | 'epoll' | 'none' | 'unknown'

export interface ListenerHolder extends Owner {
  waits: ListenerWait
  /** State T or t: by SIGSTOP, a terminal (Ctrl-Z) or a debugger. It runs nothing, whatever it waits at. */
  stopped?: true
}

/** What a program's configuration says of the backlog of a listener. */
export interface ConfiguredListen {
  /** As it is written, "0.0.0.0" for any of IPv4; null: every address. */
  address: string | null
  /** 0: every port of the process. */
  port: number
  /** As it is written there: "listen ... backlog=", "frontend web: maxconn". */
  setting: string
  /** Before the kernel cuts it to somaxconn; null: not known. */
  value: number | null
  /** 'default': nobody says it, and the program's known default is a hint. */
  from: 'configuration' | 'default'
  /** As the process sees it; 1-based. */
  file: string | null
  line: number | null
}

export interface ListenerSetting extends ConfiguredListen {
  pid: number
  /**
   * Whether the listener's limit is what this value gives with the somaxconn of now. false: the file was changed since the
   * program read it, or somaxconn since it listens; null: cannot be told.
   */
  fits: boolean | null
}

/** How many connections a program takes, as its configuration says. */
export interface ConfiguredLimit {
  /** As it is written there: "worker_connections", "global: maxconn", "max_connections". */
  setting: string
  value: number
  /** Of its listeners only those with these ports; null: of the whole process. */
  ports: readonly number[] | null
  /** As the process sees it; 1-based. line null: nobody says it, and it is the program's default. */
  file: string
  line: number | null
}

/** A server that a balancer of this host checks. */
export interface ConfiguredCheck {
  /** null: by name. */
  address: string | null
  port: number
  intervalMs: number
  file: string
  line: number
}

/** What a session of a PostgreSQL server does, as its process says (update_process_title). */
export interface DatabaseSession {
  pid: number
  /** null: by a Unix socket. */
  client: Endpoint | null
  activity: 'active' | 'idle' | 'idle in transaction' | 'other'
}

/** A program whose limits are known. */
export interface ProgramFacts {
  pid: number
  command: string
  cgroup: Cgroup | null
  limits: readonly ConfiguredLimit[]
  checks: readonly ConfiguredCheck[]
  /** Of nginx: its processes that take connections, and how many descriptors each has open. */
  workers: readonly { pid: number; open: number }[]
  /** Of PostgreSQL, in order of pid; null: it cannot be told. */
  sessions: readonly DatabaseSession[] | null
  /** Of PostgreSQL: places that only superusers get. */
  reserved: number
}

export interface ListenerSettingFacts {
  /** By process. */
  settings: ReadonlyMap<number, readonly ConfiguredListen[]>
  faults: readonly HostFault[]
}

export interface ProcessFacts {
  /** By inode; forked processes share sockets, so there can be several. */
  owners: ReadonlyMap<number, readonly Owner[]>
  /** Processes that hold many of the asked sockets, with all their descriptors; none that were remembered. */
  holders: readonly Descriptors[]
  /** Processes whose descriptors may not be seen: an owner that was not found may be one of them. */
  hidden: number
  faults: readonly HostFault[]
}

/** A network namespace: the inode of its file names it. */
export interface NamespaceFact {
  id: number
  /** Its file in /run/netns (`ip netns`) or in Docker's folder. */
  name: string | null
  /** The one that the reader itself is in. */
  self: boolean
  /** Some of the processes in it. */
  pids: readonly number[]
  /** By which it can be entered. */
  path: string
}

export interface NamespaceFacts {
  namespaces: readonly NamespaceFact[]
  /** Processes whose namespace may not be seen. */
  hidden: number
  faults: readonly HostFault[]
}

/** What an interface received, sent and dropped since it is there, by the kernel's names: rx_dropped, tx_carrier, ... */
export interface InterfaceFact {
  name: string
  counters: ReadonlyMap<string, number>
}

export interface InterfaceFacts {
  interfaces: readonly InterfaceFact[]
  faults: readonly HostFault[]
}

/** How many local ports of the ephemeral range are in use towards one destination. */
export interface EphemeralUse {
  /** From which address; each has the whole range. */
  localAddress: string
  destination: Endpoint
  used: number
  /** Of those: in TIME-WAIT. */
  timeWait: number
}

export interface EphemeralFacts {
  /** net.ipv4.ip_local_port_range, null where it cannot be read; the ports that it leaves, without the reserved ones. */
  range: { first: number; last: number; ports: number } | null
  /** Most used first, at most 20. */
  destinations: readonly EphemeralUse[]
}

export type DescriptorKind = 'socket' | 'pipe' | 'file' | 'device' | 'eventpoll' | 'other'

export interface Descriptors {
  pid: number
  command: string
  cgroup: Cgroup | null
  total: number
  byKind: Readonly<Record<DescriptorKind, number>>
  /** Inodes of its sockets, to be joined to the table of sockets. */
  sockets: readonly number[]
  /** RLIMIT_NOFILE; null is unlimited or unknown. */
  soft: number | null
  hard: number | null
}

/** Open descriptors of a process without a look at any of them. */
export interface OpenFiles {
  pid: number
  command: string
  open: number
  /** RLIMIT_NOFILE; null is unlimited or unknown. */
  soft: number | null
  hard: number | null
}

export interface OpenFilesFacts {
  processes: readonly OpenFiles[]
  faults: readonly HostFault[]
}

/** A process's connections with one peer. */
export interface PeerUse {
  /** Port 0: of those that the process accepted, where the peer's ports say nothing. */
  peer: Endpoint
  /** The local port at which they were accepted; null: the process opened them. */
  served: number | null
  sockets: number
  byState: Readonly<Partial<Record<TcpState, number>>>
  /** Sum of idiag_rqueue. */
  unread: number
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

/** Octets and inodes of a file system; `available`: what is left for programs of ordinary users. */
export interface Space {
  size: number
  available: number
  /** 0: it has no fixed number of them. */
  inodes: number
  inodesFree: number
}

export interface Filesystem extends Space {
  /** Where it is mounted. */
  at: string
  type: string
}

/** What a disk did since the machine started; partitions are not told apart. */
export interface DiskDevice {
  name: string
  reads: number
  octetsRead: number
  writes: number
  octetsWritten: number
  /** Milliseconds in which it had something to do. */
  busyMs: number
}

export interface DiskFacts {
  /** Those that hold /, /var, /var/log, /tmp and the like; none of other machines, and none that are read-only. */
  filesystems: readonly Filesystem[]
  devices: readonly DiskDevice[]
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
