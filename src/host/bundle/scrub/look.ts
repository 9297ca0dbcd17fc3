import { withoutKernelAddresses } from '../process-details.ts'
import type { RecordedLook } from '../reads.ts'
import { textOf } from '../reads.ts'
import { scrubSockDiag } from './sock-diag.ts'

/**
 * Takes out of a look, in place, what nobody needs who reads the bundle: keys and extras of sockets, where the kernel lies in
 * memory, and the names of files that are open in processes that were only searched for sockets.
 * @param named  processes whose open files are kept by name
 * @returns how many names were taken out
 */
export function scrubLook(
  look: RecordedLook,
  { littleEndian, named }: { littleEndian: boolean; named: ReadonlySet<number> },
): number {
  let names = 0
  for (const reads of look.scopes.values()) {
    for (const parts of reads.sockDiag.values()) {
      for (const octets of parts) scrubSockDiag(octets, littleEndian)
    }
    for (const [path, octets] of reads.files) {
      if (!path.endsWith('/stack')) continue
      reads.files.set(path, new TextEncoder().encode(withoutKernelAddresses(textOf(octets))))
    }
    for (const [path, target] of reads.links) {
      const kept = linkKept(path, target, named)
      if (kept === target) continue
      names++
      reads.links.set(path, kept)
    }
  }
  return names
}

const DESCRIPTOR = /^\/proc\/(\d+)\/fd\//

function linkKept(path: string, target: string, named: ReadonlySet<number>): string {
  const pid = DESCRIPTOR.exec(path)?.[1]
  // A socket, a pipe, an event loop: numbers, no names.
  if (pid === undefined || !target.startsWith('/')) return target
  // Of which kind it is can be told still.
  if (!named.has(Number(pid))) return target.startsWith('/dev/') ? '/dev/?' : '/?'
  // "/tmp/get?token=...": what is behind the mark may be a secret.
  return target.replace(/\?.+$/, '?...')
}
