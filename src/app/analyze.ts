import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import type { CaptureInput } from '../capture/open.ts'
import type { CauseId } from '../causes/ids.ts'
import { causes } from '../causes/index.ts'
import { conclude } from '../diagnose/diagnose.ts'
import type { Ladder } from '../diagnose/ladder.ts'
import type { ConnectionSummary, Report } from '../diagnose/report.ts'
import {
  draftOf,
  type Locate,
  place,
  type SummaryContext,
  summarise,
  type Views,
  viewsOf,
} from '../diagnose/summary.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { en } from '../messages/en/index.ts'
import { render } from '../messages/render.ts'
import { mayHoldBothSides } from './both-sides-hint.ts'
import { evidenceOf } from './evidence-of.ts'
import { packetFilter } from './filter.ts'
import { isHeadersOnly } from './headers-only.ts'
import { type Inputs, inputsOf } from './inputs.ts'
import { type FateRemarks, ladderOf } from './ladder.ts'
import { machineSource } from './machine-sources.ts'
import { fateRemarks, readBehindBox } from './other-side.ts'
import { type FlowsRead, type ReadOptions, readFlows } from './read-flows.ts'
import { readAgain } from './reread.ts'
import { RowStore } from './row-store.ts'
import { reportSources, sourceIds } from './sources.ts'
import { mayHoldSynProxy, readClientsSide } from './syn-proxy.ts'
import type { AnalyzeCaptures, AnalyzeOptions, AnalyzeResult, Vantage } from './types.ts'

/** Troubled connections listed in a report without --all. */
const LISTED_MAX = 1000
const EXPORT_CHUNK = 1000
/** With --all; more are given one at a time, beside the report. */
const ALL_IN_REPORT = 10_000

type CauseOf = (id: number) => CauseId | undefined

/** The main job: captures in, report out. */
export const analyzeCaptures: AnalyzeCaptures = async (options) => {
  const [only, ...others] = options.at
  if (only === undefined) return analyzeOne(options, null)
  // Of one place: that tells who is near, and there is nothing to compare it with.
  if (others.length > 0) return analyzeViews(options)
  return analyzeOne({ ...options, inputs: [only.path], at: [] }, only.vantage)
}

async function analyzeOne(options: AnalyzeOptions, at: Vantage | null): Promise<AnalyzeResult> {
  const inputs = inputsOf(options.inputs, options)
  const {
    read,
    collected,
    translation,
    evidence: captured,
  } = await readExactly(inputs, options, at)
  const ids = sourceIds(read.sources.length)
  const locate = locator(read, ids)
  const { machines } = options
  const ofCapture = {
    ...captured,
    ...(translation === null || translation === 'unread' ? {} : { translation }),
  }
  const probed = await probeResults(options, ofCapture, read.originNs)
  const evidence = {
    ...ofCapture,
    ...(machines === undefined ? {} : { machines }),
    ...probed.evidence,
  }
  const { report, causeOf } = conclude({
    evidence,
    sources: [
      ...reportSources(read, ids, at),
      ...(machines ?? []).map(machineSource),
      ...probed.sources,
    ],
    locate,
    originNs: read.originNs,
    ...(await baselineOf(options, evidence)),
    ...common(options),
  })
  report.connections.troubled = read.flows.troubled
  noteEmptyFilter(report, options)
  if (translation === 'unread') noteTwice(report)
  if (isHeadersOnly(read)) noteHeadersOnly(report)
  const context = { locate, originNs: read.originNs, views: viewsOf(evidence) }
  const rows = await collected.deliver(report, context, causeOf)
  if (options.show === undefined) return { report, ...rows }
  const facts = collected.shown
  if (facts === null) throw notFound(options.show, read.flows.totals.connections)
  const proven = fateRemarks([facts.id], evidence)
  const from = { inputs, read, causeOf, proven, ...context }
  const ends = context.views?.get(facts.id)
  const behind = ends === undefined ? null : await readBehindBox(inputs, facts, ends)
  const ladder = await showOne(facts, from)
  if (behind === null) return { report, ladder }
  const there = { ...behind.facts, id: facts.id, startMs: facts.startMs }
  const beyond = await showOne(there, { ...from, read: behind.read, views: undefined })
  return { report, ladder: { ...ladder, beyond: beyondOf(beyond, 'behind-box') } }
}

