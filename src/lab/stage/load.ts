import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { programPath } from '../programs.ts'
import type { Host } from './host.ts'
import { running } from './process.ts'
import type { Undo } from './undo.ts'
import { failed } from './wait.ts'

/** Requests, each on a new connection: in bursts, or so many a second. */
export interface LoadPlan {
  host: string
  port: number
  path?: string
  timeoutMs: number
  /** Answers that took longer are counted as slow. */
  slowMs?: number
  bursts?: readonly { atMs: number; count: number }[]
  rate?: number
  forMs?: number
  sources?: readonly string[]
}

/** How requests ended, by their TCP cause. */
export interface LoadCounts {
  sent: number
  answered: number
  slow: number
  refused: number
  resetBeforeAnswer: number
  timeoutConnect: number
  timeoutAnswer: number
  eof: number
  httpError: number
  other: number
  open: number
  p50: number
  p95: number
  max: number
}

export interface Load {
  /** The last half second's state. */
  now(): LoadCounts
  /** Every connection of the plan has been begun. */
  allSent: Promise<void>
  done: Promise<LoadCounts>
}

const NONE: LoadCounts = {
  sent: 0,
  answered: 0,
  slow: 0,
  refused: 0,
  resetBeforeAnswer: 0,
  timeoutConnect: 0,
  timeoutAnswer: 0,
  eof: 0,
  httpError: 0,
  other: 0,
  open: 0,
  p50: 0,
  p95: 0,
  max: 0,
}

/** Failed requests of any kind. */
export function failures(counts: LoadCounts): number {
  const { refused, resetBeforeAnswer, timeoutConnect, timeoutAnswer, eof, httpError, other } =
    counts
  return refused + resetBeforeAnswer + timeoutConnect + timeoutAnswer + eof + httpError + other
}

export function startLoad(host: Host, plan: LoadPlan, undo: Undo): Load {
  const words = [...host.enter, process.execPath, programPath('load.mjs'), JSON.stringify(plan)]
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
      const said = JSON.parse(line)
      last = said
      if (said.allSent === true) sent()
      if (said.done === true) resolve(last)
    })
    child.on('error', (cause) => reject(failed(`load: ${cause.message}`, cause)))
    child.on('close', () => reject(failed(`load: ended early: ${complaint.slice(-400)}`)))
  })
  // Whoever does not wait for it must not be told of its failure as an unhandled one.
  done.catch(() => {})
  return { now: () => last, allSent: Promise.race([allSent, done.then(() => {})]), done }
}
