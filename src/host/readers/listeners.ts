import type { Listener, ListenerFacts, SocketFact } from '../facts.ts'
import type { HostFiles } from '../host-files.ts'
import type { HostAsk } from '../reader.ts'
import { sockets } from './sockets.ts'

/** Listeners from /proc: how many wait, but not how many may (only netlink tells: `limit` is null). */
export const listeners = {
  id: 'listeners',
  canRun: sockets.canRun,
  read(host: HostFiles, ask: HostAsk): ListenerFacts {
    const facts = sockets.read(host, ask)
    return { listeners: listenersOf(facts.sockets), faults: facts.faults }
  },
}

/** The listeners among sockets from whichever source, each with the handshakes that are under way at it. */
export function listenersOf(all: readonly SocketFact[]): Listener[] {
  const found: Listener[] = []
  const byAddress = new Map<string, Listener>()
  for (const socket of all) {
    if (socket.state !== 'LISTEN') continue
    const { family, local, uid, inode, idiag_rqueue: depth, idiag_wqueue: limit } = socket
    const listener = { family, local, uid, inode, depth, limit, synReceived: 0 }
    found.push(listener)
    byAddress.set(keyOf(family, local.address, local.port), listener)
  }
  for (const socket of all) {
    if (socket.state !== 'SYN-RECEIVED') continue
    const listener = listenerFor(socket, byAddress)
    if (listener !== undefined) listener.synReceived++
  }
  return found
}

/** The nearest one: its own address, any address of its family, any address of IPv6 (which takes IPv4 too). */
function listenerFor(
  { family, local }: SocketFact,
  byAddress: ReadonlyMap<string, Listener>,
): Listener | undefined {
  const plain = local.address.replace(/^::ffff:(?=\d+\.)/, '')
  return (
    byAddress.get(keyOf(family, local.address, local.port)) ??
    byAddress.get(keyOf(4, plain, local.port)) ??
    (plain.includes(':') ? undefined : byAddress.get(keyOf(4, '0.0.0.0', local.port))) ??
    byAddress.get(keyOf(6, '::', local.port))
  )
}

function keyOf(family: 4 | 6, address: string, port: number): string {
  return `${family} ${address} ${port}`
}