/**
 * What the capture says. Where refusals in words were met among answers of which the core looked at some only, it is read again
 * to count them all.
 */
async function readExactly(inputs: Inputs, options: AnalyzeOptions, at: Vantage | null) {
  const once = await readOnce(inputs, options)
  const ids = sourceIds(once.read.sources.length)
  const evidence = await evidenceOf(inputs, once.read, ids, at)
  if (!once.read.flows.answersSampled || ![...evidence.application.values()].some(saysNo)) {
    return { ...once, evidence }
  }
  const again = await inputs.reopen()
  if (again === null) return { ...once, evidence }
  const read = await readFlows(again, { ...once.reading, allAnswers: true })
  return { ...once, read, evidence: await evidenceOf(inputs, read, ids, at) }
}

/** Each connection once, also where the capture has it on both sides of a box that translates addresses or numbers. */
async function readOnce(inputs: Inputs, options: AnalyzeOptions) {
  const reading = readOptions(options)
  const whole = async (again: readonly CaptureInput[], leaveAtBothSides: boolean) => {
    const collected = new Collected(options)
    const own = { ...reading, ...collected.readOptions(), leaveAtBothSides }
    return { read: await readFlows(again, own), reading, collected }
  }
  const first = await whole(await inputs.open(), true)
  const once = await readOneSide(inputs, first.read, options)
  if (once !== null && once !== 'unread') {
    first.collected.close()
    return once
  }
  const again = first.read.left ? await inputs.reopen() : null
  if (again === null) return { ...first, translation: once }
  first.collected.close()
  return { ...(await whole(again, false)), translation: once }
}

async function readOneSide(inputs: Inputs, read: FlowsRead, options: AnalyzeOptions) {
  const isSynProxy = mayHoldSynProxy(read)
  if (!isSynProxy && !mayHoldBothSides(read)) return null
  const reading = readOptions(options)
  const collected = new Collected(options)
  const own = { ...reading, ...collected.readOptions() }
  if (isSynProxy) {
    const near = await readClientsSide(inputs, reading, own)
    if (near === 'unread') return near
    const { filter, facts } = near
    return { read: near.read, reading: { ...reading, filter }, collected, translation: facts }
  }
  const { readBothSides } = await import('./both-sides.ts')
  const both = await readBothSides(inputs, own)
  if (both === null || both === 'unread') return both
  return { read: both.read, reading, collected, translation: both.facts }
}

/** Where a cause was found, what was cut away is not what is missing. */
function noteHeadersOnly(report: Report): void {
  if (report.verdict === 'problem') return
  for (const { faults, counts } of report.sources) {
    const count = counts['tcp'] ?? 0
    if (count > 0) faults.push({ name: 'headers-only', count, text: words.headersOnly })
  }
}

function saysNo({ database, http, refusal, tls }: ApplicationFacts): boolean {
  const told = database?.error ?? tls?.alert ?? refusal
  return told != null || (http?.status ?? 0) >= 400
}

/** Its connections are counted twice, and nothing can be done about it. */
function noteTwice(report: Report): void {
  for (const source of report.sources) {
    source.faults.push({ name: 'both-sides', count: 1, text: words.bothSidesUnread })
  }
}

