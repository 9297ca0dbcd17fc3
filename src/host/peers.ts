import type { Endpoint, PeerUse, SocketFact } from './facts.ts'
import type { TcpState } from './kernel/tcp-states.ts'

const MAX_PEERS = 20

/**
 * A process's sockets by whom they lead to, most first: of those that it accepted the other host, of those that it opened
 * the other host and port.
 * @param served  local ports at which somebody listens
 */
export function peersOf(
  inodes: readonly number[],
  byInode: ReadonlyMap<number, SocketFact>,
  served: ReadonlySet<number>,
): { peers: PeerUse[]; elsewhere: number } {
  const groups = new Map<string, PeerUse & { byState: Partial<Record<TcpState, number>> }>()
  let elsewhere = 0
  for (const inode of inodes) {
    const socket = byInode.get(inode)
    if (socket === undefined) elsewhere++
    else if (socket.state !== 'LISTEN') add(socket, served, groups)
  }
  const peers = [...groups.values()].sort((a, b) => b.sockets - a.sockets)
  return { peers: peers.slice(0, MAX_PEERS), elsewhere }
}

function add(
  { local, remote, state, idiag_rqueue }: SocketFact,
  served: ReadonlySet<number>,
  groups: Map<string, PeerUse & { byState: Partial<Record<TcpState, number>> }>,
): void {
  const accepted = served.has(local.port)
  const peer: Endpoint = { address: remote.address, port: accepted ? 0 : remote.port }
  const key = `${accepted ? local.port : 0} ${peer.address} ${peer.port}`
  let use = groups.get(key)
  if (use === undefined) {
    use = { peer, served: accepted ? local.port : null, sockets: 0, byState: {}, unread: 0 }
    groups.set(key, use)
  }
  use.sockets++
  use.byState[state] = (use.byState[state] ?? 0) + 1
  use.unread += idiag_rqueue
}
