import { fstatSync, readFileSync, writeSync } from 'node:fs'
import { TcpwhyError } from '../base/errors.ts'

/** The process as commands see it: they never touch `process` themselves, so tests can look on. */
export interface Io {
  out: Output
  err: Output
  env: Readonly<Record<string, string | undefined>>
  /** As process.platform. */
  platform: string
  /** Calls `stop` on the first SIGINT (Ctrl-C) or SIGTERM; a second one ends the process at once. `hangup`: on SIGHUP
   *  too (the terminal is gone), unless nohup has it ignored. Returns how to stop listening. */
  onInterrupt(stop: () => void, more?: { hangup: boolean }): () => void
}

export interface Output {
  isTerminal(): Promise<boolean>
  /** Columns of the terminal; undefined when it is none, or does not tell. */
  columns?(): Promise<number | undefined>
  /** @throws OutputClosed when nobody reads any more (`| head`); TcpwhyError OUTPUT_UNWRITABLE when the disk is full. */
  write(text: string | Uint8Array): Promise<void>
}

/** The reader of our output has gone: not an error, just nothing left to do. */
export class OutputClosed extends Error {}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export function processIo(): Io {
  return {
    out: descriptorOutput(1),
    err: descriptorOutput(2),
    env: process.env,
    platform: process.platform,
    onInterrupt(stop, { hangup } = { hangup: false }) {
      const signals = hangup && !ignoresHangup() ? [...SIGNALS, 'SIGHUP' as const] : SIGNALS
      const off = () => {
        for (const signal of signals) process.off(signal, once)
      }
      // Both at once: the second signal, whichever it is, finds nobody listening.
      const once = () => {
        stop()
        // Not now: whoever else hears this signal asks whether anybody handles it, and would end the process if not.
        setImmediate(off)
      }
      for (const signal of signals) process.on(signal, once)
      return off
    },
  }
}

/** Listening to a signal would undo what nohup did. */
function ignoresHangup(): boolean {
  try {
    const ignored = /^SigIgn:\s*([\da-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return (BigInt(`0x${ignored ?? '0'}`) & 1n) === 1n
  } catch {
    return false
  }
}

/** Writes to the descriptor itself: making `process.stdout` costs 2-3 ms of a 70 ms start (measured, Node 20). */
export function descriptorOutput(fd: number): Output {
  return {
    async isTerminal() {
      // /dev/null is a character device too; node:tty costs 1 ms and is asked only then.
      if (!isCharacterDevice(fd)) return false
      return (await import('node:tty')).isatty(fd)
    },
    async columns() {
      if (!(await this.isTerminal())) return undefined
      return fd === 2 ? process.stderr.columns : process.stdout.columns
    },
    async write(text) {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text
      let at = 0
      while (at < bytes.length) {
        const written = writeSome(fd, bytes, at)
        if (written === 0) await pause()
        at += written
      }
    },
  }
}

function isCharacterDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

function writeSome(fd: number, bytes: Uint8Array, at: number): number {
  try {
    return writeSync(fd, bytes, at)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // A pipe that another process made non-blocking, and that is full.
    if (code === 'EAGAIN') return 0
    // EOF: Windows, in whose words the pipe is broken.
    if (code === 'EPIPE' || code === 'EOF') throw new OutputClosed()
    throw unwritable(fd === 1 ? 'standard output' : 'standard error', error)
  }
}

/** Why `name` cannot be written: the disk is full, the terminal is gone. */
export function unwritable(name: string, cause: unknown): TcpwhyError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new TcpwhyError(
    'OUTPUT_UNWRITABLE',
    `Cannot write ${name}: ${code ?? message}`,
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'The disk is full: make room there, or write the report to another one (-o FILE).'
      : 'Check that the folder exists, that you may write there and that the disk is not full.',
    { cause },
  )
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

const BLOCK = 1 << 16

/** Writes pieces in blocks of about 64 kB: one system call a block, and never the whole text in memory. */
export async function writePieces(pieces: Iterable<string>, out: Output): Promise<void> {
  let block: string[] = []
  let length = 0
  for (const piece of pieces) {
    block.push(piece)
    length += piece.length
    if (length < BLOCK) continue
    await out.write(block.join(''))
    block = []
    length = 0
  }
  if (length > 0) await out.write(block.join(''))
}
