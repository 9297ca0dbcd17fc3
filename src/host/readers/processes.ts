import type { Descriptors, Owner, OwnerMemory, ProcessFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { cgroupOfPid, commandOf, pidsOf, processesText, whyRefused } from '../process.ts'
import type { CanRun, HostAsk, HostFault } from '../reader.ts'
import { decimal } from '../text.ts'
import { addTo, descriptorsOf, newTally } from './descriptors.ts'

/** A process that holds so many of the wanted sockets is described whole: its descriptors were all looked at anyway. */
const MANY = 10

/**
 * Whose sockets the asked ones are. Only the asked inodes are resolved, names and cgroups only of their owners:
 * looking at every descriptor of the host is what makes `ss -p` slow. `pids` narrows the search, `remembered` spares it
 * for owners that a look before found and that still hold the socket.
 */
export const processes = {
  id: 'processes',

  canRun(host: HostFiles): CanRun {
    return host.names('/proc/self/fd').is === 'read' || pidsOf(host).length > 0
      ? { is: 'yes' }
      : { is: 'no', why: '/proc shows no processes' }
  },

  read(host: HostFiles, ask: HostAsk): ProcessFacts {
    const wanted = new Set(ask.inodes)
    const owners = new Map<number, Owner[]>()
    const faults: HostFault[] = []
    if (ask.remembered !== undefined) recall(host, ask.remembered, wanted, owners)
    const holders: Descriptors[] = []
    const pids = wanted.size === 0 ? [] : (ask.pids ?? pidsOf(host))
    const hidden = search(host, pids, wanted, { owners, holders })
    if (hidden.length > 0) {
      const whose = processesText(hidden)
      const what = `the descriptors of ${whose} may not be seen: ${whyRefused(host)}`
      faults.push({ path: '/proc', what })
    }
    for (const [inode, found] of owners) ask.remembered?.owners.set(inode, found)
    return { owners, holders, hidden: hidden.length, faults }
  },
}

/** Takes from `wanted` those whose remembered owners all still hold them. */
function recall(
  host: HostFiles,
  { owners: before }: OwnerMemory,
  wanted: Set<number>,
  owners: Map<number, Owner[]>,
): void {
  for (const inode of wanted) {
    const known = before.get(inode)
    if (known === undefined) continue
    const stands = known.every(
      ({ pid, fd }) => readOrNull(host.link(`/proc/${pid}/fd/${fd}`)) === `socket:[${inode}]`,
    )
    if (!stands) before.delete(inode)
    else {
      owners.set(inode, [...known])
      wanted.delete(inode)
    }
  }
}

/** @returns the processes whose descriptors may not be seen */
function search(
  host: HostFiles,
  pids: readonly number[],
  wanted: ReadonlySet<number>,
  { owners, holders }: { owners: Map<number, Owner[]>; holders: Descriptors[] },
): number[] {
  const hidden: number[] = []
  for (const pid of pids) {
    const fds = host.names(`/proc/${pid}/fd`)
    // A process that ended meanwhile is gone, not hidden.
    if (fds.is !== 'read') {
      if (fds.why === 'denied') hidden.push(pid)
      continue
    }
    const found = addOwned(host, { pid, fds: fds.value, wanted }, owners)
    if (found === 'hidden') hidden.push(pid)
    else if (found !== null) holders.push(found)
  }
  return hidden
}

/**
 * Ends as soon as this process was found to hold all that are wanted.
 * @returns it, when it was looked at whole and holds many; 'hidden': root may list the descriptors of a process that it
 *   may not trace, but not see where they lead
 */
function addOwned(
  host: HostFiles,
  { pid, fds, wanted }: { pid: number; fds: readonly string[]; wanted: ReadonlySet<number> },
  owners: Map<number, Owner[]>,
): Descriptors | 'hidden' | null {
  let who: Pick<Owner, 'command' | 'cgroup'> | null = null
  const found = new Set<number>()
  const tally = newTally()
  for (const name of fds) {
    const link = host.link(`/proc/${pid}/fd/${name}`)
    if (link.is !== 'read' && link.why === 'denied') return 'hidden'
    const inode = addTo(tally, readOrNull(link) ?? '')
    if (inode === null || !wanted.has(inode) || found.has(inode)) continue
    who ??= { command: commandOf(host, pid), cgroup: cgroupOfPid(host, pid) }
    const owner = { pid, fd: decimal(name) ?? -1, ...who }
    const others = owners.get(inode)
    if (others === undefined) owners.set(inode, [owner])
    else others.push(owner)
    found.add(inode)
    if (found.size === wanted.size) return null
  }
  return found.size < MANY ? null : descriptorsOf(host, pid, fds.length, tally)
}
