import { readFileSync } from 'node:fs'
import type { SnapshotOptions } from '../../app/bundle/snapshot.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { snapshotWords } from '../../messages/en/snapshot.ts'
import { formatOctets, render } from '../../messages/render.ts'
import { printable } from '../../report/printable.ts'
import { portNumber } from '../analyze-arguments.ts'
import { parseDuration } from '../duration.ts'
import { openFile } from '../file.ts'
import type { Io } from '../io.ts'
import { processId } from '../process-id.ts'
import { countdown as countdownOn } from '../progress.ts'
import { parseSize } from '../size.ts'
import type { App, Arguments } from '../spec.ts'

const FOR_MS = 3000
const MAX_FOR_MS = 3_600_000
const MIB = 1024 * 1024
const SIZE = { min: 256 * 1024, max: 1024 * MIB }
const DEFAULT_SIZE = 50 * MIB
/** What the host looks like is for who asked. */
const MODE = 0o600

/** `tcpwhy snapshot`. @throws TcpwhyError BAD_ARGUMENT, HOST_*, OUTPUT_UNWRITABLE */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const options = optionsOf(args)
  const output = args.options['output']?.[0] ?? null
  const quiet = args.options['quiet'] !== undefined
  const takeSnapshot = await app.snapshot()
  const finish = new AbortController()
  const stopListening = io.onInterrupt(() => finish.abort())
  const progress = quiet ? null : await countdown(io)
  try {
    const taken = await takeSnapshot({
      ...options,
      finish: finish.signal,
      ...(progress === null ? {} : { onProgress: progress.show }),
    })
    await progress?.clear()
    const path = output ?? taken.fileName
    await write(path, taken.pieces, io)
    if (!quiet) await tell(path, taken, io)
    return 0
  } finally {
    await progress?.clear()
    stopListening()
  }
}

type Taken = Awaited<ReturnType<Awaited<ReturnType<App['snapshot']>>>>

async function countdown(io: Io) {
  if (!(await io.err.isTerminal())) return null
  return countdownOn(io.err, snapshotWords.finish)
}

async function write(path: string, pieces: readonly Uint8Array[], io: Io): Promise<void> {
  if (path === '-') {
    for (const piece of pieces) await io.out.write(piece)
    return
  }
  const owner = whoAsked(io)
  const { partBeside } = await import('../../app/bundle/part-file.ts')
  const uids = [process.getuid?.(), owner?.uid].filter((uid) => uid !== undefined)
  const beside = (target: string) => partBeside(target, uids)
  const file = await openFile(path, { mode: MODE, owner, beside })
  try {
    for (const piece of pieces) await file.write(piece)
    await file.close()
  } catch (cause) {
    await file.discard()
    throw cause
  }
}

/** Who typed sudo: else the bundle could be read by root only, and not be copied away. */
function whoAsked({ env }: Io): { uid: number; gid: number } | null {
  const { SUDO_UID: uid, SUDO_GID: gid } = env
  const isId = (text: string | undefined) => text !== undefined && /^\d{1,9}$/.test(text)
  return isId(uid) && isId(gid) ? { uid: Number(uid), gid: Number(gid) } : null
}

/** Where it is, what is not in it, and what to do with it; beside a bundle on standard output there is room on standard error. */
async function tell(path: string, { manifest, octets }: Taken, io: Io): Promise<void> {
  const out = path === '-' ? io.err : io.out
  const name = path === '-' ? snapshotWords.standardOutput : path
  const lines = [render(snapshotWords.written, { name, size: formatOctets(octets) })]
  if (manifest.partial !== null)
    lines.push(render(snapshotWords.partial, { why: manifest.partial }))
  for (const { what, why } of manifest.leftOut) {
    lines.push(render(snapshotWords.leftOut, { what, why }))
  }
  if (manifest.redacted) lines.push(snapshotWords.redacted)
  if (path !== '-') lines.push(render(snapshotWords.next, { name }))
  await out.write(lines.map((line) => `${printable(line)}\n`).join(''))
}

/** Shorter could be tried out. */
const KEY_OCTETS = 16
const MAX_KEY_OCTETS = 65_536

/** A file and no word: a command line is seen by everybody and kept in histories. @throws TcpwhyError BAD_ARGUMENT */
function keyOf(path: string): Uint8Array {
  const todo = `Make one that all hosts use, and keep it from whoever gets the bundles: head -c 32 /dev/urandom > ${path}`
  try {
    const octets = readFileSync(path)
    if (octets.length >= KEY_OCTETS && octets.length <= MAX_KEY_OCTETS) return octets
  } catch (cause) {
    const { code = 'EIO' } = cause as NodeJS.ErrnoException
    throw new TcpwhyError('BAD_ARGUMENT', `--redact-key: cannot read ${path}: ${code}`, todo, {
      cause,
    })
  }
  const what = `--redact-key: ${path} is no key: it must have ${KEY_OCTETS} to ${MAX_KEY_OCTETS} octets`
  throw new TcpwhyError('BAD_ARGUMENT', what, todo)
}

/** @throws TcpwhyError BAD_ARGUMENT */
function optionsOf({ options }: Arguments): SnapshotOptions {
  const one = (name: string) => options[name]?.[0]
  const [time, netns, container, size] = ['for', 'netns', 'container', 'max-size'].map(one)
  if (netns !== undefined && container !== undefined) {
    const todo = 'Give the one that says it best.'
    throw new TcpwhyError('BAD_ARGUMENT', '--netns and --container exclude each other', todo)
  }
  const range = { min: 0, max: MAX_FOR_MS }
  return {
    forMs: time === undefined ? FOR_MS : parseDuration('--for', time, range),
    ...(options['pid'] === undefined ? {} : { pids: options['pid'].map(processId) }),
    ...(options['port'] === undefined ? {} : { ports: options['port'].map(portNumber) }),
    ...(netns === undefined ? {} : { netns }),
    ...(container === undefined ? {} : { container }),
    maxOctets: size === undefined ? DEFAULT_SIZE : parseSize('--max-size', size, SIZE),
    redact: options['redact'] !== undefined || options['redact-key'] !== undefined,
    ...(options['redact-key'] === undefined ? {} : { redactKey: keyOf(options['redact-key'][0]!) }),
  }
}
