import type { NamespaceFact, NamespaceFacts } from '../facts.ts'
import { type HostFiles, readOrNull, whyUnreadable } from '../host-files.ts'
import { pidsOf, processesText, whyRefused } from '../process.ts'
import type { CanRun, HostFault } from '../reader.ts'
import { decimal } from '../text.ts'

const SELF = '/proc/self/ns/net'
/** Where names are kept: `ip netns`, and Docker's own. */
const FOLDERS = ['/run/netns', '/var/run/netns', '/run/docker/netns', '/var/run/docker/netns']
/** As many processes of a namespace are named as help to find it. */
const MAX_PIDS = 100

/** All network namespaces of the host that can be seen: those of processes, and those that only have a name. */
export const namespaces = {
  id: 'namespaces',

  canRun(host: HostFiles): CanRun {
    const own = host.link(SELF)
    return own.is === 'read' ? { is: 'yes' } : { is: 'no', why: whyUnreadable(own) }
  },

  /** The reader's own first, then by inode. */
  read(host: HostFiles): NamespaceFacts {
    const found = new Map<number, Draft>()
    const faults: HostFault[] = []
    const own = netnsInode(readOrNull(host.link(SELF)))
    if (own !== null) found.set(own, draft(own, SELF))
    const hidden = addOfProcesses(host, found)
    addNamed(host, found)
    if (hidden.length > 0) {
      const whose = processesText(hidden)
      const what = `the network namespaces of ${whose} may not be seen: ${whyRefused(host)}`
      faults.push({ path: '/proc', what })
    }
    const list = [...found.values()].sort(
      (a, b) => Number(b.id === own) - Number(a.id === own) || a.id - b.id,
    )
    return {
      namespaces: list.map((one) => ({ ...one, self: one.id === own })),
      hidden: hidden.length,
      faults,
    }
  },
}

type Draft = Omit<NamespaceFact, 'self' | 'pids'> & { pids: number[] }

function draft(id: number, path: string): Draft {
  return { id, path, name: null, pids: [] }
}

/** "net:[4026531840]" -> 4026531840 */
function netnsInode(link: string | null): number | null {
  return link?.startsWith('net:[') && link.endsWith(']') ? decimal(link.slice(5, -1)) : null
}

/** @returns the processes of which it may not be seen */
function addOfProcesses(host: HostFiles, found: Map<number, Draft>): number[] {
  const hidden: number[] = []
  for (const pid of pidsOf(host)) {
    const path = `/proc/${pid}/ns/net`
    const link = host.link(path)
    // A process that ended meanwhile is gone, not hidden.
    if (link.is !== 'read' && link.why === 'denied') hidden.push(pid)
    const id = netnsInode(readOrNull(link))
    if (id === null) continue
    const known = found.get(id)
    if (known === undefined) found.set(id, { ...draft(id, path), pids: [pid] })
    else if (known.pids.length < MAX_PIDS) known.pids.push(pid)
  }
  return hidden
}

/** A name outlives processes, so it is also the better way in. */
function addNamed(host: HostFiles, found: Map<number, Draft>): void {
  for (const folder of FOLDERS) {
    for (const name of readOrNull(host.names(folder)) ?? []) {
      const path = `${folder}/${name}`
      const id = readOrNull(host.inode(path))
      if (id === null) continue
      const known = found.get(id) ?? draft(id, path)
      if (known.name !== null) continue
      // `default` in Docker's folder is the host's own namespace, whose way in is there already.
      found.set(id, { ...known, name, path: known.path === SELF ? SELF : path })
    }
  }
}