/** The same traffic seen at two or three places. Connections are those of the capture nearest to the client. */
async function analyzeViews(options: AnalyzeOptions): Promise<AnalyzeResult> {
  const { readViews, compareCaptures } = await import('./vantage.ts')
  const views = await readViews(options, readOptions(options))
  const { evidence: ofViews, comparison } = await compareCaptures(views, options.show)
  const probed = await probeResults(options, ofViews, views[0]!.read.originNs)
  const evidence = { ...ofViews, ...probed.evidence }
  if (comparison.exchanged === 'surely') throw exchanged(options)
  const locate: Locate = (frame) => {
    const view = views.findLast((v) => frame >= v.read.firstFrame) ?? views[0]!
    return { source: view.id, frame: view.read.frames.locate(frame).frame }
  }
  const all = views.flatMap((v) => v.all)
  const first = views[0]!
  const { report, causeOf } = conclude({
    evidence,
    sources: [...views.flatMap((v) => reportSources(v.read, [v.id], v.at)), ...probed.sources],
    locate,
    originNs: first.read.originNs,
    vantage: comparison,
    ...(await baselineOf(options, evidence)),
    ...common(options),
  })
  if (comparison.exchanged === 'perhaps') {
    for (const source of report.sources) {
      source.faults.push({ name: 'roles-exchanged', count: 1, text: words.perhapsExchanged })
    }
  }
  if (comparison.paired === 0) {
    const text = words.nothingPaired
    for (const source of report.sources) {
      source.faults.push({ name: 'nothing-paired', count: 1, text })
    }
  }
  const collected = new Collected(options)
  for (const facts of first.all) collected.add(facts)
  const context = { locate, originNs: first.read.originNs, views: viewsOf(evidence) }
  const rows = await collected.deliver(report, context, causeOf)
  if (options.show === undefined) return { report, ...rows }
  const facts = all.find((c) => String(c.id) === options.show)
  if (facts === undefined) throw notFound(options.show, all.length)
  const own = views.find((v) => v.all.includes(facts)) ?? first
  const pair = comparison.pairs.find((p) => p.near === facts || p.far === facts)
  const other = pair === undefined ? undefined : pair.near === facts ? pair.far : pair.near
  const proven = fateRemarks([facts.id, ...(other === undefined ? [] : [other.id])], evidence)
  const from = { ...context, causeOf, proven }
  const ladder = await showOne(facts, { ...own, ...from })
  const there = other === undefined ? undefined : views.find((v) => v.all.includes(other))
  if (other === undefined || there === undefined) return { report, ladder }
  const beyond = await showOne(other, { ...there, ...from })
  return { report, ladder: { ...ladder, beyond: beyondOf(beyond, there.at) } }
}

/** A wrong cause with proof is what exchanged captures give: no report is better. */
function exchanged({ at }: AnalyzeOptions): TcpwhyError {
  const ofVantage = (vantage: string) => at.find((a) => a.vantage === vantage)
  const near = ofVantage('client') ?? ofVantage('router')!
  const far = ofVantage('server') ?? ofVantage('router')!
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `The captures look exchanged: by the TTLs of its packets the client is nearer to ${far.path}, the server to ${near.path}`,
    `Try --at ${near.vantage}=${far.path} --at ${far.vantage}=${near.path}`,
  )
}

/** A filter that left nothing is more likely a slip than an answer. */
function noteEmptyFilter(report: Report, options: AnalyzeOptions): void {
  const tcp = report.sources.reduce((sum, s) => sum + (s.counts['tcp'] ?? 0), 0)
  if (report.connections.total > 0 || tcp === 0) return
  if (Object.keys(options.filter).length === 0) return
  report.headline = render(words.emptyFilter, { tcp })
  for (const source of report.sources) {
    source.faults.push({
      name: 'filtered-out',
      count: source.counts['tcp'] ?? 0,
      text: words.filteredOut,
    })
  }
}

async function probeResults(
  { probes = [] }: AnalyzeOptions,
  { startMs, endMs, endpoints }: Pick<Evidence, 'startMs' | 'endMs' | 'endpoints'>,
  originNs: bigint,
) {
  if (probes.length === 0) return { sources: [], evidence: {} }
  const { readProbeResults } = await import('./probe-results.ts')
  const originMs = Number(originNs / 1_000_000n)
  const packets = { fromMs: originMs + startMs, toMs: originMs + endMs, endpoints }
  const { sources, experiments, apart } = await readProbeResults(probes, packets)
  return { sources, evidence: { experiments, experimentsApart: apart } }
}

async function baselineOf(options: AnalyzeOptions, evidence: Evidence) {
  if (options.baseline === undefined) return {}
  const { compareBaseline } = await import('./baseline.ts')
  return { baseline: await compareBaseline(options.baseline, evidence, options) }
}

