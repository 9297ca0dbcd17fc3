import { type ByteSource, memorySource } from '../capture/byte-source.ts'
import type { CaptureInput } from '../capture/open.ts'
import { fileSource, interruptible, standardInput } from './byte-sources.ts'

/** What comes through a pipe is kept up to this size, so that it can be read a second time. */
const PIPE_KEPT_OCTETS = 64 * 1024 * 1024

/** The inputs of one analysis, to be opened once for everything and again for a closer look at some connections. */
export interface Inputs {
  open(): Promise<CaptureInput[]>
  /** The same octets again; null when a pipe carried more than could be kept. */
  reopen(): Promise<CaptureInput[] | null>
}

interface InputOptions {
  /** Ends what comes through a pipe; files are left to whoever reads them. */
  finish?: AbortSignal
  pipeKeptOctets?: number
  /** Instead of opening a path: what is open already, or was never a file. */
  given?: ReadonlyMap<string, ByteSource>
}

/** @param paths as the user wrote them, '-' for standard input */
export function inputsOf(
  paths: readonly string[],
  { finish, given, pipeKeptOctets = PIPE_KEPT_OCTETS }: InputOptions = {},
): Inputs {
  const kept = new Map<string, Kept>()

  async function first(path: string): Promise<CaptureInput> {
    const source = given?.get(path) ?? (path === '-' ? standardInput() : await fileSource(path))
    if (source.seekable) return { name: path, bytes: source }
    const octets = finish === undefined ? source : interruptible(source, finish)
    const keeper = new Kept(octets, pipeKeptOctets)
    kept.set(path, keeper)
    return { name: path, bytes: keeper }
  }

  return {
    open: () => openAll(paths, first),
    async reopen() {
      for (const keeper of kept.values()) if (keeper.dropped) return null
      return openAll(paths, async (path) => {
        const keeper = kept.get(path)
        return { name: path, bytes: keeper?.again() ?? (await fileSource(path)) }
      })
    },
  }
}

async function openAll(
  paths: readonly string[],
  openOne: (path: string) => Promise<CaptureInput>,
): Promise<CaptureInput[]> {
  const opened: CaptureInput[] = []
  try {
    for (const path of paths) opened.push(await openOne(path))
    return opened
  } catch (cause) {
    await Promise.all(opened.map((input) => input.bytes.close().catch(() => {})))
    throw cause
  }
}

/** A pipe's octets as they pass, kept as long as they fit. */
class Kept implements ByteSource {
  readonly size = null
  readonly identity = null
  readonly seekable = false
  dropped = false
  private chunks: Uint8Array[] = []
  private octets = 0
  private readonly inner: ByteSource
  private readonly limit: number

  constructor(inner: ByteSource, limit: number) {
    this.inner = inner
    this.limit = limit
  }

  async read(into: Uint8Array): Promise<number> {
    const count = await this.inner.read(into)
    if (count > 0 && !this.dropped) this.keep(into.subarray(0, count))
    return count
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  again(): ByteSource {
    const all = new Uint8Array(this.octets)
    let at = 0
    for (const chunk of this.chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return memorySource(all)
  }

  private keep(octets: Uint8Array): void {
    this.octets += octets.length
    if (this.octets <= this.limit) this.chunks.push(octets.slice())
    else {
      this.dropped = true
      this.chunks = []
    }
  }
}
