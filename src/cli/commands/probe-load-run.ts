import type { LoadRequest } from '../../app/probe/index.ts'
import { TcpwhyError } from '../../base/errors.ts'
import type { LoadBurst, LoadLine } from '../../probe/load/report.ts'
import { jsonText } from '../../report/printable.ts'
import { loadText } from '../../report/probe/load-text.ts'
import { parseDuration } from '../duration.ts'
import type { Io } from '../io.ts'
import { hooksOf, interruptible, onlyTarget, showResult, time, wholeNumber } from '../probe-io.ts'
import type { App, Arguments } from '../spec.ts'

const DEFAULT_CONCURRENCY = 10
const MOST_AT_ONCE = 20_000
const DEFAULT_FOR_MS = 10_000
const DEFAULT_STEP_MS = 5000
const LEAST_STEP_MS = 1000
const MOST_STEPS = 20
const DEFAULT_TIMEOUT_MS = 5000
const RANGE = { min: 1, max: 86_400_000 }

/** `tcpwhy probe load`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const request = loadRequest(args)
  const { options } = args
  const { probeLoad } = await app.probe()
  const lines = options['json-lines'] === undefined ? null : lineWriter(options, io)
  const report = await interruptible(io, (stop) =>
    probeLoad(request, {
      ...hooksOf('load', options, io, stop),
      onSample: (sample) => lines?.write({ is: 'sample', sample }),
      onAllBegun: (at) => lines?.write({ is: 'all-begun', ...at }),
    }),
  )
  if (lines === null) return showResult(report, options, io, loadText)
  lines.write({ is: 'result', report })
  await lines.written()
  return report.decided ? 0 : 3
}

/** One line of JSON for each. @throws TcpwhyError BAD_ARGUMENT */
function lineWriter(options: Arguments['options'], io: Io) {
  for (const other of ['json', 'output']) {
    if (options[other] !== undefined) throw together('--json-lines', `--${other}`)
  }
  let writing = Promise.resolve()
  return {
    write(line: LoadLine) {
      writing = writing.then(() => io.out.write(`${jsonText(line)}\n`))
      // Whoever waits at the end is told.
      writing.catch(() => {})
    },
    written: () => writing,
  }
}

function together(one: string, other: string): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `${one} and ${other} exclude each other`,
    'Give one of them.',
  )
}

function loadRequest(args: Arguments): LoadRequest {
  const { options } = args
  const requestTimeoutMs = time(options, 'timeout', RANGE) ?? DEFAULT_TIMEOUT_MS
  const maxConnections = wholeNumber(options, 'max-connections', { min: 1, max: 999_999_999 })
  const common = {
    target: onlyTarget(args, 'load'),
    method: options['method']?.[0] ?? 'GET',
    connectTimeoutMs: time(options, 'connect-timeout', RANGE) ?? requestTimeoutMs,
    requestTimeoutMs,
    ...(maxConnections === null ? {} : { maxConnections }),
  }
  const bursts = burstsOf(options)
  if (bursts.length > 0) {
    const concurrency = bursts.reduce((sum, { count }) => sum + count, 0)
    if (concurrency > MOST_AT_ONCE) throw badBurst(`${concurrency} connections in all`)
    const none = { count: null, forMs: null, ratePerS: null }
    return { ...common, ...none, keepAlive: false, concurrency, bursts }
  }
  const count = wholeNumber(options, 'count', { min: 1, max: 999_999_999 })
  const steps = stepsOf(options)
  if (steps !== null) {
    const forMs = time(options, 'for', RANGE) ?? steps.length * DEFAULT_STEP_MS
    if (forMs / steps.length < LEAST_STEP_MS) throw shortSteps(steps.length)
    const keepAlive = options['one-shot'] === undefined
    const concurrency = Math.max(...steps)
    return { ...common, keepAlive, concurrency, steps, count: null, forMs, ratePerS: null }
  }
  const concurrency =
    wholeNumber(options, 'concurrency', { min: 1, max: MOST_AT_ONCE }) ?? DEFAULT_CONCURRENCY
  return {
    ...common,
    keepAlive: options['one-shot'] === undefined,
    // So many clients that each has a connection of its own.
    concurrency: Math.min(concurrency, maxConnections ?? concurrency),
    count,
    forMs: time(options, 'for', RANGE) ?? (count === null ? DEFAULT_FOR_MS : null),
    ratePerS: wholeNumber(options, 'rate', { min: 1, max: 1_000_000 }),
  }
}

/** `--concurrency 10,20,40`, null for one number. @throws TcpwhyError BAD_ARGUMENT */
function stepsOf(options: Arguments['options']): number[] | null {
  const text = options['concurrency']?.[0] ?? ''
  if (!text.includes(',')) return null
  for (const other of ['rate', 'count']) {
    if (options[other] !== undefined) throw together('--concurrency with several', `--${other}`)
  }
  const steps = text.split(',').map(Number)
  const isTaken = (n: number, i: number) =>
    Number.isInteger(n) && n > (steps[i - 1] ?? 0) && n <= MOST_AT_ONCE
  if (/^[\d,]+$/.test(text) && steps.length <= MOST_STEPS && steps.every(isTaken)) return steps
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--concurrency ${text} is not a list that it takes`,
    `Write 10,20,40,80: at most ${MOST_STEPS} whole numbers from 1 to ${MOST_AT_ONCE}, each larger than the one before.`,
  )
}

function shortSteps(count: number): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `Steps of less than ${LEAST_STEP_MS / 1000} s tell nothing`,
    `Give --for ${(count * LEAST_STEP_MS) / 1000}s or more, or fewer steps.`,
  )
}

/** `--burst 100@2s`, earliest first. */
function burstsOf(options: Arguments['options']): LoadBurst[] {
  const given = options['burst'] ?? []
  for (const other of ['rate', 'count', 'for', 'concurrency']) {
    if (given.length > 0 && options[other] !== undefined) throw together('--burst', `--${other}`)
  }
  return given.map(burstOf).sort((a, b) => a.atMs - b.atMs)
}

function burstOf(text: string): LoadBurst {
  const [, count = '', at = ''] = /^(\d{1,5})@(.+)$/.exec(text) ?? []
  if (Number(count) < 1) throw badBurst(`--burst ${text}`)
  return { count: Number(count), atMs: parseDuration('--burst N@', at, { ...RANGE, min: 0 }) }
}

function badBurst(what: string): TcpwhyError {
  const todo = `Write 1000@0s: 1 to ${MOST_AT_ONCE} connections, and when.`
  return new TcpwhyError('BAD_ARGUMENT', `${what} is not a burst that it takes`, todo)
}
