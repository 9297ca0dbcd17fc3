import type { Burst } from '../probe/backlog/report.ts'
import type { ConnectTarget } from '../probe/connect/report.ts'
import type { HttpReport } from '../probe/http/report.ts'
import type { IdleRun } from '../probe/idle/report.ts'
import type { LoadFailure } from '../probe/load/report.ts'
import type { ProbeReport } from '../probe/report.ts'

const MAX_ENTRIES = 1000
/** "[2001:db8::1%eth0]:65535" is 25. */
const MAX_ADDRESS = 100

/** Whether it is a result of an experiment. Only what is used is looked at: later versions have more fields. */
export function isProbeReport(value: unknown): value is ProbeReport {
  if (!isObject(value)) return false
  const { schema, probe, targets, startedAt, durationMs } = value
  return (
    schema === 'tcpwhy.probe/1' &&
    typeof startedAt === 'string' &&
    Number.isFinite(Date.parse(startedAt)) &&
    isNumber(durationMs) &&
    isList(targets, (t) => isText(t['address'])) &&
    typeof probe === 'string' &&
    Object.hasOwn(CHECKS, probe) &&
    CHECKS[probe as ProbeReport['probe']](value)
  )
}

type Fields = Record<string, unknown>

const CHECKS: Record<ProbeReport['probe'], (report: Fields) => boolean> = {
  idle: ({ targets }) =>
    isList(
      targets,
      ({ runs }) => Array.isArray(runs) && runs.every((r) => isObject(r) && isRun(r)),
    ),
  connect: ({ targets }) => isList(targets, isConnectTarget),
  backlog: ({ bursts, listener }) =>
    isList(bursts, isBurst) &&
    (listener === null || (isObject(listener) && isNumberOrNull(listener['limit']))),
  http: ({ idle, spent, race, roundTripMs, uploads }) =>
    isObject(spent) &&
    isNumber(spent['connections']) &&
    (idle === null || (isObject(idle) && isIdle(idle))) &&
    (uploads == null || isList(uploads, ({ ended }) => typeof ended === 'string')) &&
    (race === null || isList(race, ({ outcome }) => typeof outcome === 'string')) &&
    (roundTripMs === undefined || isNumberOrNull(roundTripMs)),
  load: ({ failures, requests, connections }) =>
    isFailures(failures) &&
    isObject(requests) &&
    isNumber(requests['begun']) &&
    isObject(connections) &&
    isNumber(connections['opened']),
}

function isRun(run: Fields): boolean {
  const { longestSurvivedMs, shortestDiedMs, flavour, by, attempts } = run as Partial<IdleRun>
  return (
    isNumber(longestSurvivedMs) &&
    isNumberOrNull(shortestDiedMs) &&
    [null, 'reset', 'silent', 'fin'].includes(flavour as string) &&
    [null, 'server', 'middlebox', 'unknown'].includes(by as string) &&
    Array.isArray(attempts)
  )
}

function isConnectTarget(target: Fields): boolean {
  const { verdict, visit, hops } = target as Partial<ConnectTarget>
  return typeof verdict === 'string' && isObject(visit) && isNumber(visit.endedMs) && isHops(hops)
}

function isHops(hops: unknown): boolean {
  if (hops === null) return true
  if (!isObject(hops) || !isNumberOrNull(hops['answerHops'])) return false
  const { answered } = hops
  if (answered === null) return true
  return (
    isObject(answered) &&
    isNumber(answered['ttl']) &&
    typeof answered['by'] === 'string' &&
    (answered['from'] === null || isText(answered['from']))
  )
}

function isBurst(burst: Fields): boolean {
  const { connections, answered, slowHandshakes, failures, counted } = burst as Partial<Burst>
  return (
    [connections, answered, slowHandshakes].every(isNumber) &&
    isFailures(failures) &&
    (counted === null ||
      (isObject(counted) &&
        isNumber(counted.deepest) &&
        isNumber(counted.listenOverflows) &&
        isNumberOrNull(counted.drops)))
  )
}

function isIdle(idle: Fields): boolean {
  const { closedAfterMs, how, waitedMs } = idle as Partial<NonNullable<HttpReport['idle']>>
  return (
    isNumberOrNull(closedAfterMs) &&
    isNumber(waitedMs) &&
    (closedAfterMs === null ? how === null : ['fin', 'reset'].includes(how as string))
  )
}

function isFailures(failures: unknown): failures is LoadFailure[] {
  return isList(failures, ({ kind, count }) => typeof kind === 'string' && isNumber(count))
}

function isList(value: unknown, isEntry: (entry: Fields) => boolean): boolean {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) return false
  return value.every((entry) => isObject(entry) && isEntry(entry))
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_ADDRESS
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || isNumber(value)
}
