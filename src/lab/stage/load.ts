import { spawn } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { FailureKind } from '../../probe/load/failures.ts'
import type { LoadLine, LoadReport, LoadSample } from '../../probe/load/report.ts'
import { commandPath } from '../programs.ts'
import type { Host } from './host.ts'
import { running } from './process.ts'
import type { Undo } from './undo.ts'
import { failed } from './wait.ts'

/** Requests, each on a new connection: in bursts, or so many a second for so long. */
export type LoadPlan = {
  /** An IPv4 address. */
  host: string
  port: number
  path?: string
  /** Limit of the handshake, and again of the answer. */
  timeoutMs: number
} & (
  | { bursts: readonly { atMs: number; count: number }[] }
  | { bursts?: never; rate: number; forMs: number }
)

/** How requests ended. */
export interface LoadCounts {
  sent: number
  /** With a status below 500. */
  answered: number
  serverErrors: number
  /** Took longer than 500 ms; known at the end. */
  slow: number
  /** By what TCP did: src/probe/load/failures.ts */
  failures: Partial<Record<FailureKind, number>>
  /** Under way. */
  open: number
  /** Of all answers, milliseconds; known at the end. */
  p50: number
  p90: number
  max: number
}

export interface Load {
  /** As of the last second. */
  now(): LoadCounts
  /** Every connection of the plan has been begun. */
  allSent: Promise<void>
  done: Promise<LoadCounts>
  /** Nothing new is begun; `done` comes when what is under way has ended. */
  stop(): void
}

export const NONE: LoadCounts = {
  sent: 0,
  answered: 0,
  serverErrors: 0,
  slow: 0,
  failures: {},
  open: 0,
  p50: 0,
  p90: 0,
  max: 0,
}

/** What people call these kinds. */
const GROUPS = {
  refused: ['connect-refused'],
  reset: ['connect-reset', 'send-reset', 'receive-reset', 'response-reset'],
  noConnection: ['connect-timeout'],
  noAnswer: ['send-timeout', 'receive-timeout', 'response-timeout'],
  earlyEnd: ['receive-eof', 'response-eof'],
} as const satisfies Record<string, readonly FailureKind[]>

export function failuresOf({ failures }: LoadCounts, group: keyof typeof GROUPS): number {
  return GROUPS[group].reduce((sum, kind) => sum + (failures[kind] ?? 0), 0)
}

/** Failed requests of any kind, those with a status of 500 or more included. */
export function failures(counts: LoadCounts): number {
  return Object.values(counts.failures).reduce((sum, n) => sum + n, counts.serverErrors)
}

/** Sums; of latencies the largest. */
export function sumOf(all: readonly LoadCounts[]): LoadCounts {
  const add = (key: 'sent' | 'answered' | 'serverErrors' | 'slow' | 'open') =>
    all.reduce((sum, counts) => sum + counts[key], 0)
  const most = (key: 'p50' | 'p90' | 'max') => Math.max(0, ...all.map((counts) => counts[key]))
  return {
    sent: add('sent'),
    answered: add('answered'),
    serverErrors: add('serverErrors'),
    slow: add('slow'),
    failures: all.reduce<Failures>((sum, { failures }) => together(sum, failures), {}),
    open: add('open'),
    p50: most('p50'),
    p90: most('p90'),
    max: most('max'),
  }
}

type Failures = LoadCounts['failures']

function together(a: Failures, b: Failures): Failures {
  const kinds = Object.keys({ ...a, ...b }) as FailureKind[]
  return Object.fromEntries(kinds.map((kind) => [kind, (a[kind] ?? 0) + (b[kind] ?? 0)]))
}

/** What there was until now, and one second more. */
export function after(counts: LoadCounts, sample: LoadSample): LoadCounts {
  const { answered, serverErrors, failed: failedNow, inFlight } = sample
  const ended = counts.sent - counts.open + answered + failedNow
  return {
    ...counts,
    sent: ended + inFlight,
    answered: counts.answered + answered - serverErrors,
    serverErrors: counts.serverErrors + serverErrors,
    failures: together(counts.failures, sample.failures),
    open: inFlight,
  }
}

function atTheEnd({ requests, statuses, failures, latencyMs }: LoadReport): LoadCounts {
  const serverErrors = Object.entries(statuses).reduce(
    (sum, [status, count]) => sum + (Number(status) >= 500 ? count : 0),
    0,
  )
  const { p50 = 0, p90 = 0, max = 0 } = latencyMs.measured ?? {}
  return {
    sent: requests.begun,
    answered: requests.answered - serverErrors,
    serverErrors,
    slow: latencyMs.slower.find(({ thanMs }) => thanMs === SLOW_MS)?.count ?? 0,
    failures: Object.fromEntries(failures.map(({ kind, count }) => [kind, count])),
    open: requests.unfinished,
    p50: Math.round(p50),
    p90: Math.round(p90),
    max: Math.round(max),
  }
}

const SLOW_MS = 500
/** As many again as can be under way: a client whose server has not closed yet is not free. */
const SPARE = 2

/** The words of `tcpwhy probe load`. */
export function loadWords(plan: LoadPlan): string[] {
  const { host, port, path = '/', timeoutMs } = plan
  const words = ['probe', 'load', `http://${host}:${port}${path}`, '--timeout', `${timeoutMs}ms`]
  const always = ['--one-shot', '--json-lines', '--quiet', '--yes-i-own-this']
  if (plan.bursts !== undefined) {
    const bursts = plan.bursts.flatMap(({ atMs, count }) => ['--burst', `${count}@${atMs}ms`])
    return [...words, ...always, ...bursts]
  }
  const { rate, forMs } = plan
  const count = Math.floor((rate * forMs) / 1000)
  const underWay = Math.ceil((rate * 2 * timeoutMs) / 1000)
  const shape = { rate, count, concurrency: Math.min(SPARE * underWay, count) }
  return [...words, ...always, ...Object.entries(shape).flatMap(([k, v]) => [`--${k}`, String(v)])]
}

/** `tcpwhy probe load` at a host; its lines are kept in `log`. */
export function startLoad(
  host: Host,
  plan: LoadPlan,
  { log, undo }: { log: string; undo: Undo },
): Load {
  const words = [...host.enter, process.execPath, commandPath(), ...loadWords(plan)]
  const [program = '', ...args] = words
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const load = running(child)
  undo.add('ending a load generator', () => load.end('SIGKILL'))
  let last = NONE
  let complaint = ''
  child.stderr.on('data', (octets: Buffer) => {
    complaint += octets.toString()
  })
  let sent = () => {}
  const allSent = new Promise<void>((resolve) => {
    sent = resolve
  })
  const done = new Promise<LoadCounts>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = lineOf(line)
      // One that was killed in the middle of a line, while its folder was being removed.
      if (said === null || !existsSync(dirname(log))) return
      appendFileSync(log, `${line}\n`)
      if (said.is === 'all-begun') sent()
      else if (said.is === 'sample') last = after(last, said.sample)
      else {
        last = atTheEnd(said.report)
        resolve(last)
      }
    })
    child.on('error', (cause) => reject(failed(`load: ${cause.message}`, cause)))
    child.on('close', () => reject(failed(`load: ended early: ${complaint.slice(-400)}`)))
  })
  const begun = Promise.race([allSent, done.then(() => {})])
  // Whoever does not wait for it must not be told of its failure as an unhandled one.
  for (const one of [done, begun]) one.catch(() => {})
  return { now: () => last, allSent: begun, done, stop: () => void child.kill('SIGINT') }
}

function lineOf(line: string): LoadLine | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
