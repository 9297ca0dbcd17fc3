import type { IdleRequest } from '../../app/probe/index.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { idleProgressLines } from '../../report/probe/idle-progress-text.ts'
import { idleText } from '../../report/probe/idle-text.ts'
import type { Io } from '../io.ts'
import { hooksOf, httpPath, interruptible, showResult, time, withPath } from '../probe-io.ts'
import { liveLines } from '../progress.ts'
import type { App, Arguments } from '../spec.ts'

const DEFAULT_MAX_MS = 3_600_000
const DEFAULT_PRECISION_MS = 5000
const DAY_MS = 86_400_000

/** `tcpwhy probe idle`. @throws TcpwhyError BAD_ARGUMENT, PROBE_* */
export async function run(given: Arguments, io: Io, app: App): Promise<number> {
  const args = withPath(given)
  const request = idleRequest(args, io.env)
  const { options } = args
  const { probeIdle } = await app.probe()
  const isLive = options['quiet'] === undefined && (await io.err.isTerminal())
  const live = liveLines(io.err)
  const report = await interruptible(io, (stop) =>
    probeIdle(request, {
      ...hooksOf('idle', options, io, stop),
      ...(isLive ? { onProgress: (progress) => void live.show(idleProgressLines(progress)) } : {}),
    }).finally(() => live.clear()),
  )
  return showResult(report, options, io, idleText)
}

function idleRequest({ options, operands }: Arguments, env: Io['env']): IdleRequest {
  const state = options['state']?.[0]
  const maxMs = time(options, 'max', { min: 1000, max: DAY_MS }) ?? DEFAULT_MAX_MS
  const precisionMs = time(options, 'precision', { min: 100, max: DAY_MS })
  if (precisionMs !== null && precisionMs > maxMs) throw tooCoarse(options)
  return {
    targets: operands,
    maxMs,
    precisionMs: precisionMs ?? DEFAULT_PRECISION_MS,
    keepalive: keepaliveOf(options['keepalive']?.[0]),
    say: sayOf(options, env),
    forClient: (options['for-client'] ?? []).flatMap((text) => text.split(',')),
    ...(state === undefined ? {} : { state }),
  }
}

function tooCoarse({ precision, max }: Arguments['options']): TcpwhyError {
  const silence = max?.[0] ?? `${DEFAULT_MAX_MS / 60_000}m`
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `--precision ${precision?.[0]} is longer than the longest silence that is tried (--max ${silence})`,
    'Give a smaller --precision, a twentieth of --max for example, or a larger --max.',
  )
}

function sayOf(options: Arguments['options'], env: Io['env']): IdleRequest['say'] {
  const given = ['http', 'send', 'mysql-ping', 'send-octet'].filter(
    (name) => options[name] !== undefined,
  )
  if (given.length > 1) {
    const names = given.map((name) => `--${name}`).join(' and ')
    throw new TcpwhyError('BAD_ARGUMENT', `${names} exclude each other`, 'Give one of them.')
  }
  const path = httpPath(options)
  if (path !== null) return { is: 'http', path }
  const [file] = options['send'] ?? []
  if (file !== undefined) return { is: 'file', path: file }
  if (options['mysql-ping'] !== undefined) {
    const user = env['TCPWHY_MYSQL_USER'] ?? ''
    return { is: 'mysql', user, password: env['TCPWHY_MYSQL_PASSWORD'] ?? '' }
  }
  return options['send-octet'] === undefined ? null : { is: 'octet' }
}

/** Linux's own limits: TCP_KEEPIDLE and TCP_KEEPINTVL up to 32,767 s, TCP_KEEPCNT up to 127. */
const KEEPALIVE = /^(\d{1,5})\/(\d{1,5})\/(\d{1,3})$/

function keepaliveOf(text: string | undefined): IdleRequest['keepalive'] {
  if (text === undefined) return null
  const match = KEEPALIVE.exec(text)
  const [idleS = 0, intervalS = 0, count = 0] = match?.slice(1).map(Number) ?? []
  const isInRange = [idleS, intervalS].every((s) => s >= 1 && s <= 32_767)
  if (isInRange && count >= 1 && count <= 127) return { idleS, intervalS, count }
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--keepalive ${text} is not understood`,
    'Write seconds until the first probe, seconds between probes, and how many: 60/60/5.',
  )
}
