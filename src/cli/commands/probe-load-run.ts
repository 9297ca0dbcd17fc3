import type { LoadRequest } from '../../app/probe/index.ts'
import { loadText } from '../../report/probe/load-text.ts'
import type { Io } from '../io.ts'
import { announcer, interruptible, onlyTarget, showResult, time, wholeNumber } from '../probe-io.ts'
import type { App, Arguments } from '../spec.ts'

const DEFAULT_CONCURRENCY = 10
const DEFAULT_FOR_MS = 10_000
const DEFAULT_TIMEOUT_MS = 5000
const RANGE = { min: 1, max: 86_400_000 }

/** `tcpwhy probe load`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const request = loadRequest(args)
  const { options } = args
  const { probeLoad } = await app.probe()
  const report = await interruptible(io, (stop) =>
    probeLoad(request, {
      stop,
      owned: options['yes-i-own-this'] !== undefined,
      onPlan: announcer('load', options, io),
    }),
  )
  return showResult(report, options, io, loadText)
}

function loadRequest(args: Arguments): LoadRequest {
  const { options } = args
  const count = wholeNumber(options, 'count', { min: 1, max: 999_999_999 })
  const requestTimeoutMs = time(options, 'timeout', RANGE) ?? DEFAULT_TIMEOUT_MS
  return {
    target: onlyTarget(args, 'load'),
    method: options['method']?.[0] ?? 'GET',
    keepAlive: options['one-shot'] === undefined,
    concurrency:
      wholeNumber(options, 'concurrency', { min: 1, max: 20_000 }) ?? DEFAULT_CONCURRENCY,
    count,
    forMs: time(options, 'for', RANGE) ?? (count === null ? DEFAULT_FOR_MS : null),
    ratePerS: wholeNumber(options, 'rate', { min: 1, max: 1_000_000 }),
    connectTimeoutMs: time(options, 'connect-timeout', RANGE) ?? requestTimeoutMs,
    requestTimeoutMs,
  }
}
