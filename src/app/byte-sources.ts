import { close, constants, read as fsRead, fstatSync, open, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { TcpwhyError } from '../base/errors.ts'
import type { ByteSource } from '../capture/byte-source.ts'

/**
 * A file's octets, read in order. FIFOs and devices are taken too (`<(zcat x)`).
 * @throws TcpwhyError CAPTURE_NOT_FOUND, CAPTURE_IS_DIRECTORY, CAPTURE_UNREADABLE
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const fd = await promisify(open)(path, constants.O_RDONLY).catch((cause) => {
    throw unreadable(path, cause)
  })
  try {
    // As numbers those of Windows would be rounded, and two files one.
    const stats = fstatSync(fd, { bigint: true })
    if (stats.isDirectory()) throw directoryError(path)
    if (stats.isFIFO()) return await fifoSource(path, fd)
    const regular = stats.isFile()
    return readFrom(fd, {
      path,
      size: regular ? Number(stats.size) : null,
      identity: regular ? `${stats.dev}:${stats.ino}` : null,
      seekable: regular,
    })
  } catch (cause) {
    await promisify(close)(fd)
    throw cause instanceof TcpwhyError ? cause : unreadable(path, cause)
  }
}

/**
 * Through the event loop: a read that waits in a thread for a silent writer would keep the process from ending. The same
 * descriptor, for one opened anew after the writer has gone never sees the end. The socket closes it.
 */
async function fifoSource(path: string, fd: number): Promise<ByteSource> {
  const { Socket } = await import('node:net')
  return streamSource(new Socket({ fd, readable: true, writable: false }), path)
}

/** @throws TcpwhyError CAPTURE_UNREADABLE where there is none: a service of Windows, a pipe of another kind of system */
export function standardInput(): ByteSource {
  try {
    // Not imported from node:process: naming one export makes Node build all of its streams, 4 ms of every start.
    return streamSource(process.stdin)
  } catch (cause) {
    throw unreadable('standard input', cause)
  }
}

/** What comes down a stream: standard input, a child's output. `read` waits for data and takes all that is there. */
export function streamSource(stream: Readable, name = 'standard input'): ByteSource {
  let failed: unknown = null
  let ended = false
  let wake: (() => void) | null = null
  const notify = () => {
    wake?.()
    wake = null
  }
  stream.on('readable', notify)
  stream.on('end', () => {
    ended = true
    notify()
  })
  stream.on('close', () => {
    ended = true
    notify()
  })
  stream.on('error', (cause) => {
    failed = cause
    notify()
  })
  let left: Uint8Array = new Uint8Array(0)

  async function read(into: Uint8Array): Promise<number> {
    for (;;) {
      const count = take(into)
      if (count > 0) return count
      if (failed !== null) throw unreadable(name, failed)
      if (ended) return 0
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  function take(into: Uint8Array): number {
    let count = 0
    while (count < into.length) {
      if (left.length === 0) {
        const piece: Uint8Array | null = failed === null ? stream.read() : null
        if (piece === null) break
        left = piece
      }
      const part = left.subarray(0, into.length - count)
      into.set(part, count)
      count += part.length
      left = left.subarray(part.length)
    }
    return count
  }

  return {
    size: null,
    identity: null,
    seekable: false,
    read,
    async close() {
      stream.destroy()
    },
  }
}

/** tcpdump gets the same Ctrl-C: time for it to write out what it holds back, and to end. */
const GRACE_MS = 200

/** A pipe that ends when `signal` fires, also while a read waits for octets that may never come. */
export function interruptible(source: ByteSource, signal: AbortSignal): ByteSource {
  const over = new Promise<0>((resolve) => {
    const later = () => setTimeout(() => resolve(0), GRACE_MS)
    if (signal.aborted) later()
    else signal.addEventListener('abort', later, { once: true })
  })
  let ended = false
  over.then(() => {
    ended = true
  })
  return {
    size: source.size,
    identity: source.identity,
    seekable: source.seekable,
    read: async (into) => (ended ? 0 : Promise.race([source.read(into), over])),
    close: () => source.close(),
  }
}

function readFrom(
  fd: number,
  about: { path: string; size: number | null; identity: string | null; seekable: boolean },
): ByteSource {
  const { path, size, identity, seekable } = about
  let position = 0
  let isOpen = true
  const reading = new Set<Promise<number>>()
  // The callback form: a promise a chunk instead of the three of FileHandle.read.
  const readAt = (into: Uint8Array, at: number | null) => {
    const read = new Promise<number>((resolve, reject) => {
      fsRead(fd, into, 0, into.length, at, (cause, count) => {
        reading.delete(read)
        if (cause === null) resolve(count)
        else reject(unreadable(path, cause))
      })
    })
    reading.add(read)
    return read
  }
  return {
    size,
    identity,
    seekable,
    async read(into) {
      const count = await readAt(into, seekable ? position : null)
      position += count
      return count
    },
    ...(seekable ? { readNow } : {}),
    ...(seekable && availableParallelism() > 1 ? { readAt } : {}),
    async close() {
      // A descriptor must not be closed under a read; one of a device may never end, and is left to the process's end.
      if (seekable) await Promise.allSettled(reading)
      if (!isOpen) return
      isOpen = false
      await promisify(close)(fd)
    },
  }

  function readNow(into: Uint8Array): number {
    try {
      const count = readSync(fd, into, 0, into.length, position)
      position += count
      return count
    } catch (cause) {
      throw unreadable(path, cause)
    }
  }
}

function directoryError(path: string): TcpwhyError {
  const todo = 'Name the capture files in it, for example with a wildcard.'
  return new TcpwhyError('CAPTURE_IS_DIRECTORY', `${path} is a directory, not a capture.`, todo)
}

function unreadable(path: string, cause: unknown): TcpwhyError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown reason'
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const todo = 'Check the path; "-" reads standard input.'
    return new TcpwhyError('CAPTURE_NOT_FOUND', `There is no file ${path}.`, todo, { cause })
  }
  if (code === 'EISDIR') return directoryError(path)
  const todo =
    code === 'EACCES' || code === 'EPERM'
      ? 'Check the permissions; captures made by tcpdump often belong to root or tcpdump.'
      : 'Check that the file and its disk can be read.'
  return new TcpwhyError('CAPTURE_UNREADABLE', `Cannot read ${path} (${code}).`, todo, { cause })
}
