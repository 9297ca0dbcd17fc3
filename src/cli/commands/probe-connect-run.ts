import type { ConnectRequest } from '../../app/probe/index.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { connectText } from '../../report/probe/connect-text.ts'
import type { Io } from '../io.ts'
import { hooksOf, httpPath, interruptible, onlyTarget, showResult, time } from '../probe-io.ts'
import type { App, Arguments } from '../spec.ts'

const DEFAULT_MS = 10_000
const RANGE = { min: 10, max: 600_000 }

/** `tcpwhy probe connect`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const { options } = args
  const request = connectRequest(args)
  const { probeConnect } = await app.probe()
  const report = await interruptible(io, (stop) =>
    probeConnect(request, hooksOf('connect', options, io, stop)),
  )
  return showResult(report, options, io, connectText)
}

function connectRequest(args: Arguments): ConnectRequest {
  const { options } = args
  const isV4 = options['ipv4'] !== undefined
  const isV6 = options['ipv6'] !== undefined
  if (isV4 && isV6) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      '-4 and -6 exclude each other',
      'Leave both out for both.',
    )
  }
  return {
    target: onlyTarget(args, 'connect'),
    http: httpPath(options),
    connectMs: time(options, 'connect-timeout', RANGE) ?? DEFAULT_MS,
    answerMs: time(options, 'timeout', RANGE) ?? DEFAULT_MS,
    family: isV4 ? 4 : isV6 ? 6 : null,
    ...(options['no-walk'] === undefined ? {} : { walk: false }),
  }
}