function readOptions(options: AnalyzeOptions): ReadOptions {
  return {
    filter: (addresses, originNs) => packetFilter(options.filter, addresses, originNs),
    stopped: () => options.finish?.aborted === true,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  }
}

function common(options: AnalyzeOptions) {
  return {
    causes,
    catalogue: en,
    toolVersion: version,
    options: { listedLimit: options.all ? null : LISTED_MAX },
  }
}

async function showOne(
  facts: ConnectionFacts,
  from: {
    inputs: Inputs
    read: FlowsRead
    locate: Locate
    causeOf: CauseOf
    views?: Views | undefined
    proven: FateRemarks
  },
): Promise<Ladder> {
  const { inputs, read, locate, causeOf } = from
  const cause = causeOf(facts.id)
  const { views } = from
  const summary = summarise(facts, { locate, originNs: read.originNs, cause, views })
  const again = await readAgain(inputs, read, [facts], { payload: false })
  return ladderOf(facts, summary, again?.get(facts.id) ?? null, locate, from.proven)
}

function beyondOf(
  { connection, rows, omitted }: Ladder,
  at: NonNullable<Ladder['beyond']>['at'],
): NonNullable<Ladder['beyond']> {
  return { at, connection, rows, omitted }
}

function notFound(id: string, connections: number): TcpwhyError {
  return new TcpwhyError(
    'CONNECTION_NOT_FOUND',
    `There is no connection ${id}`,
    connections === 0
      ? 'The capture has no TCP connections.'
      : `Ids go from 0 to ${connections - 1} in order of the first frame; the report names those in trouble.`,
  )
}

function locator(read: FlowsRead, ids: readonly string[]): Locate {
  return (frame) => {
    const place = read.frames.locate(frame)
    return { source: ids[place.source] ?? ids[0]!, frame: place.frame }
  }
}

/** Connections as they end, for --all, --show and --export. */
class Collected {
  private readonly options: AnalyzeOptions
  private readonly store = new RowStore()
  /** The one that is to be shown. */
  shown: ConnectionFacts | null = null

  constructor(options: AnalyzeOptions) {
    this.options = options
  }

  readOptions(): { onConnection?: (facts: ConnectionFacts) => void } {
    const { all, show, sink } = this.options
    if (!all && show === undefined && sink === undefined) return {}
    return { onConnection: (facts) => this.add(facts) }
  }

  close(): void {
    this.store.close()
  }

  add(facts: ConnectionFacts): void {
    const { all, show, sink } = this.options
    if (show !== undefined && String(facts.id) === show) this.shown = facts
    if (all || sink !== undefined) this.store.add(draftOf(facts))
  }

  /** Writes the rows to the sink; with `all` puts them into the report, or beside it where they are too many. */
  async deliver(
    report: Report,
    context: SummaryContext,
    causeOf: CauseOf,
  ): Promise<{ listed?: Iterable<ConnectionSummary> }> {
    const { all, sink } = this.options
    if (sink !== undefined) await exportRows(placed(this.store, context, causeOf), sink)
    const rows = closing(placed(this.store, context, causeOf), this.store)
    if (!all) this.store.close()
    else if (this.store.size > ALL_IN_REPORT) return { listed: rows }
    else report.connections.listed = [...rows]
    return {}
  }
}

async function exportRows(
  rows: Iterable<ConnectionSummary>,
  sink: NonNullable<AnalyzeOptions['sink']>,
): Promise<void> {
  let chunk: ConnectionSummary[] = []
  for (const row of rows) {
    chunk.push(row)
    if (chunk.length < EXPORT_CHUNK) continue
    await sink.write(chunk)
    chunk = []
  }
  if (chunk.length > 0) await sink.write(chunk)
}

function* placed(
  store: RowStore,
  context: SummaryContext,
  causeOf: CauseOf,
): Iterable<ConnectionSummary> {
  for (const draft of store.rows()) {
    yield place(draft, { ...context, cause: causeOf(Number(draft.id)) })
  }
}

function* closing<T>(rows: Iterable<T>, store: RowStore): Iterable<T> {
  try {
    yield* rows
  } finally {
    store.close()
  }
}
