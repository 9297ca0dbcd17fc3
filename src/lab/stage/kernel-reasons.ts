import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { run } from './process.ts'
import type { Slot } from './slot.ts'
import type { Undo } from './undo.ts'

/** One RST that this kernel built, and its own reason for it (Linux 6.10 and later; before, the reason is '?'). */
export interface ResetReason {
  /** Epoch milliseconds. */
  atMs: number
  from: string
  to: string
  state: string
  reason: string
  /** The process, or null when it was an interrupt, where the name says nothing. */
  process: string | null
}

/** Where tracefs is, or where a stage mounts it when it is not. */
const MOUNTED = '/sys/kernel/tracing'
const EVENT = 'events/tcp/tcp_send_reset'

/** The folder below a stage's own where tracefs is mounted when the machine has not done so. */
const OWN_MOUNT = 'tracing'

/** The tracepoint tcp:tcp_send_reset, read from a private instance; null where this kernel has none. */
export async function traceResets(
  { prefix, folder }: Slot,
  undo: Undo,
): Promise<{ read(network: string): ResetReason[] } | null> {
  try {
    const instance = `${await tracefs(folder, undo)}/instances/${prefix}`
    mkdirSync(instance)
    undo.add(`removing the trace instance ${prefix}`, () => rmdirSync(instance))
    writeFileSync(`${instance}/trace_clock`, 'mono')
    writeFileSync(`${instance}/buffer_size_kb`, '4096')
    writeFileSync(`${instance}/${EVENT}/enable`, '1')
    return { read: (network) => readReasons(instance, network) }
  } catch {
    return null
  }
}

async function tracefs(folder: string, undo: Undo): Promise<string> {
  if (existsSync(`${MOUNTED}/instances`)) return MOUNTED
  const own = `${folder}/${OWN_MOUNT}`
  mkdirSync(own)
  await run(['mount', '-t', 'tracefs', 'tracefs', own])
  undo.add(`unmounting ${own}`, () => run(['umount', own]))
  return own
}

/** After a run that was killed: its trace instance, and its mount. */
export async function removeTracing({ prefix, folder }: Slot): Promise<void> {
  const own = `${folder}/${OWN_MOUNT}`
  for (const root of [MOUNTED, own]) {
    const instance = `${root}/instances/${prefix}`
    if (existsSync(instance)) rmdirSync(instance)
  }
  if (existsSync(`${own}/instances`)) await run(['umount', own])
}

// "python3-812 [001] ..s1. 55.123456: tcp_send_reset: ... src=10.64.2.2:80 dest=... state=TCP_LISTEN reason=INVALID_SYN"
const LINE =
  /^ *(.+)-(\d+) +\[\d+\] (\S+) +([\d.]+): tcp_send_reset:.*?src=(\S+) dest=(\S+) state=(\S+)(?: reason=(\S+))?/

/** Tracepoints know no namespace: those of other networks are left out. What a listener sends has no addresses. */
function readReasons(instance: string, network: string): ResetReason[] {
  const epochMs = Date.now() - Number(process.hrtime.bigint()) / 1e6
  return readFileSync(`${instance}/trace`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const found = parseReset(line)
      if (found === null) return []
      const ours = found.from.startsWith(network) || found.to.startsWith(network)
      return ours || found.to.endsWith(':0') ? [{ ...found, atMs: found.atMs + epochMs }] : []
    })
}

/** `atMs` is on the trace's clock. */
export function parseReset(line: string): ResetReason | null {
  const words = LINE.exec(line)
  if (words === null) return null
  const [, command = '', , flags = '', at = '', from = '', to = '', state = '', reason = '?'] =
    words
  const interrupt = /[shHzZ]/.test(flags[2] ?? '')
  return { atMs: Number(at) * 1000, from, to, state, reason, process: interrupt ? null : command }
}
