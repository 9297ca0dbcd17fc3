// Linux Documentation/admin-guide/iostats.rst, Documentation/filesystems/proc.rst (mountinfo), statfs(2).
import type { DiskDevice, DiskFacts, Filesystem } from '../facts.ts'
import type { HostFiles } from '../host-files.ts'
import { canRead, type HostFault, textOr } from '../reader.ts'
import { decimal, linesOf, wordsOf } from '../text.ts'

/** Where programs write what they cannot do without: logs, state, files of the moment. */
const PLACES = ['/', '/var', '/var/lib', '/var/log', '/var/tmp', '/tmp'] as const
/** Asking a file system of another machine how full it is may never come back. */
const REMOTE = /^(nfs|cifs|smb|fuse|9p|ceph|afs|autofs|virtiofs|glusterfs|lustre|beegfs|gfs|ocfs)/
const SECTOR = 512

/** How full the file systems are that matter, and what the disks have read and written. */
export const disks = {
  id: 'disks',

  canRun: (host: HostFiles) => canRead(host, ['/proc/diskstats']),

  read(host: HostFiles): DiskFacts {
    const faults: HostFault[] = []
    const mounts = linesOf(textOr(host.text('/proc/self/mountinfo'), faults)).flatMap(mountOf)
    const filesystems: Filesystem[] = []
    for (const mount of placesOf(mounts)) {
      const space = host.space(mount.at)
      if (space.is === 'read') filesystems.push({ ...mount, ...space.value })
    }
    const devices = linesOf(textOr(host.text('/proc/diskstats'), faults)).flatMap(deviceOf)
    return { filesystems, devices, faults }
  },
}

interface Mount {
  at: string
  type: string
  readOnly: boolean
}

/** "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": what is before the lone "-" may be more. */
function mountOf(line: string): Mount[] {
  const words = wordsOf(line)
  const [at = '', options = ''] = words.slice(4)
  const type = words[words.indexOf('-') + 1]
  if (!words.includes('-') || type === undefined || !at.startsWith('/')) return []
  return [{ at, type, readOnly: options.split(',').includes('ro') }]
}

/** Those that hold one of the places, each once. Of two mounts at one place the later one is seen. */
function placesOf(mounts: readonly Mount[]): Mount[] {
  const found = new Set<Mount>()
  for (const place of PLACES) {
    const holds = mounts.filter(
      ({ at }) => at === '/' || place === at || place.startsWith(`${at}/`),
    )
    const longest = Math.max(0, ...holds.map(({ at }) => at.length))
    const mount = holds.findLast(({ at }) => at.length === longest)
    if (mount !== undefined && !mount.readOnly && !REMOTE.test(mount.type)) found.add(mount)
  }
  return [...found]
}

const VIRTUAL = /^(loop|ram|zram|fd|sr)\d/
const PARTITION = /^((sd|vd|xvd|hd)[a-z]+\d+|(nvme\d+n\d+|mmcblk\d+|md\d+|nbd\d+)p\d+)$/

/** "254 0 vda 833787 47432 60201514 ..."; fourteen columns since 2.6, eighteen since 4.18, twenty since 5.5. */
function deviceOf(line: string): DiskDevice[] {
  const words = wordsOf(line)
  const name = words[2] ?? ''
  if (name === '' || VIRTUAL.test(name) || PARTITION.test(name)) return []
  const [reads, , sectorsRead, , writes, , sectorsWritten, , , busyMs] = words.slice(3).map(decimal)
  if (reads == null || sectorsRead == null || writes == null) return []
  if (sectorsWritten == null || busyMs == null || reads + writes === 0) return []
  return [
    {
      name,
      reads,
      octetsRead: sectorsRead * SECTOR,
      writes,
      octetsWritten: sectorsWritten * SECTOR,
      busyMs,
    },
  ]
}
