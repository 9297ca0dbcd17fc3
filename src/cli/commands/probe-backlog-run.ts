import { backlogText } from '../../report/probe/backlog-text.ts'
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
import type { App, Arguments } from '../spec.ts'

const DEFAULT_CONNECTIONS = 200
const DEFAULT_TIMEOUT_MS = 3000

/** `tcpwhy probe backlog`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const { options } = args
  const request = {
    target: onlyTarget(args, 'backlog'),
    http: httpPath(options),
    connections:
      wholeNumber(options, 'connections', { min: 1, max: 20_000 }) ?? DEFAULT_CONNECTIONS,
    timeoutMs: time(options, 'timeout', { min: 10, max: 600_000 }) ?? DEFAULT_TIMEOUT_MS,
  }
  const { probeBacklog } = await app.probe()
  const report = await interruptible(io, (stop) =>
    probeBacklog(request, hooksOf('backlog', options, io, stop)),
  )
  return showResult(report, options, io, backlogText)
}
