import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import type { Report } from '../diagnose/report.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import { isExpectedFirst, judge } from '../lab/judge.ts'
import type { Concluded, EvidenceSet, LabReport } from '../lab/report.ts'
import { checkMachine, thisMachine } from '../lab/requirements.ts'
import { scenarios } from '../lab/scenarios/index.ts'
import type { Host } from '../lab/stage/host.ts'
import type { ResetReason } from '../lab/stage/kernel-reasons.ts'
import { removeLeftovers } from '../lab/stage/network.ts'
import { type Recording, Stage } from '../lab/stage/stage.ts'
import { stopped } from '../lab/stage/wait.ts'
import type { LabEvent, Outcome, Scenario, Variant } from '../lab/types.ts'
import { analyzeCaptures } from './analyze.ts'
import { reportOf } from './diagnose-host.ts'
import { nodeHost } from './node-host.ts'
import { observe } from './observe.ts'
import type { AnalyzeOptions } from './types.ts'

export interface LabOptions {
  id: string
  variant?: string
  fix: boolean
  /** A folder for captures, samples, logs and the report. */
  keep?: string
  touchHost: boolean
  emit: (event: LabEvent) => void
  signal: AbortSignal
}

/** How long the live diagnosis watches. */
const WATCH_MS = 5000

export type RunLab = (options: LabOptions) => Promise<LabReport>

/** Every scenario with its variants: `tcpwhy lab list`. */
export function labScenarios(): readonly Scenario[] {
  return scenarios
}

/**
 * Builds the incident on this machine, diagnoses it blind, and with `fix` proves that the fix takes it away.
 * @throws TcpwhyError LAB_UNKNOWN, LAB_CANNOT_RUN, LAB_FAILED, LAB_STOPPED
 */
