import { readFile, stat } from 'node:fs/promises'
import { TcpwhyError } from '../base/errors.ts'
import type { Source } from '../diagnose/report.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import type { IdleReport, IdleRun } from '../probe/idle/report.ts'

/** A result has some hundred attempts of 60 octets a target. */
const MAX_OCTETS = 16 * 1024 * 1024
const MAX_TARGETS = 1000

/**
 * What experiments found, as facts with their source: files of `tcpwhy probe idle --json`.
 * @throws TcpwhyError PROBE_RESULT_UNKNOWN
 */
export async function readProbeResults(
  paths: readonly string[],
): Promise<{ sources: Source[]; experiments: IdleExperiment[] }> {
  const sources: Source[] = []
  const experiments: IdleExperiment[] = []
  for (const [index, path] of paths.entries()) {
    const id = paths.length === 1 ? 'probe' : `probe-${index + 1}`
    const report = await readResult(path)
    experiments.push(...experimentsOf(report, id))
    sources.push(sourceOf(report, id, path))
  }
  return { sources, experiments }
}

async function readResult(path: string): Promise<IdleReport> {
  const report = await parsed(path)
  if (isIdleReport(report)) return report
  throw unknown(path, 'it is no result of tcpwhy probe idle --json')
}

async function parsed(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > MAX_OCTETS) throw new Error('it is too big')
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw unknown(path, cause instanceof SyntaxError ? 'it is no JSON' : String(cause), cause)
  }
}

function unknown(path: string, why: string, cause?: unknown): TcpwhyError {
  return new TcpwhyError(
    'PROBE_RESULT_UNKNOWN',
    `Cannot use ${path}: ${why}`,
    'Write it with tcpwhy probe idle TARGET --json -o FILE.',
    { cause },
  )
}

/** Only what is used is looked at: later versions have more fields. */
function isIdleReport(value: unknown): value is IdleReport {
  if (typeof value !== 'object' || value === null) return false
  const { schema, probe, targets, startedAt, durationMs } = value as Partial<IdleReport>
  return (
    schema === 'tcpwhy.probe/1' &&
    probe === 'idle' &&
    typeof startedAt === 'string' &&
    Number.isFinite(Date.parse(startedAt)) &&
    isDuration(durationMs) &&
    Array.isArray(targets) &&
    targets.length <= MAX_TARGETS &&
    targets.every(
      (t) => typeof t?.address === 'string' && Array.isArray(t.runs) && t.runs.every(isRun),
    )
  )
}

function isRun(run: unknown): run is IdleRun {
  if (typeof run !== 'object' || run === null) return false
  const { longestSurvivedMs, shortestDiedMs, flavour, by, attempts } = run as IdleRun
  return (
    isDuration(longestSurvivedMs) &&
    (shortestDiedMs === null || isDuration(shortestDiedMs)) &&
    [null, 'reset', 'silent', 'fin'].includes(flavour) &&
    [null, 'server', 'middlebox', 'unknown'].includes(by) &&
    Array.isArray(attempts)
  )
}

function isDuration(ms: unknown): ms is number {
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0
}

/** Only plain silences say when a connection that carries nothing dies. */
function experimentsOf({ targets }: IdleReport, source: string): IdleExperiment[] {
  return targets.flatMap(({ address, runs }, t) =>
    runs.flatMap((run, r) => {
      if (run.keepalive !== 'off' || run.traffic !== 'none') return []
      if (run.longestSurvivedMs === 0 && run.shortestDiedMs === null) return []
      return {
        source,
        ref: `targets[${t}].runs[${r}]`,
        endpoint: address,
        fromMs: run.longestSurvivedMs,
        toMs: run.shortestDiedMs,
        flavour: run.flavour,
        by: run.by,
      }
    }),
  )
}

function sourceOf(
  { targets, startedAt, durationMs }: IdleReport,
  id: string,
  name: string,
): Source {
  const startMs = Date.parse(startedAt)
  const instant = (ms: number) => new Date(ms).toISOString().replace('Z', '000000Z')
  const attempts = targets.flatMap(({ runs }) => runs.flatMap((run) => run.attempts))
  return {
    id,
    kind: 'probe',
    name,
    from: instant(startMs),
    to: instant(Math.min(startMs + durationMs, 8.64e15)),
    counts: { targets: targets.length, connections: attempts.length },
    faults: [],
  }
}
