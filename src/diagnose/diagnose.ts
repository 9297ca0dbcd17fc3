import type { Cause, Judgement } from '../causes/cause.ts'
import type { CauseId } from '../causes/ids.ts'
import type { Evidence, TranslationFacts } from '../evidence/evidence.ts'
import type { Comparison } from '../evidence/vantage/compare.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { doubted } from './doubts.ts'
import { type FindingContext, findingOf, type Messages, reasonsOf, say } from './finding.ts'
import { headlineOf, whatOf } from './headline.ts'
import { hasSockets, hostSummary } from './host-summary.ts'
import { acrossHosts, sickHosts } from './hosts/across.ts'
import { compareHosts } from './hosts/comparison.ts'
import {
  explainedByKernel,
  isMachineClaim,
  joinFindings,
  machineFindings,
} from './machine-findings.ts'
import { machineUnexplained } from './machine-unexplained.ts'
import { merge } from './merge.ts'
import { oneDirectionOf, unknownHalf } from './one-direction.ts'
import { cutLooseEnds, rank, verdictOf } from './rank.ts'
import type { BaselineComparison, Report, Source, VantageSummary } from './report.ts'
import { type Claim, causeByConnection, settle } from './rivals.ts'
import { type Locate, summarise, viewsOf } from './summary.ts'
import { looksBad, type Unexplained, unexplainedOf } from './unexplained.ts'

export interface DiagnoseInput {
  evidence: Evidence
  causes: readonly Cause[]
  catalogue: Messages
  toolVersion: string
  sources: readonly Source[]
  /** Running frame number -> source and the number in its own file. */
  locate: Locate
  /** Unix time in nanoseconds of the evidence's millisecond 0. */
  originNs: bigint
  options: DiagnoseOptions
  /** With --at: what the captures prove together; its facts are in `evidence.vantage`. */
  vantage?: Comparison
  /** With --baseline: `compareWithBaseline`'s answer. */
  baseline?: BaselineComparison
}

export interface DiagnoseOptions {
  /** Troubled connections listed at most; null = all of them. */
  listedLimit: number | null
}

/** Asks every cause, settles who explains what, and writes the report. Pure: the same input gives the same report. */
export function diagnose(input: DiagnoseInput): Report {
  return conclude(input).report
}

