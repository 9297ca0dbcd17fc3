import type { Listener, ListenerFacts, SocketFact } from '../facts.ts'
import type { HostFiles } from '../host-files.ts'
import type { HostAsk } from '../reader.ts'
import { sockets } from './sockets.ts'

/** Listeners with their queues; from /proc alone how many may wait is not known: `limit` is null. */
export const listeners = {
  id: 'listeners',
  canRun: sockets.canRun,
  read(host: HostFiles, ask: HostAsk): ListenerFacts {
    const facts = sockets.read(host, { ...ask, states: ['LISTEN', 'SYN-RECEIVED'] })
    return { listeners: listenersOf(facts.sockets), faults: facts.faults }
  },
}

/** The listeners among sockets from whichever source, each with the handshakes that are under way at it. */
export function listenersOf(all: readonly SocketFact[]): Listener[] {
  const found: Listener[] = []
  const byAddress = new Map<string, Listener[]>()
  for (const socket of all) {
    if (socket.state !== 'LISTEN') continue
    const listener = listenerOf(socket)
    found.push(listener)
    const key = keyOf(socket.family, socket.local.address, socket.local.port)
    const group = byAddress.get(key)
    if (group === undefined) byAddress.set(key, [listener])
    else group.push(listener)
  }
  for (const socket of all) {
    if (socket.state !== 'SYN-RECEIVED') continue
    for (const listener of listenersFor(socket, byAddress)) listener.synReceived++
  }
  return found
}

function listenerOf(socket: SocketFact): Listener {
  const { family, local, uid, inode, idiag_rqueue, idiag_wqueue, cookie } = socket
  return {
    family,
    local,
    uid,
    inode,
    depth: idiag_rqueue,
    limit: idiag_wqueue,
    synReceived: 0,
    drops: socket.skmem?.drops ?? null,
    cookie,
    v6only: family === 6 ? socket.v6only : null,
  }
}

/** The nearest one: its own address, any address of its family, any address of IPv6 (which takes IPv4 too). */
function listenersFor(
  { family, local }: SocketFact,
  byAddress: ReadonlyMap<string, readonly Listener[]>,
): readonly Listener[] {
  const plain = local.address.replace(/^::ffff:(?=\d+\.)/, '')
  return (
    byAddress.get(keyOf(family, local.address, local.port)) ??
    byAddress.get(keyOf(4, plain, local.port)) ??
    (plain.includes(':') ? undefined : byAddress.get(keyOf(4, '0.0.0.0', local.port))) ??
    byAddress.get(keyOf(6, '::', local.port)) ??
    []
  )
}

function keyOf(family: 4 | 6, address: string, port: number): string {
  return `${family} ${address} ${port}`
}
