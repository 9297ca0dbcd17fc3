import { promises } from 'node:fs'
import { TcpwhyError } from '../base/errors.ts'
import type { Source } from '../diagnose/report.ts'
import type { Apart, Experiment } from '../evidence/experiments.ts'
import { diagnoseWords } from '../messages/en/diagnose.ts'
import { render } from '../messages/render.ts'
import type { ProbeReport } from '../probe/report.ts'
import { isProbeReport } from './probe-check.ts'
import { countOf, factsOf } from './probe-facts.ts'

/** A result has some hundred attempts of 60 octets a target. */
const MAX_OCTETS = 16 * 1024 * 1024

/**
 * What experiments found, as facts with their source: files of `tcpwhy probe ... --json`.
 * @param packets  when they were captured, milliseconds since 1970, and the addresses and ports that they go to
 * @throws TcpwhyError PROBE_RESULT_UNKNOWN
 */
export async function readProbeResults(
  paths: readonly string[],
  packets: { fromMs: number; toMs: number; endpoints: ReadonlyMap<string, unknown> },
): Promise<{ sources: Source[]; experiments: Experiment[]; apart: Map<string, Apart> }> {
  const sources: Source[] = []
  const experiments: Experiment[] = []
  const apart = new Map<string, Apart>()
  for (const [index, path] of paths.entries()) {
    const id = paths.length === 1 ? 'probe' : `probe-${index + 1}`
    const report = await readResult(path)
    experiments.push(...factsOf(report, id))
    sources.push({ ...sourceOf(report, id, path), faults: foreign(report, packets.endpoints) })
    const far = apartOf(report, packets)
    if (far !== null) apart.set(id, far)
  }
  return { sources, experiments, apart }
}

/** A result of another address says nothing of these packets, and whoever gave it should know. */
function foreign(
  { targets }: ProbeReport,
  endpoints: ReadonlyMap<string, unknown>,
): Source['faults'] {
  const names = targets.map(({ address }) => address).filter((address) => !endpoints.has(address))
  if (names.length === 0) return []
  const text = render(diagnoseWords.probeElsewhere, { targets: names.slice(0, SOME).join(', ') })
  return [{ name: 'target-not-captured', count: names.length, text }]
}

const SOME = 3

/** 2000: a capture without dates (text of tcpdump -t) begins in 1970. */
const FIRST_DATE_MS = 946_684_800_000

function apartOf(
  { startedAt, durationMs }: ProbeReport,
  packets: { fromMs: number; toMs: number },
): Apart | null {
  if (packets.fromMs < FIRST_DATE_MS) return null
  const startMs = Date.parse(startedAt)
  const before = packets.fromMs - (startMs + durationMs)
  const after = startMs - packets.toMs
  if (before > 0) return { ms: before, when: 'before' }
  return after > 0 ? { ms: after, when: 'after' } : null
}

async function readResult(path: string): Promise<ProbeReport> {
  const report = await parsed(path)
  if (isProbeReport(report)) return report
  throw unknown(path, 'it is no result of tcpwhy probe ... --json')
}

async function parsed(path: string): Promise<unknown> {
  try {
    if ((await promises.stat(path)).size > MAX_OCTETS) throw new Error('it is too big')
    return JSON.parse(await promises.readFile(path, 'utf8'))
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
