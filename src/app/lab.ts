import { join } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import type { Report } from '../diagnose/report.ts'
import { isExpectedFirst } from '../lab/judge.ts'
import type { LabReport } from '../lab/report.ts'
import { checkMachine, thisMachine, useSystemFolders } from '../lab/requirements.ts'
import { scenarios } from '../lab/scenarios/index.ts'
import { networkOf, removeLeftovers } from '../lab/stage/network.ts'
import { Stage } from '../lab/stage/stage.ts'
import { atMost, stopped } from '../lab/stage/wait.ts'
import type { LabEvent, Outcome, Scenario, Variant } from '../lab/types.ts'
import { keepFiles, keepText, makeFolder } from './keep-folder.ts'
import { watchKernelEvents } from './kernel-events.ts'
import { type Conclusions, concludeAll, concludeFixed } from './lab-conclude.ts'
import { checkUnused } from './lab-kept.ts'
import { LabLook } from './lab-look.ts'
import { nodeHost } from './node-host.ts'

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

/** Each reset is compared with the captures, so more than a few of a kind are kept. */
const EVENT_LIMITS = { perGroup: 3000, groups: 2000 }

/** A step that is under way when it is stopped ends with its programs. */
const PATIENCE_MS = 5000

export type RunLab = (options: LabOptions) => Promise<LabReport>

/** Every scenario with its variants: `tcpwhy lab list`. */
export function labScenarios(): readonly Scenario[] {
  return scenarios
}

/**
 * Builds the incident on this machine, diagnoses it blind, and with `fix` proves that the fix takes it away.
 * @throws TcpwhyError LAB_UNKNOWN, LAB_CANNOT_RUN, LAB_FAILED, LAB_KEPT_OTHER, LAB_STOPPED, OUTPUT_UNWRITABLE
 */
export const runLab: RunLab = async (options) => {
  const { scenario, variant } = find(options.id, options.variant)
  checkMachine(thisMachine(), scenario, variant, options)
  if (options.keep !== undefined) {
    makeFolder(options.keep)
    checkUnused(options.keep)
  }
  useSystemFolders()
  const over = whenStopped(options)
  try {
    return await reproduce(scenario, variant, options)
  } finally {
    over()
  }
}

/** Says so at once. What a story had begun and nobody waits for any more fails in its own time: that is no crash. */
function whenStopped({ signal, emit }: LabOptions): () => void {
  const nobodyWaits = () => {}
  const stop = () => {
    process.on('unhandledRejection', nobodyWaits)
    emit({ kind: 'phase', phase: 'stop' })
  }
  signal.addEventListener('abort', stop, { once: true })
  return () => {
    signal.removeEventListener('abort', stop)
    process.off('unhandledRejection', nobodyWaits)
  }
}

async function reproduce(
  scenario: Scenario,
  variant: Variant,
  options: LabOptions,
): Promise<LabReport> {
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
    ...before.conclusions!,
    fix: variant.fix,
    fixed,
    fixedConcluded: after?.said ?? null,
    isAsExpected:
      before.outcome.failing === (scenario.kind !== 'healthy') &&
      isExpectedFirst(before.conclusions!.concluded, variant.expects) &&
      fixed?.failing !== true,
    faults,
    seconds: Math.round((performance.now() - from) / 100) / 10,
  }
  if (options.keep !== undefined)
    keepText(join(options.keep, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
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
  /** null with the fix: nothing is wrong then. */
  conclusions: Conclusions | null
  /** With the fix. */
  said: LabReport['fixedConcluded']
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
  const look = new LabLook()
  const stage: Stage = new Stage({
    files: nodeHost(),
    emit,
    signal,
    touchHost,
    ...(fixed
      ? {}
      : {
          look: (host, { ended, forMs }) =>
            look.watch(host, {
              ended,
              stopped: signal,
              forMs,
              keep: stage.path('live.pcapng'),
            }),
          watch: () => watchKernelEvents({ limits: EVENT_LIMITS }),
        }),
  })
  let act: Promise<Outcome> | null = null
  try {
    if (signal.aborted) throw stopped()
    act = fixed ? scenario.fix!(stage, variant.id) : scenario.reproduce(stage, variant.id)
    const outcome = await unlessStopped(act, signal)
    const recording = await unlessStopped(stage.finish(), signal)
    for (const { at, lost } of recording.captures) {
      if (lost > 0) faults.push(`tcpdump at ${at} lost ${lost} packets`)
    }
    if (options.keep !== undefined) keep(stage, join(options.keep, fixed ? 'after' : 'before'))
    if (fixed) {
      const report = await unlessStopped(concludeFixed(variant, recording), signal)
      if (options.keep !== undefined) keepReport(options.keep, 'after', 'both', report)
      const { verdict, headline } = report
      return { outcome, conclusions: null, said: { verdict, headline } }
    }
    emit({ kind: 'phase', phase: 'analyze' })
    let best: Report | null = null
    const concluding = concludeAll(variant, recording, {
      look,
      network: networkOf(stage.slot),
      keep(name, what) {
        if ((name === 'client' || name === 'both') && 'findings' in what) best = what
        if (options.keep !== undefined) keepReport(options.keep, 'before', name, what)
      },
    })
    const conclusions = await unlessStopped(concluding, signal)
    if (options.keep !== undefined) {
      await stage.showConnection(accusedPort(best))
      keep(stage, join(options.keep, 'before'))
    }
    return { outcome, conclusions, said: null }
  } catch (error) {
    const isFull = error instanceof TcpwhyError && error.code === 'OUTPUT_UNWRITABLE'
    if (options.keep !== undefined && !isFull)
      keep(stage, join(options.keep, fixed ? 'after' : 'before'))
    throw error
  } finally {
    faults.push(...(await stage.close()))
    if (signal.aborted && act !== null) {
      // What it was just making when it was stopped is undone as well.
      await atMost(
        PATIENCE_MS,
        act.catch(() => {}),
      )
      faults.push(...(await stage.close()))
    }
  }
}

/** The client's port of one connection that the conclusion is about. */
function accusedPort(report: Report | null): number | null {
  const id = report?.findings[0]?.affected.examples[0]
  const client = report?.connections.listed.find((one) => one.id === id)?.client
  return client === undefined ? null : Number(client.slice(client.lastIndexOf(':') + 1))
}

function keepReport(folder: string, when: 'before' | 'after', name: string, what: unknown): void {
  keepText(join(folder, when, `${name}.json`), `${JSON.stringify(what, plainValue, 1)}\n`)
}

/** JSON has neither. */
function plainValue(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Map ? Object.fromEntries(value) : value
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
  const { folder: from } = stage.slot
  const wanted = /\.(pcap|pcapng|jsonl?|log|out|conf|cfg|txt|sql)$/
  keepFiles(from, folder, (path) => path === from || wanted.test(path))
}
