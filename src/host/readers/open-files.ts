import type { OpenFiles, OpenFilesFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { commandOf, pidsOf } from '../process.ts'
import type { CanRun, HostAsk } from '../reader.ts'
import { decimal } from '../text.ts'
import { openFilesOf } from './descriptors.ts'

/** Tables smaller than this and than half of the limit are not counted: nobody runs out with them. */
const MIN_TABLE = 512

/**
 * How many descriptors each larger process has, without looking at any: whoever is near its limit is found so.
 * FDSize of its status, the size of its table, is never less than the descriptors that are open (it does not shrink).
 */
export const openFiles = {
  id: 'open-files',

  canRun(host: HostFiles): CanRun {
    return pidsOf(host).length > 0 ? { is: 'yes' } : { is: 'no', why: '/proc shows no processes' }
  },

  /** Fullest first. @param ask  `pids`: only these */
  read(host: HostFiles, ask: HostAsk): OpenFilesFacts {
    const found: OpenFiles[] = []
    for (const pid of ask.pids ?? pidsOf(host)) {
      const status = readOrNull(host.text(`/proc/${pid}/status`)) ?? ''
      const table = decimal(/^FDSize:\s*(\d+)/m.exec(status)?.[1])
      if (table === null) continue
      const limits = openFilesOf(readOrNull(host.text(`/proc/${pid}/limits`)) ?? '')
      if (table < MIN_TABLE && table < (limits.soft ?? Number.POSITIVE_INFINITY) / 2) continue
      const open = countOf(host, pid)
      if (open !== null) found.push({ pid, command: commandOf(host, pid), open, ...limits })
    }
    return { processes: found.sort((a, b) => shareOf(b) - shareOf(a)), faults: [] }
  },
}

/** Without a list of them where the kernel tells (f1f1f2569901, Linux 6.2). null: gone, or not for us. */
function countOf(host: HostFiles, pid: number): number | null {
  const path = `/proc/${pid}/fd`
  const size = readOrNull(host.size(path))
  return size !== null && size > 0 ? size : (readOrNull(host.names(path))?.length ?? null)
}

/** 0.9: nine tenths of what it may open. */
export function shareOf({ open, soft }: OpenFiles): number {
  return soft === null || soft === 0 ? 0 : open / soft
}
