import type { SocketFact } from './facts.ts'
import type { HostSnapshot, NetnsSnapshot } from './snapshot.ts'

/**
 * A look at some processes of a namespace that others are in too: their own sockets and listeners, and what waits in the
 * queues of those. Counters and settings stay the namespace's. The snapshot must know every owner.
 */
export function narrowed(seen: HostSnapshot, only: (pid: number) => boolean): HostSnapshot {
  const isOwn = (inode: number) => seen.owners.get(inode)?.some((o) => only(o.pid)) === true
  return {
    ...seen,
    namespaces: seen.namespaces.map((netns) => ofOwners(netns, isOwn)),
    processes: seen.processes.filter((p) => only(p.pid)),
    openFiles: seen.openFiles.filter((p) => only(p.pid)),
  }
}

function ofOwners(netns: NetnsSnapshot, isOwn: (inode: number) => boolean): NetnsSnapshot {
  const listeners = netns.listeners.filter((l) => isOwn(l.inode))
  const ports = new Set(listeners.map((l) => l.local.port))
  const waits = (s: SocketFact) => s.inode === 0 && ports.has(s.local.port)
  return {
    ...netns,
    listeners,
    sockets: netns.sockets.filter((s) => isOwn(s.inode) || waits(s)),
  }
}
