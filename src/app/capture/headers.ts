import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostFiles } from '../../host/host-files.ts'
import { nodeHost } from '../node-host.ts'
import { DEFAULT_FILTER, HEADER_OCTETS } from './defaults.ts'
import { appendPackets, isFull, PacketFile, wholeBlocks } from './packet-file.ts'
import { type EndedBy, type PacketSink, runSession } from './session.ts'
import { resolveTarget, type TargetAsk } from './target.ts'
import { makeTemporary, removeTemporary } from './temporary.ts'

/** A file of this size takes about half a minute of 40,000 packets a second. */
const MAX_OCTETS = 200_000_000

export interface HeaderCaptureOptions extends TargetAsk {
  /** Default: all interfaces. */
  interface?: string
  forMs: number
  /** Default: TCP and ICMP. */
  filter?: string
  /** Ends it early; what came so far is kept. */
  signal?: AbortSignal
  /** When packets are being captured; before, it may still fail. */
  onListening?: () => void
  maxOctets?: number
  host?: HostFiles
}

export interface HeaderCapture {
  /** A pcapng file in a folder of its own. */
  path: string
  packets: number
  octets: number
  /** Packets that were lost before they could be read; null: not told. */
  dropped: number | null
  /** Why it ended: 'full' is `maxOctets` or the disk. */
  endedBy: Exclude<EndedBy, 'sink'> | 'full'
  /** Of the whole capture, milliseconds since 1970. */
  startMs: number
  endMs: number
  /** Removes the file. Whoever asked for it must call this. */
  remove(): void
}

/**
 * A short capture of headers to a temporary file, for whoever wants packets beside other facts: `diagnose --for`, a
 * snapshot.   @throws TcpwhyError CAPTURE_*, TARGET_*, OUTPUT_UNWRITABLE; leaves nothing behind then
 */
export async function captureHeaders(options: HeaderCaptureOptions): Promise<HeaderCapture> {
  const host = options.host ?? nodeHost()
  const target = resolveTarget(host, options)
  const folder = makeTemporary(host, tmpdir())
  try {
    const path = join(folder, 'headers.pcapng')
    const sink = new FileSink(() => new PacketFile(path), options.maxOctets ?? MAX_OCTETS)
    const result = await runSession({
      host,
      target,
      sink,
      interface: options.interface ?? 'any',
      snapLen: HEADER_OCTETS,
      filter: options.filter ?? DEFAULT_FILTER,
      promiscuous: false,
      inBulk: true,
      comments: [`Headers of ${target.label}.`],
      forMs: options.forMs,
      signal: options.signal,
      onListening(session) {
        sink.onFull = session.stop
        options.onListening?.()
      },
    })
    if (result.failure !== null && !isFull(result.failure)) throw result.failure
    const { counts, endedBy, startNs, endNs } = result
    return {
      path,
      packets: sink.count,
      octets: sink.octets,
      dropped: droppedOf(counts),
      endedBy: endedBy === 'sink' ? 'full' : endedBy,
      startMs: Number(startNs / 1_000_000n),
      endMs: Number(endNs / 1_000_000n),
      remove: () => removeTemporary(folder),
    }
  } catch (cause) {
    removeTemporary(folder)
    throw cause
  }
}

/** Both kinds of loss together; null when neither was told. */
export function droppedOf(counts: {
  droppedByKernel: number | null
  droppedByInterface: number | null
}): number | null {
  const { droppedByKernel, droppedByInterface } = counts
  if (droppedByKernel === null && droppedByInterface === null) return null
  return (droppedByKernel ?? 0) + (droppedByInterface ?? 0)
}

/** Straight into one file, up to a size. */
export class FileSink implements PacketSink {
  onFull: () => void = () => {}
  isFull = false
  /** Packets in the file. */
  count = 0
  private readonly open: () => PacketFile
  private readonly maxOctets: number
  private opened: PacketFile | null = null

  /** @param open  is called when packets are listened to: before, there is no file to leave behind */
  constructor(open: () => PacketFile, maxOctets: number) {
    this.open = open
    this.maxOctets = maxOctets
  }

  get octets(): number {
    return this.opened?.octets ?? 0
  }

  private get file(): PacketFile {
    this.opened ??= this.open()
    return this.opened
  }

  begin(header: () => Uint8Array): void {
    this.file.append(header())
  }

  interfaces(blocks: Uint8Array): void {
    if (!this.isFull) this.file.append(blocks)
  }

  packets(blocks: Uint8Array, { count }: { count: number }): void {
    if (this.isFull) return
    const room = this.maxOctets - this.file.octets
    const fits =
      blocks.length <= room ? { octets: blocks.length, count } : wholeBlocks(blocks, room)
    appendPackets(this.file, blocks.subarray(0, fits.octets), {
      count: fits.count,
      add: (packets) => {
        this.count += packets
      },
    })
    if (fits.octets === blocks.length) return
    this.isFull = true
    this.onFull()
  }

  end(trailer: Uint8Array): void {
    try {
      this.file.append(trailer)
    } finally {
      this.file.close()
    }
  }
}
