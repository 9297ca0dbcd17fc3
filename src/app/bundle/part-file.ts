import { lstatSync, readdirSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'
import { instanceName, leftOver, thisWatcher } from '../../host/tracefs/instances.ts'
import { nodeHost } from '../node-host.ts'

/** Which boot of which machine: a folder may be shared with another one, whose processes /proc does not show. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const BOOT = /^([\da-f]{8})-[\da-f-]{27}\s*$/

/**
 * Where a file is written until it is whole: beside it, under a name that says by which process of which boot, so that a later
 * run can prove that nobody writes it any more. Those of dead runs in the same folder are removed first.
 * @param uids  whose files they may be
 * @returns null where that cannot be said (no Linux): the usual name has to do, and nothing was removed
 */
export function partBeside(
  target: string,
  uids: readonly number[],
  host: HostFiles = nodeHost(),
): string | null {
  const [, boot] = BOOT.exec(readOrNull(host.text(BOOT_ID)) ?? '') ?? []
  const watcher = boot === undefined ? null : thisWatcher(host)
  if (boot === undefined || watcher === null) return null
  removeDead(host, dirname(target), boot, uids)
  return join(dirname(target), `${basename(target)}.${boot}.${instanceName(watcher, 0)}.part`)
}

function removeDead(host: HostFiles, folder: string, boot: string, uids: readonly number[]): void {
  for (const name of namesIn(folder)) {
    const [, there, instance] = /\.([\da-f]{8})\.(tcpwhy-[\dn-]+)\.part$/.exec(name) ?? []
    if (there !== boot || leftOver(host, [instance ?? '']).length === 0) continue
    const path = join(folder, name)
    try {
      const file = lstatSync(path)
      if (file.isFile() && uids.includes(file.uid)) unlinkSync(path)
    } catch {
      // Gone meanwhile, or in a folder where only others may remove: it harms nobody.
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // Writing there will say why.
  }
}
