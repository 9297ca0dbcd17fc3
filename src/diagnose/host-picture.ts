import { groupBy } from '../base/group-by.ts'
import { before, endpointText, isServed, netnsName } from '../causes/machine/lookup.ts'
import type { MachineFacts, NetnsSnapshot, SocketFact } from '../evidence/machine.ts'
import type { HostSummary } from './report.ts'

// What a host was doing meanwhile: rates, what the machine has left, and which idle connections nothing keeps alive.

/** A second each, over all namespaces that were looked at twice; null: looked at once. */
export function ratesOf(machine: MachineFacts): HostSummary['rates'] {
  const { forMs, after } = machine
  if (machine.before === null || forMs <= 0) return null
  const perSecond = (sum: number) => Math.round((sum / forMs) * 10_000) / 10
  const counter = (name: string) =>
    perSecond(after.namespaces.reduce((sum, n) => sum + roseBy(machine, n, name), 0))
  const octets = (name: string) =>
    perSecond(after.namespaces.reduce((sum, n) => sum + interfacesRose(machine, n, name), 0))
  return {
    accepted: counter('TcpPassiveOpens'),
    opened: counter('TcpActiveOpens'),
    failed: counter('TcpAttemptFails'),
    segmentsSent: counter('TcpOutSegs'),
    retransmitted: counter('TcpRetransSegs'),
    octetsReceived: octets('rx_bytes'),
    octetsSent: octets('tx_bytes'),
  }
}

function roseBy(machine: MachineFacts, netns: NetnsSnapshot, name: string): number {
  const first = before(machine, netns)?.counters.counters.get(name)
  const last = netns.counters.counters.get(name)
  return first === undefined || last === undefined ? 0 : Math.max(0, last - first)
}

function interfacesRose(machine: MachineFacts, netns: NetnsSnapshot, name: string): number {
  const first = before(machine, netns)?.interfaces ?? []
  return netns.interfaces.reduce((sum, one) => {
    const was = first.find((f) => f.name === one.name)?.counters.get(name)
    const is = one.counters.get(name)
    return was === undefined || is === undefined ? sum : sum + Math.max(0, is - was)
  }, 0)
}

/** Load, memory and open files of the machine; PSI is the share of the last 10 s in which some task waited, percent. */
export function loadOf({ after: { pressure } }: MachineFacts): HostSummary['machine'] {
  const { load, psi, memory, files } = pressure
  return {
    load: load?.one ?? null,
    waiting: {
      cpu: psi.cpu.some?.avg10 ?? null,
      memory: psi.memory.some?.avg10 ?? null,
      io: psi.io.some?.avg10 ?? null,
    },
    memoryAvailable: memory.get('MemAvailable') ?? null,
    memoryTotal: memory.get('MemTotal') ?? null,
    filesOpen: files?.open ?? null,
    filesLimit: files?.limit ?? null,
  }
}

/** The shortest limit that load balancers are known for (AWS 350 s, Azure 4 min, IPVS 900 s): tcp-resets.md section 4. */
const LONG_MS = 240_000
const MAX_GROUPS = 10

/** Connections that have been silent for long and that no keepalive timer guards: a box that forgets idle ones cuts them. */
export function unguardedOf({ after }: MachineFacts): HostSummary['unguarded'] {
  const idle = after.namespaces.flatMap((netns) =>
    netns.sockets.flatMap((socket) => {
      const idleMs = idleOf(socket)
      return idleMs === null || idleMs < LONG_MS ? [] : [{ netns, socket, idleMs }]
    }),
  )
  const groups = groupBy(
    idle,
    ({ netns, socket }) => `${netnsName(netns)} ${peerOf(netns, socket)}`,
  )
  return [...groups.values()]
    .map((members) => ({
      netns: netnsName(members[0]!.netns),
      peer: peerOf(members[0]!.netns, members[0]!.socket),
      connections: members.length,
      longestIdleMs: Math.max(...members.map((m) => m.idleMs)),
    }))
    .sort((a, b) => b.connections - a.connections)
    .slice(0, MAX_GROUPS)
}

/** null: guarded, on loopback, or not told. */
function idleOf({ state, timer, remote, tcpInfo }: SocketFact): number | null {
  if (state !== 'ESTABLISHED' || timer !== null || isLoopback(remote.address)) return null
  const info = tcpInfo
  const [sent, received] = [info?.tcpi_last_data_sent, info?.tcpi_last_data_recv]
  if (sent === undefined || received === undefined) return null
  return Math.min(Number(sent), Number(received))
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}

/** The server's endpoint; of a server's own connections its port, since the ports of clients say nothing. */
function peerOf(netns: NetnsSnapshot, socket: SocketFact): string {
  return isServed(netns, socket)
    ? `clients of port ${socket.local.port}`
    : endpointText(socket.remote)
}
