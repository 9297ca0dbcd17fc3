import type { DescriptorFacts, DescriptorKind, Descriptors } from '../facts.ts'
import { type HostFiles, readOrNull, type Unreadable, whyUnreadable } from '../host-files.ts'
import { cgroupOfPid, commandOf } from '../process.ts'
import type { CanRun, HostAsk, HostFault } from '../reader.ts'
import { decimal } from '../text.ts'

/** Open descriptors of the asked processes by kind, with their limits (RLIMIT_NOFILE). */
export const descriptors = {
  id: 'descriptors',

  canRun(host: HostFiles, ask: HostAsk): CanRun {
    if (ask.pids === undefined || ask.pids.length === 0) {
      return { is: 'no', why: 'no process was asked for' }
    }
    const reads = ask.pids.map((pid) => host.names(`/proc/${pid}/fd`))
    const refused = reads.find((read) => read.is !== 'read')
    if (refused === undefined || reads.some((read) => read.is === 'read')) return { is: 'yes' }
    const needs = refused.why === 'denied' ? ': needs CAP_SYS_PTRACE or the same user' : ''
    return { is: 'no', why: whyUnreadable(refused) + needs }
  },

  read(host: HostFiles, ask: HostAsk): DescriptorFacts {
    const found: Descriptors[] = []
    const faults: HostFault[] = []
    for (const pid of ask.pids ?? []) {
      const path = `/proc/${pid}/fd`
      const names = host.names(path)
      const described = names.is === 'read' ? describe(host, pid, names.value) : names
      if ('is' in described) faults.push({ path, what: whyUnreadable(described) })
      else found.push(described)
    }
    return { processes: found, faults }
  },
}

function describe(
  host: HostFiles,
  pid: number,
  names: readonly string[],
): Descriptors | Unreadable {
  const tally = newTally()
  for (const name of names) {
    const link = host.link(`/proc/${pid}/fd/${name}`)
    // One that was closed meanwhile is counted as another kind.
    if (link.is !== 'read' && link.why === 'denied') return link
    addTo(tally, readOrNull(link) ?? '')
  }
  return descriptorsOf(host, pid, names.length, tally)
}

/** What a walk through the descriptors of a process has seen. */
export interface Tally {
  byKind: Record<DescriptorKind, number>
  sockets: number[]
}

export function newTally(): Tally {
  return {
    byKind: { socket: 0, pipe: 0, file: 0, device: 0, eventpoll: 0, other: 0 },
    sockets: [],
  }
}

/** @returns the inode where it is a socket */
export function addTo({ byKind, sockets }: Tally, link: string): number | null {
  const inode = socketInode(link)
  if (inode === null) byKind[kindOf(link)]++
  else {
    byKind.socket++
    sockets.push(inode)
  }
  return inode
}

/** @param total  all that were listed, those that closed meanwhile too */
export function descriptorsOf(
  host: HostFiles,
  pid: number,
  total: number,
  { byKind, sockets }: Tally,
): Descriptors {
  const limits = openFilesOf(readOrNull(host.text(`/proc/${pid}/limits`)) ?? '')
  const who = { pid, command: commandOf(host, pid), cgroup: cgroupOfPid(host, pid) }
  return { ...who, total, byKind, sockets, ...limits }
}

/** "socket:[1234]" -> 1234 */
function socketInode(link: string): number | null {
  return link.startsWith('socket:[') && link.endsWith(']') ? decimal(link.slice(8, -1)) : null
}

function kindOf(link: string): DescriptorKind {
  if (link.startsWith('pipe:[')) return 'pipe'
  if (link === 'anon_inode:[eventpoll]') return 'eventpoll'
  if (link.startsWith('/dev/')) return 'device'
  return link.startsWith('/') ? 'file' : 'other'
}

/** "Max open files            1024                 524288               files" */
export function openFilesOf(limits: string): { soft: number | null; hard: number | null } {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limits) ?? []
  return { soft: decimal(soft), hard: decimal(hard) }
}
