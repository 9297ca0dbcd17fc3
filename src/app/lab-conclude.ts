import type { Cause } from '../causes/cause.ts'
import { causes } from '../causes/index.ts'
import type { Report } from '../diagnose/report.ts'
import type { EventsFacts } from '../host/events.ts'
import { dropAgreement, meansDrops } from '../lab/drop-agreement.ts'
import { judge } from '../lab/judge.ts'
import { type Accused, kernelAgreement } from '../lab/kernel-agreement.ts'
import type { Concluded, EvidenceSet, LabReport } from '../lab/report.ts'
import type { HostName } from '../lab/stage/host.ts'
import type { Recording } from '../lab/stage/stage.ts'
import { framesOnWire } from '../lab/stage/wire-frames.ts'
import type { Variant } from '../lab/types.ts'
import { analyzeCaptures } from './analyze.ts'
import type { LabLook } from './lab-look.ts'
import type { AnalyzeOptions, Vantage } from './types.ts'

const all: readonly Cause[] = causes

export type Conclusions = Pick<LabReport, 'concluded' | 'kernel' | 'agreement' | 'drops'>

/** What tcpwhy makes of each set of evidence; it is told nothing else. What the kernel says is compared afterwards. */
export async function concludeAll(
  variant: Variant,
  recording: Recording,
  {
    look,
    network,
    keep,
  }: { look: LabLook; network: string; keep: (name: string, what: Report | EventsFacts) => void },
): Promise<Conclusions> {
  const reports = [...(await ofCaptures(variant, recording)), ...(await look.reports())]
  for (const [evidence, report] of reports) keep(evidence, report)
  if (recording.events !== null) keep('kernel-events', recording.events)
  const concluded = reports.map(([evidence, report]) => concludedOf(variant, evidence, report))
  const accused = accusedOf(reports)
  const { captures, events, resets } = recording
  const isOfDrops = accused !== null && meansDrops(accused)
  const frames = isOfDrops ? await framesOnWire(captures.map(({ path }) => path)) : []
  return {
    concluded,
    kernel: reasonsOf(recording, network),
    agreement: kernelAgreement(accused, resets, events),
    drops: dropAgreement(accused, frames, events),
  }
}

type Sources = Pick<AnalyzeOptions, 'inputs' | 'at'>

/** Of a performance with the fix: what is said of all its captures together. */
export async function concludeFixed(variant: Variant, { captures }: Recording): Promise<Report> {
  const { near, far } = sidesOf(captures)
  return analyze(bothSides(near, far, variant) ?? { inputs: [...near, ...far], at: [] })
}

async function analyze(sources: Sources): Promise<Report> {
  return (await analyzeCaptures({ ...sources, filter: {}, all: false })).report
}

function sidesOf(captures: Recording['captures']) {
  const pathsOf = (ofHost: (at: HostName) => boolean) =>
    captures.filter(({ at }) => ofHost(at)).map(({ path }) => path)
  const near = pathsOf((at) => at.startsWith('client'))
  const [between] = pathsOf((at) => at === 'router')
  const far = pathsOf((at) => at !== 'router' && !at.startsWith('client'))
  return { near, between, far }
}

/** null: one side was not captured. */
function bothSides(
  near: readonly string[],
  far: readonly string[],
  { isProxied }: Variant,
): Sources | null {
  const [client] = near
  const [server] = far
  if (client === undefined || server === undefined) return null
  if (isProxied) return { inputs: [...near, ...far], at: [] }
  const at = (vantage: Vantage, path: string) => ({ vantage, path })
  return { inputs: [], at: [at('client', client), at('server', server)] }
}

async function ofCaptures(
  variant: Variant,
  { captures }: Recording,
): Promise<[EvidenceSet, Report][]> {
  const { near, between, far } = sidesOf(captures)
  const reports: [EvidenceSet, Report][] = []
  if (near.length > 0) reports.push(['client', await analyze({ inputs: near, at: [] })])
  if (far.length > 0) reports.push(['server', await analyze({ inputs: far, at: [] })])
  const both = bothSides(near, far, variant)
  if (both === null) return reports
  reports.push(['both', await analyze(both)])
  const [[client], [server]] = [near, far]
  if (between === undefined || client === undefined || server === undefined) return reports
  reports.push(['all', await analyze(withRouter({ client, between, server }, variant))])
  return reports
}

/** Before a proxy its own side is where the client's connections end. */
function withRouter(
  paths: Record<'client' | 'between' | 'server', string>,
  { isProxied }: Variant,
): Pick<AnalyzeOptions, 'inputs' | 'at'> {
  const at = (vantage: Vantage, path: string) => ({ vantage, path })
  const client = at('client', paths.client)
  if (isProxied) return { inputs: [], at: [client, at('server', paths.between)] }
  return { inputs: [], at: [client, at('router', paths.between), at('server', paths.server)] }
}

function concludedOf(variant: Variant, evidence: EvidenceSet, report: Report): Concluded {
  const conclusion = {
    evidence,
    verdict: report.verdict,
    headline: report.headline,
    findings: findingsOf(report),
  }
  const cause = all.find(({ id }) => id === variant.expects.cause)
  return { ...conclusion, judged: judge(variant.expects, conclusion, cause?.specialises) }
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

/** By the best evidence that captures give. */
function accusedOf(reports: readonly [EvidenceSet, Report][]): Accused | null {
  const of = (set: EvidenceSet) => reports.find(([evidence]) => evidence === set)?.[1]
  const report = of('both') ?? of('client') ?? of('server')
  const first = report?.findings[0]
  if (report === undefined || first === undefined) return null
  return {
    cause: first.cause,
    ...(first.variant === undefined ? {} : { variant: first.variant }),
    culprit: first.culprit.side,
    connections: report.connections.listed.filter(({ cause }) => cause === first.cause),
  }
}

/** Of resets that hosts of the stage sent. A listener at all addresses names none: those may be another stage's. */
function reasonsOf({ events }: Recording, network: string): LabReport['kernel'] {
  if (events === null || events.fromNs === null) return null
  const counts = new Map<string, NonNullable<LabReport['kernel']>[number]>()
  for (const { kind, local, remote, state, reason, command, pid } of events.events) {
    if (kind !== 'reset-sent') continue
    const ours = [local, remote].some((end) => plain(end?.address).startsWith(network))
    if (!ours && (remote?.port ?? 0) !== 0) continue
    const process = pid === null ? null : command
    const told = { state: state ?? 'no socket', reason: reason ?? '?', process, count: 0 }
    const key = `${told.state} ${told.reason} ${process}`
    const entry = counts.get(key) ?? told
    entry.count++
    counts.set(key, entry)
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)
}

function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}
