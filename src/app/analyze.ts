import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { causes } from '../causes/index.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { ConnectionSummary, Report } from '../diagnose/report.ts'
import { type Locate, summarise } from '../diagnose/summary.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { en } from '../messages/en/index.ts'
import { render } from '../messages/render.ts'
import { evidenceOf } from './evidence-of.ts'
import { packetFilter } from './filter.ts'
import { type Inputs, inputsOf } from './inputs.ts'
import { ladderOf } from './ladder.ts'
import { machineSource } from './machine-sources.ts'
import { type FlowsRead, type ReadOptions, readFlows } from './read-flows.ts'
import { readAgain } from './reread.ts'
import { reportSources, sourceIds } from './sources.ts'
import type { AnalyzeCaptures, AnalyzeOptions, AnalyzeResult } from './types.ts'

/** Troubled connections listed in a report without --all. */
const LISTED_MAX = 1000
const EXPORT_CHUNK = 1000

/** The main job: captures in, report out. */
export const analyzeCaptures: AnalyzeCaptures = async (options) => {
  return options.at.length > 0 ? analyzeViews(options) : analyzeOne(options)
}

async function analyzeOne(options: AnalyzeOptions): Promise<AnalyzeResult> {
  const inputs = inputsOf(options.inputs, options)
  const collected = new Collected(options)
  const read = await readFlows(await inputs.open(), {
    ...readOptions(options),
    ...collected.readOptions(),
  })
  const ids = sourceIds(read.sources.length)
  const locate = locator(read, ids)
  await collected.flush(read, locate)
  const all = collected.sorted()
  const { machines } = options
  const ofCapture = await evidenceOf(inputs, read, ids)
  const evidence = machines === undefined ? ofCapture : { ...ofCapture, machines }
  const report = diagnose({
    evidence,
    sources: [...reportSources(read, ids, null), ...(machines ?? []).map(machineSource)],
    locate,
    originNs: read.originNs,
    ...(await baselineOf(options, evidence)),
    ...common(options, all),
  })
  report.connections.troubled = read.flows.troubled
  noteEmptyFilter(report, options)
  if (options.show === undefined) return { report }
  const facts = all.find((c) => String(c.id) === options.show)
  if (facts === undefined) throw notFound(options.show, read.flows.totals.connections)
  return { report, ladder: await showOne(facts, { inputs, read, locate, report }) }
}

/** The same traffic seen at two or three places. Connections are those of the capture nearest to the client. */
async function analyzeViews(options: AnalyzeOptions): Promise<AnalyzeResult> {
  const { readViews, compareCaptures } = await import('./vantage.ts')
  const views = await readViews(options, readOptions(options))
  const { evidence, comparison } = await compareCaptures(views)
  if (comparison.exchanged === 'surely') throw exchanged(options)
  const locate: Locate = (frame) => {
    const view = views.findLast((v) => frame >= v.read.firstFrame) ?? views[0]!
    return { source: view.id, frame: view.read.frames.locate(frame).frame }
  }
  const all = views.flatMap((v) => v.all)
  const first = views[0]!
  const collected = new Collected(options)
  if (options.sink !== undefined) {
    for (const facts of first.all) collected.add(facts)
    await collected.flush(first.read, locate)
  }
  const report = diagnose({
    evidence,
    sources: views.flatMap((v) => reportSources(v.read, [v.id], v.at)),
    locate,
    originNs: first.read.originNs,
    vantage: comparison,
    ...(await baselineOf(options, evidence)),
    ...common(options, first.all),
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
  if (options.show === undefined) return { report }
  const facts = all.find((c) => String(c.id) === options.show)
  if (facts === undefined) throw notFound(options.show, all.length)
  const own = views.find((v) => v.all.includes(facts)) ?? first
  return { report, ladder: await showOne(facts, { ...own, locate, report }) }
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

function common(options: AnalyzeOptions, all: readonly ConnectionFacts[]) {
  return {
    causes,
    catalogue: en,
    toolVersion: version,
    options: {
      listedLimit: options.all ? null : LISTED_MAX,
      ...(options.all ? { listed: all } : {}),
    },
  }
}

async function showOne(
  facts: ConnectionFacts,
  from: { inputs: Inputs; read: FlowsRead; locate: Locate; report: Report },
) {
  const { inputs, read, locate, report } = from
  const cause = report.connections.listed.find((c) => c.id === String(facts.id))?.cause
  const summary = summarise(facts, { locate, originNs: read.originNs, cause })
  const again = await readAgain(inputs, read, [facts], { payload: false })
  return ladderOf(facts, summary, again?.get(facts.id) ?? null, locate)
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
  private readonly wanted: ConnectionFacts[] = []
  private waiting: ConnectionFacts[] = []
  private exported = 0

  constructor(options: AnalyzeOptions) {
    this.options = options
  }

  readOptions(): { onConnection?: (facts: ConnectionFacts) => void } {
    const { all, show, sink } = this.options
    if (!all && show === undefined && sink === undefined) return {}
    return {
      onConnection: (facts) => {
        if (all || String(facts.id) === show) this.wanted.push(facts)
        if (sink !== undefined) this.add(facts)
      },
    }
  }

  /** To be exported. */
  add(facts: ConnectionFacts): void {
    this.waiting.push(facts)
  }

  sorted(): readonly ConnectionFacts[] {
    return this.wanted.sort((a, b) => a.id - b.id)
  }

  async flush(read: FlowsRead, locate: Locate): Promise<void> {
    const { sink } = this.options
    if (sink === undefined) return
    this.waiting.sort((a, b) => a.id - b.id)
    for (let at = 0; at < this.waiting.length; at += EXPORT_CHUNK) {
      const rows: ConnectionSummary[] = this.waiting
        .slice(at, at + EXPORT_CHUNK)
        .map((facts) => summarise(facts, { locate, originNs: read.originNs }))
      await sink.write(rows)
      this.exported += rows.length
    }
    this.waiting = []
  }
}
