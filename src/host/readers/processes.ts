import { cgroupOf } from '../cgroup.ts'
import type { Cgroup, Owner, ProcessFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import type { CanRun, HostAsk, HostFault } from '../reader.ts'
import { decimal } from '../text.ts'

/**
 * Whose sockets the asked ones are. Only the asked inodes are resolved, names and cgroups only of their owners:
 * looking at every descriptor of the host is what makes `ss -p` slow. `pids` narrows the search.
 */
export const processes = {
  id: 'processes',

  canRun(host: HostFiles): CanRun {
    return host.names('/proc/self/fd').is === 'read' || pidsOf(host).length > 0
      ? { is: 'yes' }
      : { is: 'no', why: '/proc shows no processes' }
  },

  read(host: HostFiles, ask: HostAsk): ProcessFacts {
    const owners = new Map<number, Owner[]>()
    const faults: HostFault[] = []
    let hidden = 0
    const wanted = ask.inodes ?? new Set<number>()
    if (wanted.size === 0) return { owners, hidden, faults }
    for (const pid of ask.pids ?? pidsOf(host)) {
      const fds = host.names(`/proc/${pid}/fd`)
      // A process that ended meanwhile is gone, not hidden.
      if (fds.is !== 'read') hidden += fds.why === 'denied' ? 1 : 0
      else addOwned(host, { pid, fds: fds.value, wanted }, owners)
    }
    if (hidden > 0) {
      const what = `the descriptors of ${hidden} processes may not be seen: needs CAP_SYS_PTRACE`
      faults.push({ path: '/proc', what })
    }
    return { owners, hidden, faults }
  },
}

/** "socket:[1234]" -> 1234 */
export function socketInode(link: string): number | null {
  return link.startsWith('socket:[') && link.endsWith(']') ? decimal(link.slice(8, -1)) : null
}

/** Of all processes that /proc shows, in its order. */
export function pidsOf(host: HostFiles): number[] {
  const names = readOrNull(host.names('/proc')) ?? []
  return names.map((name) => decimal(name)).filter((pid) => pid !== null)
}

function addOwned(
  host: HostFiles,
  { pid, fds, wanted }: { pid: number; fds: readonly string[]; wanted: ReadonlySet<number> },
  owners: Map<number, Owner[]>,
): void {
  let who: { command: string; cgroup: Cgroup | null } | null = null
  for (const name of fds) {
    const inode = socketInode(readOrNull(host.link(`/proc/${pid}/fd/${name}`)) ?? '')
    if (inode === null || !wanted.has(inode)) continue
    who ??= { command: commandOf(host, pid), cgroup: cgroupOfPid(host, pid) }
    const owned = owners.get(inode) ?? []
    owned.push({ pid, fd: decimal(name) ?? -1, ...who })
    owners.set(inode, owned)
  }
}

/** /proc/PID/comm, '' when the process is gone. */
export function commandOf(host: HostFiles, pid: number): string {
  return (readOrNull(host.text(`/proc/${pid}/comm`)) ?? '').replace(/\n$/, '')
}

export function cgroupOfPid(host: HostFiles, pid: number): Cgroup | null {
  return cgroupOf(readOrNull(host.text(`/proc/${pid}/cgroup`)) ?? '')
}
