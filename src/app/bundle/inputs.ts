import { type ByteSource, memorySource } from '../../capture/byte-source.ts'
import { fileSource, streamSource } from '../byte-sources.ts'
import { type Bundle, openBundle } from './open.ts'
import { looksLikeBundle, SNIFF_OCTETS } from './sniff.ts'

export interface SortedInputs {
  bundles: readonly { name: string; bundle: Bundle }[]
  /** The other inputs, as they were named. */
  captures: readonly string[]
  /** Of a capture that cannot be opened by its name again: from a pipe, or in a bundle (which is among `captures` then). */
  given: ReadonlyMap<string, ByteSource>
}

/**
 * What each input is, by its first octets.   @param paths  as the user wrote them, '-' for standard input
 * @throws TcpwhyError BUNDLE_*, CAPTURE_NOT_FOUND, CAPTURE_IS_DIRECTORY, CAPTURE_UNREADABLE
 */
export async function sortInputs(paths: readonly string[]): Promise<SortedInputs> {
  const bundles: { name: string; bundle: Bundle }[] = []
  const captures: string[] = []
  const given = new Map<string, ByteSource>()
  for (const path of paths) {
    const source = path === '-' ? streamSource(process.stdin) : await fileSource(path)
    const head = await headOf(source)
    if (looksLikeBundle(head)) {
      const name = path === '-' ? 'standard input' : path
      bundles.push({ name, bundle: await openAndClose(behind(head, source), name) })
      continue
    }
    captures.push(path)
    if (source.seekable) await source.close()
    else given.set(path, behind(head, source))
  }
  for (const { name, bundle } of bundles) {
    if (bundle.capture === null) continue
    const path = `${name}:${bundle.manifest.capture}`
    // The same bundle may be given twice.
    const inside = given.has(path) ? `${path} (${given.size})` : path
    captures.push(inside)
    given.set(inside, memorySource(bundle.capture))
  }
  return { bundles, captures, given }
}

/** Whether any of these files is a bundle; what cannot be read is none. */
export async function holdsBundle(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (path === '-') continue
    const source = await fileSource(path).catch(() => null)
    if (source === null || !source.seekable) continue
    const head = await headOf(source).catch(() => new Uint8Array(0))
    await source.close()
    if (looksLikeBundle(head)) return true
  }
  return false
}

async function openAndClose(source: ByteSource, name: string): Promise<Bundle> {
  try {
    return await openBundle(source, name)
  } finally {
    await source.close()
  }
}

async function headOf(source: ByteSource): Promise<Uint8Array> {
  const head = new Uint8Array(SNIFF_OCTETS)
  let at = 0
  while (at < head.length) {
    const count = await source.read(head.subarray(at))
    if (count === 0) break
    at += count
    // A live capture may take long to fill this.
    if (!mayBeBundle(head.subarray(0, at))) break
  }
  return head.subarray(0, at)
}

/** gzip, or the name that a tar archive begins with. */
function mayBeBundle(head: Uint8Array): boolean {
  return head[0] === 0x1f || head.subarray(0, 4).every((octet) => octet >= 0x20 && octet < 0x7f)
}

/** A source whose first octets were read already. */
function behind(head: Uint8Array, source: ByteSource): ByteSource {
  const first = memorySource(head)
  return {
    size: source.size,
    identity: source.identity,
    seekable: false,
    async read(into) {
      return (await first.read(into)) || source.read(into)
    },
    close: () => source.close(),
  }
}