/** The report, and under which cause each connection was counted: of connections that the report does not list, too. */
export function conclude(input: DiagnoseInput): {
  report: Report
  causeOf: (id: number) => CauseId | undefined
} {
  const { evidence, causes } = input
  const asked = ask(evidence, causes)
  const doubts = doubted(
    asked.claims.filter((c) => !isMachineClaim(c)),
    evidence,
  )
  const holdings = settle(doubts.claims)
  const ofKernels = asked.claims.filter(isMachineClaim)
  const explained = new Map([
    ...explainedByKernel(evidence.connections, ofKernels),
    ...causeByConnection(holdings),
  ])
  const unexplained = unexplainedOf(evidence, explained)
  const context = contextOf(input)
  const ofPackets = merge(holdings, ({ id }) => evidence.application.has(id)).map((merged) => ({
    merged,
    finding: findingOf(merged, context),
  }))
  const machines = evidence.machines ?? []
  const ofEach = machineFindings(ofKernels, context, evidence.machines)
  const ofMachines = acrossHosts(ofEach, machines)
  const comparison = compareHosts(machines, sickHosts(ofEach))
  const findings = rank(cutLooseEnds(joinFindings(ofPackets, ofMachines)))
  const ofHosts = (evidence.machines ?? []).flatMap(machineUnexplained)
  const total = evidence.totals.connections
  const bad =
    unexplained.filter(looksBad).reduce((sum, u) => sum + u.count, 0) +
    // With packets beside, those say what the resets were.
    (total > 0 ? 0 : ofHosts.filter((u) => u.bad).length)
  const half = oneDirectionOf(evidence)
  const anything = total > 0 || (evidence.machines ?? []).some(hasSockets)
  const seen = verdictOf(findings, bad, anything)
  const late = asked.unknown.find((u) => u.cause === 'packet-loss') ?? null
  // Without the kernel's events nobody was seen to be reset, refused or dropped: that is not to see that nobody was.
  const blind = machines.some(({ events }) => events === null)
  const doubtful = half?.whole === true || late !== null || blind || doubts.untimed
  const unproven = doubts.unknown.filter(({ cause }) => findings.some((f) => f.cause === cause))
  const open = (seen === 'healthy' && doubtful) || (seen === 'benign' && unproven.length > 0)
  const verdict = open ? 'inconclusive' : seen
  const unknown = [
    ...(half === null ? [] : [unknownHalf(half)]),
    ...unproven,
    ...asked.unknown,
    ...unexplained.map((u) => unknownOf(u, input)),
    ...ofHosts.map((u) => u.entry),
  ]
  const report: Report = {
    schema: 'tcpwhy.report/1',
    tool: { name: 'tcpwhy', version: input.toolVersion },
    sources: [...input.sources],
    verdict,
    headline: headlineOf({
      verdict,
      findings,
      unexplained,
      unknown,
      evidence,
      causes,
      half,
      late,
      unproven: unproven.length > 0,
      untimed: doubts.untimed,
    }),
    findings,
    excluded: asked.excluded.map(({ cause, because }) => ({
      cause: cause.id,
      because: reasonsOf(because, context),
    })),
    unknown,
    connections: {
      total,
      byEnding: { ...evidence.totals.byEnding },
      troubled: evidence.connections.reduce((sum, c) => sum + c.weight, 0),
      listedLimit: input.options.listedLimit,
      listed: listedOf(input, explained),
    },
    ...(input.baseline === undefined ? {} : { baseline: input.baseline }),
    ...(evidence.translation === undefined
      ? {}
      : { translation: translationSummary(evidence.translation) }),
    ...(input.vantage === undefined ? {} : { vantage: vantageSummary(input.vantage) }),
    ...(evidence.machines === undefined ? {} : { hosts: evidence.machines.map(hostSummary) }),
    ...(comparison === null ? {} : { comparison }),
  }
  return { report, causeOf: (id) => explained.get(id) }
}

function translationSummary({ pairs, by }: TranslationFacts): Report['translation'] & object {
  return { connections: pairs, ...(by === undefined ? {} : { by }) }
}

/** The report's account of how captures were paired. JSON has no Infinity: an unknown clock is left out. */
function vantageSummary({
  paired,
  translated,
  unpaired,
  elsewhere,
  clocks,
  fates,
  kinds,
  changes,
  parts,
  split,
  relayed,
}: Comparison): VantageSummary {
  const known = clocks.flatMap(({ uncertaintyMs, ...clock }) =>
    uncertaintyMs === null ? [] : [{ ...clock, uncertaintyMs }],
  )
  return {
    paired,
    translated,
    unpaired,
    elsewhere,
    clocks: known,
    fates,
    kinds,
    changes,
    parts,
    split,
    relayed,
  }
}

/** What needs a capture of both ends is not missing where both were given. */
const ASKS_FOR_ENDS = 'tcpwhy analyze --at '

function ask(evidence: Evidence, causes: readonly Cause[]) {
  const bothEnds = evidence.vantage?.client != null && evidence.vantage.server !== null
  const claims: Claim[] = []
  const excluded: { cause: Cause; because: Parameters<typeof reasonsOf>[0] }[] = []
  const unknown: Report['unknown'] = []
  const machines = evidence.machines ?? []
  const judgements = causes.flatMap((cause) => [
    { cause, judgement: withoutQuestions(cause.judge(evidence), cause, machines.length > 0) },
    ...machines.flatMap((machine) => {
      const judgement = cause.judgeMachine?.(machine, evidence)
      return judgement === undefined ? [] : [{ cause, judgement }]
    }),
  ])
  for (const { cause, judgement } of judgements) {
    for (const verdict of judgement.verdicts) claims.push({ cause, verdict })
    if (judgement.excluded) excluded.push({ cause, because: judgement.excluded.because })
    if (judgement.unknown) {
      const { missing, ask } = judgement.unknown
      if (bothEnds && ask.startsWith(ASKS_FOR_ENDS)) continue
      unknown.push({ cause: cause.id, missing: [...new Set(missing)], ask })
    }
  }
  return { claims, excluded, unknown }
}

