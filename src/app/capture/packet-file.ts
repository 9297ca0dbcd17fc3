import { closeSync, existsSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { TcpwhyError } from '../../base/errors.ts'

/**
 * A capture file that grows by whole blocks, so that it is valid at any moment, whoever dies. Writing is synchronous: it
 * goes to the page cache, and what is written is counted.
 */
export class PacketFile {
  readonly path: string
  octets = 0
  private readonly fd: number
  private readonly isSpecial: boolean
  private isOpen = true

  /** @throws TcpwhyError OUTPUT_UNWRITABLE, also when there is such a file: it may be evidence */
  constructor(path: string) {
    this.path = path
    try {
      // A pipe or device (/dev/null) is no evidence.
      this.isSpecial = existsSync(path) && !statSync(path).isFile()
      this.fd = openSync(path, this.isSpecial ? 'w' : 'wx', 0o600)
    } catch (cause) {
      throw notWritable(path, cause)
    }
  }

  /**
   * @param onFailure  'part': of these blocks stay those that went in whole; 'none' for whoever will try again
   * @throws TcpwhyError OUTPUT_UNWRITABLE; the file then ends with the last whole block that went in before
   */
  append(blocks: Uint8Array, onFailure: 'none' | 'part' = 'none'): void {
    let at = 0
    try {
      while (at < blocks.length) {
        // At the end of what is whole, wherever an earlier failure left the descriptor.
        const position = this.isSpecial ? null : this.octets + at
        at += writeSync(this.fd, blocks, at, blocks.length - at, position)
      }
      this.octets += blocks.length
    } catch (cause) {
      // What went in before there was no room stays, up to the last whole block.
      if (onFailure === 'part') this.octets += wholeBlocks(blocks, at).octets
      if (at > 0 && !this.isSpecial) ftruncateSync(this.fd, this.octets)
      throw notWritable(this.path, cause)
    }
  }

  close(): void {
    if (this.isOpen) closeSync(this.fd)
    this.isOpen = false
  }
}

/** Appends packets; `add` is told how many of the `count` went in, also where there was no room for all.   @throws as append */
export function appendPackets(
  file: PacketFile,
  blocks: Uint8Array,
  { count, add }: { count: number; add: (packets: number) => void },
): void {
  const before = file.octets
  try {
    file.append(blocks, 'part')
  } catch (error) {
    add(wholeBlocks(blocks, file.octets - before).count)
    throw error
  }
  add(count)
}

/** The blocks that are whole within so many octets: pcapng has the length behind the type, here little-endian. */
export function wholeBlocks(blocks: Uint8Array, room: number): { octets: number; count: number } {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength)
  let octets = 0
  let count = 0
  while (octets + 8 <= blocks.length) {
    const length = view.getUint32(octets + 4, true)
    if (octets + length > room) break
    octets += length
    count++
  }
  return { octets, count }
}

/** @throws TcpwhyError OUTPUT_UNWRITABLE */
export function refuseExisting(path: string): void {
  if (existsSync(path)) throw notWritable(path, { code: 'EEXIST' })
}

/** Whether an error of `append` means that there is no room. */
export function isFull(error: unknown): boolean {
  const code = (error as { cause?: NodeJS.ErrnoException }).cause?.code
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
}

function notWritable(path: string, cause: unknown): TcpwhyError {
  const { code, message } = cause as NodeJS.ErrnoException
  const todo: Record<string, string> = {
    EEXIST: 'It may be evidence: take another name, or move it away.',
    ENOSPC: 'The disk is full: make room there, or write to another one.',
    EDQUOT: 'The quota is used up: make room there, or write to another disk.',
    ENOENT: 'Its folder does not exist.',
  }
  return new TcpwhyError(
    'OUTPUT_UNWRITABLE',
    code === 'EEXIST' ? `${path} is there already` : `Cannot write ${path}: ${code ?? message}`,
    todo[code ?? ''] ?? 'Check that you may write there.',
    { cause },
  )
}
