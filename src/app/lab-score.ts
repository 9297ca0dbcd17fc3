import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { isUnstable, tookOf, wrongOf } from '../lab/aggregate.ts'
import type { KeptRun, LabReport, LabScore, ScoreRow, ScoreRun } from '../lab/report.ts'
import { scenarios } from '../lab/scenarios/index.ts'
import type { Scenario, Variant } from '../lab/types.ts'
import { runLabApart } from './lab-child.ts'
import { checkSame, clearFolder, folderOf, forgetRecording, keepRun, keptRuns } from './lab-kept.ts'

export interface ScoreOptions {
  /** "idle-timeout" or "idle-timeout/drop"; empty = all. */
  only: readonly string[]
  runs: number
  /** Stories at the same time. */
  jobs: number
  /** Also those that change a setting of the machine, as `lab run --touch-host`. */
  touchHost: boolean
  /** A folder for what each story gave: played ones are not played again. */
  keep?: string
  /** Nothing is played: the runs that these folders keep are added up. */
  aggregate?: readonly string[]
  onProgress: (text: string) => void
  signal: AbortSignal
}

export type ScoreLab = (options: ScoreOptions) => Promise<LabScore>

interface Row {
  scenario: Scenario
  variant: Variant
  /** By the number of the run. */
  runs: Map<number, ScoreRun>
}

/**
 * Plays every story and compares what was concluded with what was done.
 * Ctrl-C ends it with what was played so far.
 * @throws TcpwhyError LAB_UNKNOWN, LAB_CANNOT_RUN, LAB_KEPT_OTHER, LAB_KEPT_UNREADABLE
 */
export const scoreLab: ScoreLab = async (options) => {
  const from = performance.now()
  const rows = chosen(options).map((row): Row => ({ ...row, runs: new Map() }))
  const { aggregate, keep } = options
  if (aggregate !== undefined) for (const folder of aggregate) addKept(rows, keptRuns(folder))
  else {
    if (keep !== undefined && existsSync(keep)) {
      const kept = keptRuns(keep)
      checkSame(keep, kept)
      addKept(rows, kept)
    }
    await playAll(rows, options)
  }
  const scored = rows.filter(({ runs }) => runs.size > 0).map(scoreRow)
  return {
    schema: 'tcpwhy.lab-score/1',
    tool: { name: 'tcpwhy', version },
    kernel: release(),
    runs: Math.max(0, ...scored.map(({ runs }) => runs.length)),
    isInterrupted: options.signal.aborted,
    rows: scored,
    wrong: wrongOf(scored),
    took: tookOf(scored),
    seconds: Math.round((performance.now() - from) / 1000),
  }
}

/** Runs of several folders follow each other. */
function addKept(rows: readonly Row[], kept: readonly KeptRun[]): void {
  const before = Math.max(0, ...rows.flatMap(({ runs }) => [...runs.keys()]))
  for (const { run, scenario, variant, played } of kept) {
    const row = rows.find((one) => one.scenario.id === scenario && one.variant.id === variant)
    row?.runs.set(before + run, played)
  }
}

async function playAll(rows: readonly Row[], options: ScoreOptions): Promise<void> {
  const { keep, signal, onProgress } = options
  const all = Array.from({ length: options.runs }, (_, n) => rows.map((row) => ({ row, n: n + 1 })))
  const work = all.flat().filter(({ row, n }) => !row.runs.has(n))
  let next = 0
  let done = 0
  const worker = async () => {
    while (next < work.length && !signal.aborted) {
      const { row, n } = work[next++]!
      const { scenario, variant } = row
      const of = { run: n, scenario: scenario.id, variant: variant.id }
      const played = await playOnce(row, keep === undefined ? null : folderOf(keep, of), options)
      if (played === null) return
      row.runs.set(n, played)
      // What could not be played is tried again.
      if (keep !== undefined && played.failed === null) keepRun(keep, of, played)
      onProgress(`${++done}/${work.length} ${scenario.id}/${variant.id}: ${told(played)}`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker))
}

function scoreRow({ scenario, variant, runs }: Row): ScoreRow {
  const inOrder = [...runs].sort(([a], [b]) => a - b).map(([, run]) => run)
  return {
    scenario: scenario.id,
    variant: variant.id,
    ...(scenario.author === undefined ? {} : { author: scenario.author }),
    expected: variant.expects,
    isUnstable: isUnstable(inOrder),
    runs: inOrder,
  }
}

function chosen({ only, touchHost }: ScoreOptions): { scenario: Scenario; variant: Variant }[] {
  const all = scenarios.flatMap((scenario) =>
    scenario.variants.map((variant) => ({ scenario, variant })),
  )
  if (only.length === 0) return all.filter(({ variant }) => touchHost || !variant.touches)
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
  { scenario, variant }: Row,
  folder: string | null,
  { touchHost, signal }: ScoreOptions,
): Promise<ScoreRun | null> {
  const from = performance.now()
  const fromMs = Date.now()
  const seconds = () => Math.round((performance.now() - from) / 100) / 10
  if (folder !== null) clearFolder(folder)
  try {
    const of = { id: scenario.id, variant: variant.id, keep: folder, touchHost }
    const report = await runLabApart(of, signal)
    const run = { ...runOf(report, scenario), fromMs, seconds: seconds() }
    if (folder !== null && isFine(report, run)) forgetRecording(folder)
    return run
  } catch (error) {
    if (error instanceof TcpwhyError && error.code === 'LAB_STOPPED') return null
    if (!(error instanceof TcpwhyError) || error.code !== 'LAB_FAILED') throw error
    const none = { isReproduced: false, concluded: [], kernel: null, agreement: null, drops: null }
    return { ...none, failed: error.message, fromMs, seconds: seconds() }
  }
}

/** Nothing about it asks for a look at its captures. */
function isFine({ isAsExpected }: LabReport, { concluded, agreement }: ScoreRun): boolean {
  const isWrong = concluded.some(({ judged }) => judged === 'wrong')
  return isAsExpected && !isWrong && agreement?.is !== 'disagrees'
}

function runOf(
  { reproduced, concluded, kernel, agreement, drops }: LabReport,
  { kind }: Scenario,
): Omit<ScoreRun, 'seconds' | 'fromMs'> {
  return {
    isReproduced: reproduced.failing === (kind !== 'healthy'),
    concluded: concluded.map(({ evidence, judged, verdict, headline, findings: [first] }) => ({
      evidence,
      judged,
      verdict,
      headline,
      first:
        first === undefined
          ? null
          : `${first.cause}${first.variant === undefined ? '' : ` (${first.variant})`}`,
      certainty: first?.certainty ?? null,
    })),
    kernel: kernel === null ? null : [...new Set(kernel.map(({ reason }) => reason))],
    agreement,
    drops,
    failed: null,
  }
}

function told({ failed, isReproduced, concluded, agreement, drops, seconds }: ScoreRun): string {
  if (failed !== null) return `failed: ${failed}`
  const judged = concluded.map((one) => `${one.evidence} ${one.judged}`).join(', ')
  const ofDrops = drops === undefined || drops === null ? '' : `, of drops ${drops.is}`
  const kernel = agreement === null ? '' : `; kernel ${agreement.is}${ofDrops}`
  return `${isReproduced ? '' : 'not reproduced; '}${judged}${kernel} (${seconds} s)`
}
