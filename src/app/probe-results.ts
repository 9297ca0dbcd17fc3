import { readFile, stat } from 'node:fs/promises'
import { TcpwhyError } from '../base/errors.ts'
import type { Source } from '../diagnose/report.ts'
import type { Experiment } from '../evidence/experiments.ts'
import type { ProbeReport } from '../probe/report.ts'
import { isProbeReport } from './probe-check.ts'
import { countOf, factsOf } from './probe-facts.ts'

/** A result has some hundred attempts of 60 octets a target. */
const MAX_OCTETS = 16 * 1024 * 1024

/**
 * What experiments found, as facts with their source: files of `tcpwhy probe ... --json`.
 * @throws TcpwhyError PROBE_RESULT_UNKNOWN
 */
export async function readProbeResults(
  paths: readonly string[],
): Promise<{ sources: Source[]; experiments: Experiment[] }> {
  const sources: Source[] = []
  const experiments: Experiment[] = []
  for (const [index, path] of paths.entries()) {
    const id = paths.length === 1 ? 'probe' : `probe-${index + 1}`
    const report = await readResult(path)
    experiments.push(...factsOf(report, id))
    sources.push(sourceOf(report, id, path))
  }
  return { sources, experiments }
}

async function readResult(path: string): Promise<ProbeReport> {
  const report = await parsed(path)
  if (isProbeReport(report)) return report
  throw unknown(path, 'it is no result of tcpwhy probe ... --json')
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
    'Write it with tcpwhy probe EXPERIMENT TARGET --json -o FILE, for example tcpwhy probe connect.',
    { cause },
  )
}

function sourceOf(report: ProbeReport, id: string, name: string): Source {
  const startMs = Date.parse(report.startedAt)
  const instant = (ms: number) => new Date(ms).toISOString().replace('Z', '000000Z')
  return {
    id,
    kind: 'probe',
    name,
    from: instant(startMs),
    to: instant(Math.min(startMs + report.durationMs, 8.64e15)),
    counts: { targets: report.targets.length, connections: countOf(report) },
    faults: [],
  }
}
