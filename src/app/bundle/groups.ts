import { filesOfEvents } from '../../host/bundle/events-files.ts'
import { type BundleFiles, encoded, filesOfLook } from '../../host/bundle/look-files.ts'
import type { Scene } from './collect.ts'
import type { FileGroup } from './pack.ts'

export const CAPTURE = 'capture.pcapng'
const KERNEL_LOG = 'kernel-log.txt'

const SOCKETS = /\/(sock_diag-inet6?\.bin|ss\.txt|proc\/net\/tcp6?)$/
const DETAILS = /\/host\/proc\/\d+\/(task|smaps_rollup|stack|wchan|io|fdinfo)/

/** The files of a scene in order of importance: when there is no room, the last ones are left out first. */
export function groupsOf({ looks, events, capture, kernelLog }: Scene): FileGroup[] {
  const groups: FileGroup[] = []
  for (const [i, look] of [...looks.entries()].reverse()) {
    groups.push(...groupsOfLook(filesOfLook(look, folderOfLook(i)), i))
  }
  groups.push({ what: 'kernel events', files: filesOfEvents(events) })
  if (kernelLog !== null) groups.push(single('the kernel log', KERNEL_LOG, encoded(kernelLog)))
  if (capture !== null) groups.push(single('the packet capture', CAPTURE, capture.octets))
  return groups
}

export function folderOfLook(i: number): string {
  return `look-${i + 1}`
}

function groupsOfLook(all: BundleFiles, i: number): FileGroup[] {
  const which = i === 0 ? 'first look' : 'last look'
  const part = (what: string, isIn: (name: string) => boolean): FileGroup => ({
    what: `${what} of the ${which}`,
    files: new Map([...all].filter(([name]) => isIn(name))),
  })
  const groups = [
    part('counters, settings and limits', (name) => !SOCKETS.test(name) && !DETAILS.test(name)),
    part('sockets', (name) => SOCKETS.test(name)),
    part('threads and stacks', (name) => DETAILS.test(name)),
  ]
  return groups.filter(({ files }) => files.size > 0)
}

function single(what: string, name: string, octets: Uint8Array): FileGroup {
  return { what, files: new Map([[name, octets]]) }
}
