import type {
  EventsFacts,
  KernelEvent,
  ListenerSnapshot,
  MachineFacts,
  NetnsSnapshot,
  ProcessSnapshot,
  ProgramFacts,
  SocketFact,
} from '../../src/evidence/machine.ts'
import { resetsOf } from '../../src/host/machine-resets.ts'
import type { HostSnapshot } from '../../src/host/snapshot.ts'
import { synDropsOf } from '../../src/host/syn-drops.ts'

/**
 * Builders for the tables of what causes conclude from a host: a quiet machine with one namespace, looked at twice, 3 s
 * apart. A row says only what differs. Sockets with `pid` are owned by it.
 */
export interface MachineParts {
  sockets?: readonly (Partial<SocketFact> & { pid?: number })[]
  /** At the first look; the same as `sockets` when left out. */
  socketsBefore?: readonly Partial<SocketFact>[]
  listeners?: readonly (Partial<ListenerSnapshot> & { pid?: number })[]
  listenersBefore?: readonly Partial<ListenerSnapshot>[]
  /** By nstat's names: [before, after]. */
  counters?: Readonly<Record<string, readonly [number, number]>>
  settings?: Readonly<Record<string, string>>
  processes?: readonly Partial<ProcessSnapshot>[]
  processesBefore?: readonly Partial<ProcessSnapshot>[]
  programs?: readonly Partial<ProgramFacts>[]
  events?: readonly Partial<KernelEvent>[]
  /** null: nothing could be watched. */
  watched?: false
  conntrack?: { count: number; max: number }
  netns?: Partial<NetnsSnapshot>
  /** What differed at the first look. */
  netnsBefore?: Partial<NetnsSnapshot>
  synRules?: MachineFacts['synRules']
  disks?: Partial<HostSnapshot['disks']>
  disksBefore?: Partial<HostSnapshot['disks']>
  hostSettings?: Readonly<Record<string, string>>
  once?: true
  release?: string
}

const HERE = { address: '10.77.2.2', port: 80 }
const PEER = { address: '10.77.1.2', port: 40_000 }

const PROGRAM: ProgramFacts = {
  pid: 77,
  command: 'haproxy',
  cgroup: null,
  limits: [],
  checks: [],
  workers: [],
  sessions: null,
  reserved: 0,
}

export function socket(partial: Partial<SocketFact> = {}): SocketFact {
  return {
    family: 4,
    state: 'ESTABLISHED',
    local: HERE,
    remote: PEER,
    idiag_rqueue: 0,
    idiag_wqueue: 0,
    timer: null,
    retransmits: 0,
    uid: 0,
    inode: 1000,
    cookie: null,
    idiag_if: null,
    congestionControl: null,
    shutdown: null,
    v6only: null,
    mark: null,
    cgroupId: null,
    tcpInfo: null,
    skmem: null,
    ...partial,
  }
}

function listener(partial: Partial<ListenerSnapshot>): ListenerSnapshot {
  return {
    family: 4,
    local: HERE,
    uid: 0,
    inode: 500,
    depth: 0,
    limit: 511,
    synReceived: 0,
    drops: 0,
    cookie: null,
    v6only: null,
    waits: partial.holders?.[0]?.waits ?? null,
    holders: [],
    setting: null,
    ...partial,
  }
}

export function kernelEvent(partial: Partial<KernelEvent> = {}): KernelEvent {
  return {
    kind: 'reset-sent',
    event: 'tcp/tcp_send_reset',
    timeNs: 1_000_000n,
    pid: null,
    command: null,
    local: null,
    remote: null,
    state: null,
    from: null,
    answers: null,
    reason: null,
    cookie: null,
    afterFin: null,
    socket: null,
    dying: false,
    ...partial,
  }
}

export function machine(parts: MachineParts = {}): MachineFacts {
  const events = parts.watched === false ? null : eventsOf(parts.events ?? [])
  const before = [namespaceOf(parts, true)]
  const after = [namespaceOf(parts, false)]
  return {
    source: 'host',
    name: 'web-1',
    release: parts.release ?? '6.18.0',
    before: parts.once === true ? null : look(parts, 'before'),
    after: look(parts, 'after'),
    forMs: parts.once === true ? 0 : 3000,
    events,
    resets: events === null ? [] : resetsOf(events, { before, after }),
    listenerRates: new Map(),
    synRules: parts.synRules ?? null,
    synDrops: events === null ? null : synDropsOf(events),
    missing: [],
  }
}

