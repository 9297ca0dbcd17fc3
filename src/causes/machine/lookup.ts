import { formatEndpoint } from '../../base/addresses.ts'
import type {
  Endpoint,
  KernelEvent,
  Listener,
  ListenerSnapshot,
  MachineFacts,
  NetnsSnapshot,
  Owner,
  SocketFact,
} from '../../evidence/machine.ts'
import type { MachineReference, Verdict } from '../cause.ts'

// What several causes ask of a host: names, owners, what rose between the two looks, and where the reader can see it.

/** As people know it: its name, its container, else as readlink /proc/PID/ns/net prints it. */
export function netnsName({ name, container, id }: NetnsSnapshot): string {
  return name ?? container?.id.slice(0, 12) ?? `net:[${id}]`
}

/** What its runtime calls it, else the beginning of its id as runtimes print it. */
export function containerName({ after }: MachineFacts, id: string): string {
  return after.containers.get(id)?.[0] ?? id.slice(0, 12)
}

export function endpointText({ address, port }: Endpoint): string {
  return formatEndpoint(address, port)
}

/** The first owner: forked processes share sockets, the one that opened it comes first. */
export function ownerOf({ after }: MachineFacts, inode: number): Owner | null {
  return inode === 0 ? null : (after.owners.get(inode)?.[0] ?? null)
}

const STANDING = ['stopped', 'accept', 'epoll'] as const

/**
 * Who takes connections from a listener, or should: whoever waits at it, and of these one that is stopped. A master that
 * opened it for its workers (nginx) holds it too and never does.
 */
export function acceptorOf(machine: MachineFacts, listener: ListenerSnapshot): Owner | null {
  const takers = listener.holders.filter((h) => h.waits !== 'none' || h.stopped === true)
  const found = STANDING.map((kind) =>
    takers.find((h) => (kind === 'stopped' ? h.stopped === true : h.waits === kind)),
  ).find((holder) => holder !== undefined)
  return found ?? ownerOf(machine, listener.inode)
}

/** It holds a listener and is stopped: nothing of it runs. Of processes without a listener this is not known. */
export function isStopped({ after }: MachineFacts, pid: number): boolean {
  return after.namespaces.some((n) =>
    n.listeners.some((l) => l.holders.some((h) => h.pid === pid && h.stopped === true)),
  )
}

export type CulpritProcess = NonNullable<Verdict['culprit']['process']>

export function processOf(
  machine: MachineFacts,
  owner: Pick<Owner, 'pid' | 'command' | 'cgroup'>,
): CulpritProcess {
  const id = owner.cgroup?.container?.id
  const { pid, command } = owner
  return { pid, command, ...(id === undefined ? {} : { container: containerName(machine, id) }) }
}

/** The namespace at the first look; null when there was none, or it was not there yet. */
export function before({ before }: MachineFacts, netns: NetnsSnapshot): NetnsSnapshot | null {
  return before?.namespaces.find((n) => n.id === netns.id) ?? null
}

export interface Rise {
  name: string
  before: number
  after: number
  by: number
}

/** How much a counter rose while we looked; null: not known. Names as nstat has them: TcpExtListenOverflows. */
export function riseOf(machine: MachineFacts, netns: NetnsSnapshot, name: string): Rise | null {
  const first = before(machine, netns)?.counters.counters.get(name)
  const last = netns.counters.counters.get(name)
  if (first === undefined || last === undefined) return null
  return { name, before: first, after: last, by: Math.max(0, last - first) }
}

export function counterRef(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  rise: Rise,
): MachineReference {
  const { name, before, after } = rise
  return { source: machine.source, kind: 'counter', name, before, after, netns: netnsName(netns) }
}

export function socketRef(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  socket: Pick<SocketFact, 'local' | 'inode'> & { remote?: Endpoint },
): MachineReference {
  const { local, remote, inode } = socket
  return {
    source: machine.source,
    kind: 'socket',
    netns: netnsName(netns),
    local: endpointText(local),
    remote: remote === undefined ? '*' : endpointText(remote),
    ...(inode === 0 ? {} : { inode }),
  }
}

export function processRef(machine: MachineFacts, pid: number, what: string): MachineReference {
  return { source: machine.source, kind: 'process', pid, what }
}

/** The setting's value in that namespace, or the host's; null: it could not be read. */
export function settingOf(
  { after }: MachineFacts,
  netns: NetnsSnapshot,
  name: string,
): string | null {
  const found = netns.settings.settings.get(name) ?? after.hostSettings.settings.get(name)
  return found?.value ?? null
}

export function settingRef(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  { name, value }: { name: string; value: string },
): MachineReference {
  return { source: machine.source, kind: 'setting', name, value, netns: netnsName(netns) }
}

