import { close, fchown, fsync, open, realpath, rename, stat, unlink, write } from 'node:fs'
import { promisify } from 'node:util'
import { TcpwhyError } from '../base/errors.ts'
import { type Output, unwritable } from './io.ts'

export interface FileOutput extends Output {
  /** The file is now there, whole. */
  close(): Promise<void>
  /** Nothing is left of it; what was there before stays. */
  discard(): Promise<void>
}

const calls = {
  open: promisify(open),
  close: promisify(close),
  fchown: promisify(fchown),
  fsync: promisify(fsync),
  rename: promisify(rename),
  unlink: promisify(unlink),
  realpath: promisify(realpath),
  stat: promisify(stat),
  write: promisify(write),
}

/**
 * A file that appears whole or not at all: written beside its place and renamed. Pipes and devices (/dev/stdout, a
 * FIFO) are written directly.   @throws TcpwhyError OUTPUT_UNWRITABLE, from `write` and `close` too
 */
export async function openFile(path: string, as: FileOwner = {}): Promise<FileOutput> {
  return explain(path, async () => {
    const target = await calls.realpath(path).catch(() => path)
    const there = await calls.stat(target).catch(() => null)
    if (there !== null && !there.isFile()) return direct(path, await calls.open(path, 'w'))
    const beside = as.beside?.(target) ?? `${target}.${process.pid}.part`
    const fd = await calls.open(beside, 'wx', there?.mode ?? as.mode ?? 0o666)
    const file = renamed(path, target, beside, fd)
    if (as.owner != null && there === null) await owned(file, fd, as.owner)
    return file
  })
}

/** Of a file that was not there before. */
export interface FileOwner {
  mode?: number
  /** Where it is written until it is whole; null: the usual place. */
  beside?: (target: string) => string | null
  owner?: { uid: number; gid: number } | null
}

async function owned(file: FileOutput, fd: number, of: { uid: number; gid: number }) {
  try {
    await calls.fchown(fd, of.uid, of.gid)
  } catch (cause) {
    await file.discard()
    throw cause
  }
}

/** Numbers of files on Windows are longer than ours: rounded, two files would be one. */
const EXACTLY = { bigint: true } as const

/**
 * The capture is the evidence: no output may take its place.
 * @throws TcpwhyError BAD_ARGUMENT when `path` is one of the inputs, by whatever name
 */
export async function refuseInput(path: string, inputs: readonly string[]): Promise<void> {
  const there = await calls.stat(path, EXACTLY).catch(() => null)
  if (there === null || !there.isFile()) return
  for (const input of inputs) {
    const read = await calls.stat(input, EXACTLY).catch(() => null)
    if (read === null || read.ino !== there.ino || read.dev !== there.dev) continue
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      `${path} is the capture that is to be read`,
      'Write to another file: the capture is the evidence.',
    )
  }
}

function direct(path: string, fd: number): FileOutput {
  return {
    isTerminal: async () => false,
    write: (text) => explain(path, () => writeAll(fd, text)),
    close: () => explain(path, () => calls.close(fd)),
    discard: () => calls.close(fd).catch(() => {}),
  }
}

function renamed(path: string, target: string, beside: string, fd: number): FileOutput {
  return {
    isTerminal: async () => false,
    write: (text) => explain(path, () => writeAll(fd, text)),
    close: () =>
      explain(path, async () => {
        await calls.fsync(fd)
        await calls.close(fd)
        await calls.rename(beside, target)
      }),
    async discard() {
      await calls.close(fd).catch(() => {})
      await calls.unlink(beside).catch(() => {})
    },
  }
}

async function writeAll(fd: number, text: string | Uint8Array): Promise<void> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  let at = 0
  while (at < bytes.length)
    at += (await calls.write(fd, bytes, at, bytes.length - at, null)).bytesWritten
}

async function explain<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw unwritable(path, cause)
  }
}