/** What packets cannot tell and ask the host is not asked where the host was looked at. */
function withoutQuestions(judgement: Judgement, cause: Cause, looked: boolean): Judgement {
  if (!looked || cause.judgeMachine === undefined || judgement.unknown === undefined)
    return judgement
  const { unknown: _, ...rest } = judgement
  return rest
}

function contextOf({ evidence, catalogue, locate }: DiagnoseInput): FindingContext {
  let firstFrames: Map<number, number> | null = null
  const firstFrameOf = (id: number) => {
    firstFrames ??= new Map(evidence.connections.map((c) => [c.id, c.firstFrame]))
    return firstFrames.get(id) ?? null
  }
  const bothEnds = evidence.vantage !== null
  const applicationOf = (id: number) => evidence.application.get(id) ?? null
  const total = evidence.totals.connections
  return { catalogue, locate, total, bothEnds, firstFrameOf, applicationOf }
}

const MAX_SERVERS = 3
const MAX_EXAMPLES = 5

/** The entry that keeps an unexplained ending from being dropped in silence. */
function unknownOf(unexplained: Unexplained, input: DiagnoseInput): Report['unknown'][number] {
  const { connections, count, flood } = unexplained
  const servers = [...new Set(connections.map((c) => c.server.endpoint))]
  const shown = servers.slice(0, MAX_SERVERS).join(', ')
  const examples = connections.slice(0, MAX_EXAMPLES).map((c) => String(c.id))
  const first = connections[0]!
  const { source } = input.locate(first.firstFrame)
  const file = captureArguments(input, source)
  const ids = examples.join(', ') + (connections.length > MAX_EXAMPLES ? ', …' : '')
  return {
    cause: 'unexplained',
    missing: [
      say(words.unexplained.missing, {
        what: whatOf(unexplained),
        servers: servers.length > MAX_SERVERS ? `${shown}, …` : shown,
        examples: say(words.unexplained.examples, { ids, count }),
      }),
    ],
    ask:
      flood === null
        ? say(words.unexplained.ask, { id: first.id, file })
        : say(words.unexplained.floodAsk, { port: first.server.port }),
    connections: count,
    examples,
  }
}

/** The captures as they must be named again so that the ids are the same. */
function captureArguments({ sources }: DiagnoseInput, source: string): string {
  const placed = sources.filter((s) => s.at !== undefined)
  if (placed.length > 1) return placed.map((s) => `--at ${s.at}=${quote(s.name)}`).join(' ')
  const captures = sources.filter((s) => s.kind === 'capture')
  if (captures.length > 1) return captures.map((s) => quote(s.name)).join(' ')
  return quote(sources.find((s) => s.id === source)?.name ?? 'FILE')
}

/** For a shell: a file name is somebody else's text. */
function quote(name: string): string {
  return /^[\w./:@%+=-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}

function listedOf(
  { evidence, options, locate, originNs }: DiagnoseInput,
  explained: ReturnType<typeof causeByConnection>,
): Report['connections']['listed'] {
  const views = viewsOf(evidence)
  const limit = options.listedLimit ?? Number.POSITIVE_INFINITY
  const listed: Report['connections']['listed'] = []
  for (const connection of evidence.connections) {
    if (listed.length >= limit) break
    const cause = explained.get(connection.id)
    listed.push(summarise(connection, { locate, originNs, cause, views }))
  }
  return listed
}
