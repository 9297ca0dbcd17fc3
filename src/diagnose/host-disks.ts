import type { MachineFacts } from '../evidence/machine.ts'
import { diskWords } from '../messages/en/disks.ts'
import { render } from '../messages/render.ts'
import type { HostSummary } from './report.ts'

/** How full the file systems are that programs write to, and what the disks did meanwhile, a second each. */
export function disksOf(
  machine: MachineFacts,
): Pick<HostSummary, 'filesystems' | 'disks' | 'notices'> {
  const { before, after, forMs } = machine
  const filesystems = after.disks.filesystems.map((one) => ({ ...one }))
  const notices = filesystems.flatMap(noticeOf)
  if (before === null || forMs <= 0) return { filesystems, disks: null, notices }
  const perSecond = (first: number, last: number) =>
    Math.round((Math.max(0, last - first) / forMs) * 10_000) / 10
  const disks = after.disks.devices.flatMap((last) => {
    const first = before.disks.devices.find(({ name }) => name === last.name)
    if (first === undefined) return []
    return [
      {
        device: last.name,
        reads: perSecond(first.reads, last.reads),
        writes: perSecond(first.writes, last.writes),
        octetsRead: perSecond(first.octetsRead, last.octetsRead),
        octetsWritten: perSecond(first.octetsWritten, last.octetsWritten),
        // The kernel adds up whole ticks, so a busy disk can seem a little busier than all the time.
        busyPercent: Math.min(100, perSecond(first.busyMs, last.busyMs) / 10),
      },
    ]
  })
  return { filesystems, disks, notices }
}

/** Of a hundred: what is left then is gone soon, and programs of ordinary users are refused before root is. */
const NEARLY = 5
const FULL = 0.5

type Filesystem = HostSummary['filesystems'][number]

function noticeOf(one: Filesystem): HostSummary['notices'] {
  const { at, type, size, available, inodes, inodesFree } = one
  if (size > 0) {
    const left = (available / size) * 100
    const what = left <= FULL ? 'disk-full' : left <= NEARLY ? 'disk-nearly-full' : null
    if (what !== null) {
      return [{ what, text: render(diskWords.notices[what], { at, type, size, available }) }]
    }
  }
  if (inodes === 0 || (inodesFree / inodes) * 100 > FULL) return []
  const what = 'inodes-used-up'
  return [{ what, text: render(diskWords.notices[what], { at, type, inodes, free: inodesFree }) }]
}
