import { formatEndpoint } from '../../base/addresses.ts'
import type { MachineFacts, SocketFact } from '../../evidence/machine.ts'
import type { ComparedHost, SharedPeer } from './comparison.ts'

const MAX_PEERS = 5
/** Shorter than this is how long answers take. */
const WAITING_MS = 1_000

/** The same remote end for which every sick host waits (at least two of them), and the healthy ones less. */
export function sharedPeersOf(hosts: readonly ComparedHost[]): SharedPeer[] {
  const sick = hosts.filter((host) => host.sick)
  if (sick.length < 2) return []
  const byHost = new Map(hosts.map((host) => [host, outgoingOf(host.machine)]))
  const [first] = sick
  const peers = [...(byHost.get(first!)?.keys() ?? [])].filter((peer) =>
    sick.every((host) => (byHost.get(host)?.get(peer)?.waiting ?? 0) > 0),
  )
  return peers
    .map((peer) => ({
      peer,
      hosts: hosts.map((host) => ({
        host: host.name,
        ...(byHost.get(host)?.get(peer) ?? { connections: 0, waiting: 0, longestMs: 0 }),
      })),
    }))
    .sort((a, b) => waitingOf(b) - waitingOf(a))
    .slice(0, MAX_PEERS)
}

function waitingOf({ hosts }: SharedPeer): number {
  return hosts.reduce((sum, { waiting }) => sum + waiting, 0)
}

type Use = Omit<SharedPeer['hosts'][number], 'host'>

/** Connections that this host opened, by the end that they lead to; not those within it. */
function outgoingOf({ after }: MachineFacts): Map<string, Use> {
  const uses = new Map<string, Use>()
  for (const { sockets, listeners } of after.namespaces) {
    const served = new Set(listeners.map(({ local }) => local.port))
    for (const socket of sockets) {
      const { local, remote, state } = socket
      if (served.has(local.port) || remote.port === 0 || isOwn(remote.address)) continue
      if (state !== 'ESTABLISHED' && state !== 'SYN-SENT') continue
      const peer = formatEndpoint(remote.address, remote.port)
      const use = uses.get(peer) ?? { connections: 0, waiting: 0, longestMs: 0 }
      const ms = waitsMs(socket)
      use.connections++
      if (ms !== null) {
        use.waiting++
        use.longestMs = Math.max(use.longestMs, ms)
      }
      uses.set(peer, use)
    }
  }
  return uses
}

/** Loopback is another host's own on each of them. */
function isOwn(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(address)
}

/** How long it has waited for an answer; null: it does not. */
function waitsMs({ state, tcpInfo, retransmits }: SocketFact): number | null {
  if (state === 'SYN-SENT') return retransmits > 0 ? WAITING_MS : null
  const sent = tcpInfo?.tcpi_last_data_sent
  const received = tcpInfo?.tcpi_last_data_recv
  if (sent === undefined || received === undefined) return null
  const asked = (tcpInfo?.tcpi_bytes_sent ?? tcpInfo?.tcpi_bytes_acked ?? 1) > 0
  return asked && sent >= WAITING_MS && sent < received ? sent : null
}