/** An event as a report prints it. */
export function eventRef({ source, events }: MachineFacts, event: KernelEvent): MachineReference {
  const fields: Record<string, string | number> = {}
  if (event.reason !== null) fields['reason'] = event.reason
  if (event.state !== null) fields['state'] = event.state
  if (event.local !== null) fields['local'] = endpointText(event.local)
  if (event.remote !== null) fields['remote'] = endpointText(event.remote)
  if (event.pid !== null) fields['pid'] = event.pid
  if (event.command !== null) fields['comm'] = event.command
  const timeNs = String(event.timeNs + (events?.realtimeOffsetNs ?? 0n))
  return { source, kind: 'kernel-event', event: event.event, timeNs, fields }
}

/** The same listener at the first look. */
export function listenerBefore(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  listener: Listener,
): Listener | null {
  const all = before(machine, netns)?.listeners ?? []
  const same = (l: Listener) =>
    listener.cookie !== null && l.cookie !== null
      ? l.cookie === listener.cookie
      : l.inode === listener.inode && l.local.port === listener.local.port
  return all.find(same) ?? null
}

export interface Refused {
  /** Between the looks, and since it listens; null: not told. */
  meanwhile: number | null
  total: number | null
}

/**
 * SYNs and ACKs that a listener did not take. Its own counter also has every RST that ends a handshake, as health checks of
 * load balancers send: those are no ListenDrops, so the listener refused no more than these. They are of the whole namespace, so
 * to a listener with room goes what those with a full queue leave of them, and what was no RST (EmbryonicRsts).
 * @see Linux net/ipv4/tcp_ipv4.c tcp_v4_rcv (discard_and_relse), include/net/tcp.h tcp_listendrop
 */
export function refusedBy(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  listener: Listener,
): Refused {
  const last = netns.counters.counters.get(LISTEN_DROPS) ?? null
  const by = riseOf(machine, netns, LISTEN_DROPS)?.by ?? null
  const own = countedBy(machine, netns, listener)
  const others = netns.listeners.filter(
    (other) => other !== listener && !own.full && countedBy(machine, netns, other).full,
  )
  const left = (all: number | null, key: 'meanwhile' | 'total') =>
    all === null
      ? null
      : others.reduce((rest, o) => rest - (countedBy(machine, netns, o)[key] ?? 0), all)
  const alone = others.length === 0
  const resets = {
    meanwhile: alone ? 0 : (riseOf(machine, netns, EMBRYONIC)?.by ?? 0),
    total: alone ? 0 : (netns.counters.counters.get(EMBRYONIC) ?? 0),
  }
  return {
    meanwhile: atMost(less(own.meanwhile, resets.meanwhile), left(by, 'meanwhile')),
    total: atMost(less(own.total, resets.total), left(last, 'total')),
  }
}

const EMBRYONIC = 'TcpExtEmbryonicRsts'

function less(count: number | null, by: number): number | null {
  return count === null ? null : Math.max(0, count - by)
}

/** What a listener's own counter says, and whether its queue was full at one of the looks. */
function countedBy(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  listener: Listener,
): Refused & { full: boolean } {
  const first = listenerBefore(machine, netns, listener)
  const { drops } = listener
  const known = first?.drops ?? null
  const meanwhile = drops === null || known === null ? null : drops - known
  return { meanwhile, total: drops, full: isFull(listener) || (first !== null && isFull(first)) }
}

/** backlog + 1 fit: sk_acceptq_is_full compares with `>`. */
export function isFull({ depth, limit }: Listener): boolean {
  return limit !== null && depth > limit
}

const LISTEN_DROPS = 'TcpExtListenDrops'

function atMost(count: number | null, limit: number | null): number | null {
  return count === null || limit === null ? count : Math.max(0, Math.min(count, limit))
}

/** Whether some listener of the namespace takes connections to this end: then the socket is the server's. */
export function isServed(netns: NetnsSnapshot, { local }: Pick<SocketFact, 'local'>): boolean {
  return netns.listeners.some((l) => l.local.port === local.port)
}

const ANY = new Set(['0.0.0.0', '::', '*'])

/** For `MachineSubject.server`: the end that connections of a capture are compared with. */
export function serverEnd({ address, port }: Endpoint) {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  return { port, addresses: ANY.has(address) ? null : [...new Set([address, plain])] }
}

/** The container of a process that owns a looked-at socket, when it is in one. */
export function whereOf(machine: MachineFacts, pid: number | undefined): string | null {
  if (pid === undefined) return null
  for (const owners of machine.after.owners.values()) {
    const owner = owners.find((o) => o.pid === pid)
    if (owner === undefined) continue
    return processOf(machine, owner).container ?? null
  }
  return null
}

export interface SocketAt {
  netns: NetnsSnapshot
  socket: SocketFact
}

/** All sockets of all namespaces in this state. */
export function* socketsIn(
  { after }: MachineFacts,
  state: SocketFact['state'],
): Generator<SocketAt> {
  for (const netns of after.namespaces) {
    for (const socket of netns.sockets) if (socket.state === state) yield { netns, socket }
  }
}

export function socketText({ local, remote }: Pick<SocketFact, 'local' | 'remote'>): string {
  return `${endpointText(local)} > ${endpointText(remote)}`
}
