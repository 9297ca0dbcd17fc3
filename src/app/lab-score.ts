import { release } from 'node:os'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import type { LabReport, LabScore, ScoreRow } from '../lab/report.ts'
import { scenarios } from '../lab/scenarios/index.ts'
import type { Scenario, Variant } from '../lab/types.ts'
import { runLab } from './lab.ts'

export interface ScoreOptions {
  /** "idle-timeout" or "idle-timeout/drop"; empty = all. */
  only: readonly string[]
  runs: number
  /** Stories at the same time. */
  jobs: number
  onProgress: (text: string) => void
  signal: AbortSignal
}

export type ScoreLab = (options: ScoreOptions) => Promise<LabScore>

type Run = ScoreRow['runs'][number]

/**
 * Plays every story and compares what was concluded with what was done.
 * Ctrl-C ends it with what was played so far.
 * @throws TcpwhyError LAB_UNKNOWN, LAB_CANNOT_RUN
 */
export const scoreLab: ScoreLab = async (options) => {
  const from = performance.now()
  const rows = chosen(options.only).map(({ scenario, variant }) => ({
    scenario,
    variant,
    runs: [] as Run[],
  }))
  const work = Array.from({ length: options.runs }, () => rows).flat()
  let next = 0
  const worker = async () => {
    while (next < work.length && !options.signal.aborted) {
      const row = work[next++]!
      const run = await playOnce(row.scenario, row.variant, options)
      if (run === null) return
      row.runs.push(run)
      options.onProgress(`${row.scenario.id}/${row.variant.id}: ${told(run)}`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker))
  const played = rows.filter(({ runs }) => runs.length > 0)
  const scored: ScoreRow[] = played.map(({ scenario, variant, runs }) => ({
    scenario: scenario.id,
    variant: variant.id,
    expected: variant.expects,
    runs,
  }))
  const judged = scored.flatMap((row) => row.runs.flatMap((run) => run.concluded))
  return {
    schema: 'tcpwhy.lab-score/1',
    tool: { name: 'tcpwhy', version },
    kernel: release(),
    runs: options.runs,
    isInterrupted: options.signal.aborted,
    rows: scored,
    wrong: judged.filter((one) => one.judged === 'wrong').length,
    seconds: Math.round((performance.now() - from) / 1000),
  }
}

function chosen(only: readonly string[]): { scenario: Scenario; variant: Variant }[] {
  const all = scenarios.flatMap((scenario) =>
    scenario.variants.map((variant) => ({ scenario, variant })),
  )
  if (only.length === 0) return all
  return only.flatMap((name) => {
    const found = all.filter(
      ({ scenario, variant }) => name === scenario.id || name === `${scenario.id}/${variant.id}`,
    )
    if (found.length > 0) return found
    throw new TcpwhyError(
      'LAB_UNKNOWN',
      `There is no scenario ${name}`,
      'tcpwhy lab list shows them all.',
    )
  })
}

/** One that fails to play is a row that says so; null: it was stopped. A machine that cannot play it ends the whole. */
async function playOnce(
  scenario: Scenario,
  variant: Variant,
  { signal }: ScoreOptions,
): Promise<Run | null> {
  const from = performance.now()
  const seconds = () => Math.round((performance.now() - from) / 1000)
  try {
    const report = await runLab({
      id: scenario.id,
      variant: variant.id,
      fix: false,
      touchHost: false,
      emit: () => {},
      signal,
    })
    return { ...runOf(report, scenario), seconds: seconds() }
  } catch (error) {
    if (error instanceof TcpwhyError && error.code === 'LAB_STOPPED') return null
    if (!(error instanceof TcpwhyError) || error.code !== 'LAB_FAILED') throw error
    return {
      isReproduced: false,
      concluded: [],
      kernel: null,
      failed: error.message,
      seconds: seconds(),
    }
  }
}

function runOf(
  { reproduced, concluded, kernel }: LabReport,
  { kind }: Scenario,
): Omit<Run, 'seconds'> {
  return {
    isReproduced: reproduced.failing === (kind !== 'healthy'),
    concluded: concluded.map(({ evidence, judged, verdict, findings: [first] }) => ({
      evidence,
      judged,
      verdict,
      first:
        first === undefined
          ? null
          : `${first.cause}${first.variant === undefined ? '' : ` (${first.variant})`}`,
      certainty: first?.certainty ?? null,
    })),
    kernel: kernel === null ? null : [...new Set(kernel.map(({ reason }) => reason))],
    failed: null,
  }
}

function told({ failed, isReproduced, concluded, seconds }: Run): string {
  if (failed !== null) return `failed: ${failed}`
  const judged = concluded.map((one) => `${one.evidence} ${one.judged}`).join(', ')
  return `${isReproduced ? '' : 'not reproduced; '}${judged} (${seconds} s)`
}
