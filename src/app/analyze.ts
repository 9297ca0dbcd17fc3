import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { causes } from '../causes/index.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { ConnectionSummary, Report } from '../diagnose/report.ts'
import { type Locate, summarise } from '../diagnose/summary.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { endings } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { en } from '../messages/en/index.ts'
import { readConversations } from './conversations.ts'
import { packetFilter } from './filter.ts'
import { type Inputs, inputsOf } from './inputs.ts'
import { ladderOf } from './ladder.ts'
import { type FlowsRead, readFlows } from './read-flows.ts'
import { readAgain } from './reread.ts'
import { reportSources, sourceFacts, sourceIds } from './sources.ts'
import type { AnalyzeCaptures, AnalyzeOptions, AnalyzeResult } from './types.ts'

/** Troubled connections listed in a report without --all. */
const LISTED_MAX = 1000
const EXPORT_CHUNK = 1000

/** The main job: captures in, report out. */
export const analyzeCaptures: AnalyzeCaptures = async (options) => {
  const inputs = inputsOf(options.inputs)
  const collected = new Collected(options)
  const read = await readFlows(await inputs.open(), {
    ...collected.readOptions(),
    filter: (addresses, originNs) => packetFilter(options.filter, addresses, originNs),
    stopped: () => options.finish?.aborted === true,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
  const ids = sourceIds(read.sources.length)
  const locate = locator(read, ids)
  await collected.flush(read, locate)
  const evidence = await evidenceOf(inputs, read, ids)
  const all = collected.sorted()
  const report = diagnose({
    evidence,
    causes,
    catalogue: en,
    toolVersion: version,
    sources: reportSources(read, ids, null),
    locate,
    originNs: read.originNs,
    options: {
      listedLimit: options.all ? null : LISTED_MAX,
      ...(options.all ? { listed: all } : {}),
    },
  })
  report.connections.troubled = read.flows.troubled
  const result: AnalyzeResult = { report }
  if (options.show === undefined) return result
  return { ...result, ladder: await showOne(options.show, inputs, read, locate, all, report) }
}

async function showOne(
  id: string,
  inputs: Inputs,
  read: FlowsRead,
  locate: Locate,
  all: readonly ConnectionFacts[],
  report: Report,
) {
  const facts = all.find((c) => String(c.id) === id)
  if (facts === undefined) {
    const last = read.flows.totals.connections - 1
    throw new TcpwhyError(
      'CONNECTION_NOT_FOUND',
      `There is no connection ${id}`,
      last < 0
        ? 'The capture has no TCP connections.'
        : `Ids go from 0 to ${last} in order of the first frame; the report names those in trouble.`,
    )
  }
  const cause = report.connections.listed.find((c) => c.id === id)?.cause
  const summary = summarise(facts, { locate, originNs: read.originNs, cause })
  const again = await readAgain(inputs, read, [facts], { payload: false })
  return ladderOf(facts, summary, again?.get(facts.id) ?? null, locate)
}

export function locator(read: FlowsRead, ids: readonly string[]): Locate {
  return (frame) => {
    const place = read.frames.locate(frame)
    return { source: ids[place.source] ?? ids[0]!, frame: place.frame }
  }
}

async function evidenceOf(
  inputs: Inputs,
  read: FlowsRead,
  ids: readonly string[],
): Promise<Evidence> {
  const { flows } = read
  const facts = sourceFacts(read, ids, null)
  const byEnding = Object.fromEntries(
    endings.map((ending) => [ending, flows.totals.byEnding[ending] ?? 0]),
  ) as Evidence['totals']['byEnding']
  return {
    sources: facts,
    connections: flows.connections,
    endpoints: flows.endpoints,
    hosts: flows.hosts,
    paths: flows.paths,
    totals: { ...flows.totals, byEnding },
    application: await readConversations(inputs, read),
    vantage: null,
    startMs: Math.min(0, ...facts.map((s) => s.fromMs)),
    endMs: Math.max(0, ...facts.map((s) => s.toMs)),
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
        if (sink !== undefined) this.waiting.push(facts)
      },
    }
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