export const runLab: RunLab = async (options) => {
  const { scenario, variant } = find(options.id, options.variant)
  checkMachine(thisMachine(), scenario, variant)
  const from = performance.now()
  const faults: string[] = []
  const left = await removeLeftovers()
  if (left.length > 0) faults.push(`Left by a run that was killed, and removed: ${left.join(', ')}`)
  const before = await play(scenario, variant, false, options, faults)
  const after =
    options.fix && scenario.fix !== undefined
      ? await play(scenario, variant, true, options, faults)
      : null
  const fixed = after?.outcome ?? null
  const report: LabReport = {
    schema: 'tcpwhy.lab/1',
    tool: { name: 'tcpwhy', version },
    scenario: scenario.id,
    variant: variant.id,
    title: variant.title,
    fault: variant.fault,
    expected: variant.expects,
    reproduced: before.outcome,
    concluded: before.concluded,
    kernel: before.kernel,
    fix: variant.fix,
    fixed,
    isAsExpected:
      before.outcome.failing === (scenario.kind !== 'healthy') &&
      isExpectedFirst(before.concluded) &&
      fixed?.failing !== true,
    faults,
    seconds: Math.round((performance.now() - from) / 100) / 10,
  }
  if (options.keep !== undefined)
    writeFileSync(join(options.keep, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  return report
}

function find(id: string, wanted: string | undefined): { scenario: Scenario; variant: Variant } {
  const scenario = scenarios.find((one) => one.id === id)
  if (scenario === undefined) {
    throw new TcpwhyError(
      'LAB_UNKNOWN',
      `There is no scenario ${id}`,
      'tcpwhy lab list shows them all.',
    )
  }
  const variant =
    wanted === undefined ? scenario.variants[0] : scenario.variants.find((one) => one.id === wanted)
  if (variant === undefined) {
    const all = scenario.variants.map((one) => one.id).join(', ')
    throw new TcpwhyError('LAB_UNKNOWN', `${id} has no variant ${wanted}`, `It has: ${all}.`)
  }
  return { scenario, variant }
}

interface Played {
  outcome: Outcome
  concluded: Concluded[]
  kernel: LabReport['kernel']
}

/** One performance on a stage of its own, which is taken down whatever happens. */
async function play(
  scenario: Scenario,
  variant: Variant,
  fixed: boolean,
  options: LabOptions,
  faults: string[],
): Promise<Played> {
  const { emit, signal, touchHost } = options
  emit({ kind: 'phase', phase: fixed ? 'fix' : 'reproduce' })
  let seen: MachineFacts | null = null
  const look = async (host: Host) => {
    const ask = { namespace: (found: { name?: string | null }) => found.name === host.namespace }
    seen = await observe({ forMs: WATCH_MS, ask, finish: signal })
  }
  const stage = new Stage({
    files: nodeHost(),
    emit,
    signal,
    touchHost,
    ...(fixed ? {} : { look }),
  })
  try {
    const act = fixed ? scenario.fix! : scenario.reproduce
    const outcome = await unlessStopped(act(stage, variant.id), signal)
    const recording = await stage.finish()
    for (const { at, lost } of recording.captures) {
      if (lost > 0) faults.push(`tcpdump at ${at} lost ${lost} packets`)
    }
    if (options.keep !== undefined) keep(stage, join(options.keep, fixed ? 'after' : 'before'))
    if (fixed) return { outcome, concluded: [], kernel: null }
    emit({ kind: 'phase', phase: 'analyze' })
    return {
      outcome,
      concluded: await conclude(variant, recording, seen),
      kernel: tally(recording.reasons),
    }
  } finally {
    faults.push(...(await stage.close()))
  }
}

/** Ctrl-C ends a performance between two of its steps too. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(stopped())
    const gone = () => reject(stopped())
    signal.addEventListener('abort', gone, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone))
  })
}

/** Captures, samples, logs and configurations; not the databases' own files. */
function keep(stage: Stage, folder: string): void {
  mkdirSync(folder, { recursive: true })
  cpSync(stage.slot.folder, folder, {
    recursive: true,
    filter: (path) =>
      path === stage.slot.folder || /\.(pcap|jsonl?|log|out|conf|cfg|txt|sql)$/.test(path),
  })
}

/** What tcpwhy makes of each set of evidence; it is told nothing else. */
async function conclude(
  variant: Variant,
  { captures }: Recording,
  machine: MachineFacts | null,
): Promise<Concluded[]> {
  const near = captures.filter(({ at }) => at.startsWith('client')).map(({ path }) => path)
  const far = captures.filter(({ at }) => !at.startsWith('client')).map(({ path }) => path)
  const analyze = async (sources: Pick<AnalyzeOptions, 'inputs' | 'at'>) =>
    (await analyzeCaptures({ ...sources, filter: {}, all: false })).report
  const reports: [EvidenceSet, Report][] = []
  if (near.length > 0) reports.push(['client', await analyze({ inputs: near, at: [] })])
  if (far.length > 0) reports.push(['server', await analyze({ inputs: far, at: [] })])
  const [client] = near
  const [server] = far
  if (client !== undefined && server !== undefined) {
    const at = [
      { vantage: 'client' as const, path: client },
      { vantage: 'server' as const, path: server },
    ]
    const sources = variant.isProxied ? { inputs: [...near, ...far], at: [] } : { inputs: [], at }
    reports.push(['both', await analyze(sources)])
  }
  if (machine !== null) reports.push(['live', reportOf([machine])])
  return reports.map(([evidence, report]) => {
    const conclusion = {
      evidence,
      verdict: report.verdict,
      headline: report.headline,
      findings: findingsOf(report),
    }
    return { ...conclusion, judged: judge(variant.expects, conclusion) }
  })
}

function findingsOf({ findings }: Report): Concluded['findings'] {
  return findings.map(({ cause, variant, certainty, severity, title, culprit }) => ({
    cause,
    ...(variant === undefined ? {} : { variant }),
    certainty,
    severity,
    title,
    culprit: culprit.side,
  }))
}

function tally(reasons: readonly ResetReason[] | null): LabReport['kernel'] {
  if (reasons === null) return null
  const counts = new Map<
    string,
    { state: string; reason: string; count: number; process: string | null }
  >()
  for (const { state, reason, process } of reasons) {
    const key = `${state} ${reason} ${process}`
    const entry = counts.get(key) ?? { state, reason, process, count: 0 }
    entry.count++
    counts.set(key, entry)
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)
}
