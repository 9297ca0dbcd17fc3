import type { HttpRequest } from '../../app/probe/index.ts'
import { httpProgressLines, httpText } from '../../report/probe/http-text.ts'
import type { Io } from '../io.ts'
import {
  hooksOf,
  httpPath,
  interruptible,
  onlyTarget,
  showResult,
  time,
  wholeNumber,
} from '../probe-io.ts'
import { liveLines } from '../progress.ts'
import type { App, Arguments } from '../spec.ts'

const DEFAULT_MAX_MS = 120_000
const DEFAULT_REQUESTS = 120
const DEFAULT_RACE = 60
const DEFAULT_TIMEOUT_MS = 5000

/** `tcpwhy probe http`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const { options } = args
  const request: HttpRequest = {
    target: onlyTarget(args, 'http'),
    http: httpPath(options),
    maxIdleMs: time(options, 'max', { min: 100, max: 86_400_000 }) ?? DEFAULT_MAX_MS,
    requests: wholeNumber(options, 'requests', { min: 1, max: 100_000 }) ?? DEFAULT_REQUESTS,
    race: wholeNumber(options, 'race', { min: 0, max: 1000 }) ?? DEFAULT_RACE,
    timeoutMs: time(options, 'timeout', { min: 10, max: 600_000 }) ?? DEFAULT_TIMEOUT_MS,
    post: options['post'] !== undefined,
  }
  const { probeHttp } = await app.probe()
  const isLive = options['quiet'] === undefined && (await io.err.isTerminal())
  const live = liveLines(io.err)
  const report = await interruptible(io, (stop) =>
    probeHttp(request, {
      ...hooksOf('http', options, io, stop),
      ...(isLive ? { onProgress: (progress) => void live.show(httpProgressLines(progress)) } : {}),
    }).finally(() => live.clear()),
  )
  return showResult(report, options, io, httpText)
}
