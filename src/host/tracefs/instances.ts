import { type HostFiles, readOrNull } from '../host-files.ts'
import { FIRST_PID_NAMESPACE } from '../process.ts'

/** The start time tells a process from a later one with the same number. */
export interface Watcher {
  pid: number
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  started: string
  /** Inode of the namespace that numbers it; null: the host's own. A container's /proc does not show who works outside of it. */
  space?: string | null
}

const NAME = /^tcpwhy-(\d{1,10})-(\d{1,20})(?:-n(\d{1,20}))?(?:-\d{1,4})?$/

/** @param nth  of this process, from 0 */
export function instanceName({ pid, started, space }: Watcher, nth: number): string {
  const inside = space == null ? '' : `-n${space}`
  return `tcpwhy-${pid}-${started}${inside}${nth === 0 ? '' : `-${nth}`}`
}

/** This process as /proc numbers it: it may be mounted for another namespace of processes than ours. */
export function thisWatcher(host: HostFiles): Watcher | null {
  const pid = readOrNull(host.link('/proc/self'))
  if (pid === null || !/^\d+$/.test(pid)) return null
  const started = startTime(host, Number(pid))
  return started === null ? null : { pid: Number(pid), started, space: spaceOf(host) }
}

/** Of the process namespace that this process is in; null: the first one, or not known. */
function spaceOf(host: HostFiles): string | null {
  const [, inode] = /^pid:\[(\d+)\]$/.exec(readOrNull(host.link('/proc/self/ns/pid')) ?? '') ?? []
  return inode === undefined || Number(inode) === FIRST_PID_NAMESPACE ? null : inode
}

/** Names of instances whose tcpwhy is gone, killed before it could remove them; of those that can be seen from here. */
export function leftOver(host: HostFiles, names: readonly string[]): string[] {
  const own = spaceOf(host)
  return names.filter((name) => {
    const [, pid, started, space = null] = NAME.exec(name) ?? []
    return space === own && pid !== undefined && startTime(host, Number(pid)) !== started
  })
}

/** @returns null when there is no such process */
function startTime(host: HostFiles, pid: number): string | null {
  const stat = readOrNull(host.text(`/proc/${pid}/stat`))
  if (stat === null) return null
  // The command may hold blanks and parentheses; behind it fields are counted from 3.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3] ?? null
}
