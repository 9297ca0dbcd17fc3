import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TcpwhyError } from '../../base/errors.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { instanceName, leftOver, thisWatcher } from '../../host/tracefs/instances.ts'

const MAX_NTH = 1000

/**
 * A folder of this run's own in `parent`, named by process and start time, only for its user. Those that runs which are
 * dead left there are removed first.   @throws TcpwhyError OUTPUT_UNWRITABLE
 */
export function makeTemporary(host: HostFiles, parent: string): string {
  const watcher = thisWatcher(host) ?? { pid: process.pid, started: '0' }
  try {
    removeLeftovers(host, parent)
    for (let nth = 0; ; nth++) {
      const path = join(parent, instanceName(watcher, nth))
      if (make(path, nth < MAX_NTH)) return path
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
    throw new TcpwhyError(
      'OUTPUT_UNWRITABLE',
      `Cannot make a folder in ${parent}: ${code}`,
      'Check that the folder exists, that you may write there and that the disk is not full.',
      { cause },
    )
  }
}

export function removeTemporary(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

/** @returns false when there is one of that name, and `mayExist` */
function make(path: string, mayExist: boolean): boolean {
  try {
    mkdirSync(path, { mode: 0o700 })
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST' && mayExist) return false
    throw cause
  }
}

function removeLeftovers(host: HostFiles, parent: string): void {
  for (const name of leftOver(host, readdirSync(parent))) {
    try {
      removeTemporary(join(parent, name))
    } catch {
      // Another user's: his next run removes it.
    }
  }
}
