import { closeSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ByteSource } from '../../capture/byte-source.ts'
import { loadLibc } from '../kernel/libc.ts'

// Linux include/uapi/asm-generic/fcntl.h, include/uapi/linux/fcntl.h.
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const F_SETFL = 4
const F_SETPIPE_SZ = 1031

/** What everybody may have (fs.pipe-max-size): some 9,000 headers. */
const CAPACITY = 1 << 20
/**
 * A child's stream wakes up for nearly every packet of `tcpdump -U`, for 2 us each (measured). Looking 25 times a second takes
 * a fifth of that, and 9,000 packets wait meanwhile.
 */
const LOOK_MS = 40

/** A pipe that is looked into now and then. */
export interface Pipe {
  /** For the child; to be closed here once it has it. */
  writeEnd: number
  source: ByteSource
}

/** @returns null where the system calls cannot be made: a child's own stream does too, and costs more. */
export function openPipe(): Pipe | null {
  const loaded = loadLibc()
  if (loaded.is !== 'loaded') return null
  const { libc } = loaded
  const ends = new Int32Array(2)
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) return null
  const [readEnd, writeEnd] = ends as unknown as [number, number]
  // The reading end only: tcpdump must be able to wait.
  libc.fcntl(readEnd, F_SETFL, O_NONBLOCK)
  libc.fcntl(writeEnd, F_SETPIPE_SZ, CAPACITY)
  return { writeEnd, source: polled(readEnd) }
}

function polled(fd: number): ByteSource {
  let isOpen = true
  return {
    size: null,
    identity: null,
    seekable: false,
    async read(into) {
      for (;;) {
        const count = isOpen ? readNow(fd, into) : 0
        if (count !== null) return count
        await sleep(LOOK_MS)
      }
    },
    async close() {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

/** @returns null when there is nothing now */
function readNow(fd: number, into: Uint8Array): number | null {
  try {
    return readSync(fd, into)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return null
    throw cause
  }
}
