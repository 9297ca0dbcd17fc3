import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { TcpwhyError } from '../../base/errors.ts'
import type { Outcome, TrialResult } from '../../probe/idle/types.ts'
import type { PacketSeen } from '../../probe/port.ts'

/** Results of an experiment that takes long, kept as they come: JSON lines, the first says whose they are. */
export interface ProbeState {
  /** Of an earlier run, by target. */
  known(targets: number): TrialResult[][]
  add(target: number, result: TrialResult): void
  /** The first of `add` that could not be written, the system's word; null: all were. An experiment of hours is not given up for that. */
  readonly lost: string | null
  close(): Promise<void>
}

const SCHEMA = 'tcpwhy.probe-state/1'
const MAX_OCTETS = 16 * 1024 * 1024

/** @throws TcpwhyError BAD_ARGUMENT when the file is of another experiment; OUTPUT_UNWRITABLE */
export async function openState(path: string, key: readonly string[]): Promise<ProbeState> {
  const lines = existsSync(path) ? linesOf(path) : []
  const [head, ...rest] = lines
  if (head !== undefined && !isHead(head, key)) throw another(path)
  const fd = opened(path)
  let lost: string | null = null
  const write = (value: object) => {
    try {
      writeSync(fd, `${JSON.stringify(value)}\n`)
    } catch (cause) {
      throw unwritable(path, cause)
    }
  }
  if (head === undefined) write({ schema: SCHEMA, key })
  return {
    known: (targets) => {
      const known: TrialResult[][] = Array.from({ length: targets }, () => [])
      for (const line of rest) {
        const { target, result } = line as { target: unknown; result: unknown }
        if (typeof target === 'number' && isResult(result)) known[target]?.push(result)
      }
      return known
    },
    add: (target, result) => {
      if (lost !== null) return
      try {
        write({ target, result })
      } catch (error) {
        lost = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
      }
    },
    get lost() {
      return lost
    },
    close: async () => closeSync(fd),
  }
}

function linesOf(path: string): unknown[] {
  const text = readFileSync(path, 'utf8')
  if (text.length > MAX_OCTETS) throw another(path)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => parsed(line) ?? [])
}

/** A run that was killed may have left half a line: the others count. */
function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function isHead(line: unknown, key: readonly string[]): boolean {
  const { schema, key: told } = line as { schema?: unknown; key?: unknown }
  return schema === SCHEMA && JSON.stringify(told) === JSON.stringify(key)
}

const OUTCOMES: readonly Outcome[] = ['ok', 'fin', 'reset', 'silent', 'unusable']

function isResult(value: unknown): value is TrialResult {
  if (typeof value !== 'object' || value === null) return false
  const { silenceMs, fromMs, toMs, outcome, onSend, keepalive, heartbeatMs, seen } =
    value as TrialResult
  return (
    [silenceMs, fromMs, toMs].every((ms) => Number.isFinite(ms) && ms >= 0) &&
    OUTCOMES.includes(outcome) &&
    typeof onSend === 'boolean' &&
    (heartbeatMs === null || Number.isFinite(heartbeatMs)) &&
    (keepalive === null || Number.isFinite(keepalive.idleS)) &&
    Array.isArray(seen) &&
    seen.every((packet: PacketSeen) => Number.isFinite(packet?.ttl))
  )
}

function opened(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): TcpwhyError {
  return new TcpwhyError(
    'OUTPUT_UNWRITABLE',
    `Cannot write ${path} (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`,
    'Check that the folder of --state exists, that you may write there and that the disk is not full.',
    { cause },
  )
}

function another(path: string): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `${path} does not hold results of this experiment`,
    'Give the same targets and request as in the run that wrote it, or another file.',
  )
}