function eventsOf(partials: readonly Partial<KernelEvent>[]): EventsFacts {
  const events = partials.map(kernelEvent)
  const counts = new Map<string, number>()
  for (const { kind, reason } of events) {
    const key = reason === null ? kind : `${kind} ${reason}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return {
    events,
    groups: [],
    counts,
    established: null,
    lost: 0,
    odd: 0,
    fromNs: 0n,
    toNs: 3_000_000_000n,
    realtimeOffsetNs: 0n,
    resetReasons: 'full',
    dropReasons: true,
    missing: [],
  }
}

function look(parts: MachineParts, when: 'before' | 'after'): HostSnapshot {
  const first = when === 'before'
  const owned = [
    ...(parts.sockets ?? []).map((s) => ({ inode: 1000, ...s })),
    ...(parts.listeners ?? []).map((l) => ({ inode: 500, ...l })),
  ]
  const owners = owned.flatMap(({ pid, inode }, i) =>
    pid === undefined
      ? []
      : [[inode, [{ pid, fd: 3 + i, command: `app-${pid}`, cgroup: null }]] as const],
  )
  const processes = (first && parts.processesBefore) || parts.processes || []
  return {
    host: 'web-1',
    tookMs: 0,
    elsewhere: { namespaces: 0, addresses: new Set(), unread: false },
    containers: new Map(),
    release: parts.release ?? '6.18.0',
    atMs: first ? 0 : 3000,
    atEpochMs: first ? 1_700_000_000_000 : 1_700_000_003_000,
    namespaces: [namespaceOf(parts, first)],
    openFiles: processes.map(({ pid = 77, total = 10, soft = 1024, hard = 4096 }) => ({
      pid,
      command: `app-${pid}`,
      open: total,
      soft,
      hard,
    })),
    processes: processes.map((p) => ({
      pid: 77,
      command: 'app-77',
      total: 10,
      peers: [],
      elsewhere: 0,
      byKind: { socket: 8, pipe: 0, file: 1, device: 0, eventpoll: 1, other: 0 },
      sockets: [],
      soft: 1024,
      hard: 4096,
      cgroup: null,
      ...p,
    })),
    owners: new Map(owners),
    programs: (parts.programs ?? []).map((program) => ({ ...PROGRAM, ...program })),
    hidden: 0,
    disks: {
      filesystems: [],
      devices: [],
      faults: [],
      ...parts.disks,
      ...(first ? parts.disksBefore : {}),
    },
    pressure: {
      psi: {
        cpu: { some: null, full: null },
        memory: { some: null, full: null },
        io: { some: null, full: null },
      },
      load: null,
      memory: new Map(),
      files: null,
      faults: [],
    },
    hostSettings: { settings: settingsOf(parts.hostSettings ?? {}), absent: [] },
    missing: [],
    faults: [],
  }
}

function namespaceOf(parts: MachineParts, first: boolean): NetnsSnapshot {
  const sockets = (first && parts.socketsBefore) || parts.sockets || []
  const listeners = (first && parts.listenersBefore) || parts.listeners || []
  const counters = Object.entries(parts.counters ?? {})
  return {
    id: 4_026_531_840,
    name: null,
    self: true,
    pids: [1],
    container: null,
    source: 'netlink',
    sockets: sockets.map(({ ...s }) => socket(s)),
    listeners: listeners.map(({ ...l }) => listener(l)),
    counters: {
      counters: new Map(counters.map(([name, [a, b]]) => [name, first ? a : b])),
      gauges: new Map(),
      faults: [],
    },
    settings: {
      settings: settingsOf(parts.settings ?? {}),
      absent: [],
    },
    conntrack: {
      count: parts.conntrack?.count ?? null,
      max: parts.conntrack?.max ?? null,
      counters: new Map(),
      faults: [],
    },
    interfaces: [],
    addresses: [],
    ephemeral: { range: null, destinations: [] },
    ...parts.netns,
    ...(first ? parts.netnsBefore : {}),
  }
}

function settingsOf(values: Readonly<Record<string, string>>) {
  return new Map(
    Object.entries(values).map(([name, value]) => {
      const numbers = value.split(/\s+/).map(Number)
      return [name, { name, value, numbers, scope: 'namespace' as const }] as const
    }),
  )
}
