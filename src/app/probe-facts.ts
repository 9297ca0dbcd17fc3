import type { BacklogExperiment, Experiment, HttpExperiment } from '../evidence/experiments.ts'
import type { BacklogReport, Burst } from '../probe/backlog/report.ts'
import type { ConnectReport, ConnectTarget, ConnectVerdict } from '../probe/connect/report.ts'
import type { HttpReport, RaceAttempt } from '../probe/http/report.ts'
import type { IdleReport, IdleRun } from '../probe/idle/report.ts'
import type { LoadReport } from '../probe/load/report.ts'
import type { ProbeReport } from '../probe/report.ts'

/** What of a result can speak for or against a cause. `source`: id of the file that it came from. */
export function factsOf(report: ProbeReport, source: string): Experiment[] {
  switch (report.probe) {
    case 'idle':
      return idleFacts(report, source)
    case 'connect':
      return connectFacts(report, source)
    case 'backlog':
      return backlogFacts(report, source)
    case 'http':
      return httpFacts(report, source)
    case 'load':
      return loadFacts(report, source)
  }
}

/** Only plain silences say when a connection that carries nothing dies. */
function idleFacts({ targets }: IdleReport, source: string): Experiment[] {
  return targets.flatMap(({ address, runs }, t) =>
    runs.flatMap((run, r) => {
      if (run.keepalive !== 'off' || run.traffic !== 'none') return []
      if (run.longestSurvivedMs === 0 && run.shortestDiedMs === null) return []
      // One that died alone may have been ended by a restart: what others survived is all that is known.
      const isKnown = isRepeated(run)
      if (run.longestSurvivedMs === 0 && !isKnown) return []
      return {
        kind: 'idle',
        source,
        ref: `targets[${t}].runs[${r}]`,
        endpoint: address,
        fromMs: run.longestSurvivedMs,
        toMs: isKnown ? run.shortestDiedMs : null,
        flavour: isKnown ? run.flavour : null,
        by: isKnown ? run.by : null,
      }
    }),
  )
}

/** As src/probe/idle/conclude.ts says, which is not in the script that analyses. */
function isRepeated({ attempts, longestSurvivedMs }: IdleRun): boolean {
  const deaths = attempts.filter(
    ({ outcome, silenceMs }) =>
      ['fin', 'reset', 'silent'].includes(outcome) && silenceMs >= longestSurvivedMs * 0.95,
  )
  return deaths.length !== 1
}

/** Null: of this side, or unknown. */
const OUTCOMES = {
  served: 'served',
  connected: 'taken',
  'reset-on-request': 'reset-unserved',
  'closed-on-request': 'closed-unserved',
  'tls-failed': 'tls-failed',
  'broken-answer': 'taken',
  refused: 'refused',
  filtered: 'filtered',
  unreachable: 'unreachable',
  'reset-in-handshake': 'reset-in-handshake',
  'never-served': 'never-served',
  'not-acknowledged': 'not-acknowledged',
  'no-local-resource': null,
  failed: null,
} as const satisfies Record<ConnectVerdict, string | null>

function connectFacts({ targets }: ConnectReport, source: string): Experiment[] {
  return targets.flatMap((target, t) => {
    // Later versions may have more verdicts.
    const outcome = Object.hasOwn(OUTCOMES, target.verdict) ? OUTCOMES[target.verdict] : null
    if (outcome === null) return []
    const { answered } = target.hops ?? { answered: null }
    return {
      kind: 'connect',
      source,
      ref: `targets[${t}]`,
      endpoint: target.address,
      outcome,
      refusedBy: outcome === 'refused' ? refusedBy(target) : null,
      // Reports of the first versions have it of the walk alone.
      icmpFrom: target.icmp?.from ?? (answered?.by === 'unreachable' ? answered.from : null),
      // Reports of the first versions may lack it.
      secured: (target.visit.tls ?? null) !== null,
      lastedMs: target.visit.endedMs,
    }
  })
}

/** A RST with fewer hops behind it than its SYN needed comes from a nearer box (src/probe/connect/conclude.ts). */
function refusedBy({ hops }: ConnectTarget): 'host' | 'nearer' | null {
  if (hops === null || hops.answered?.by !== 'rst' || hops.answerHops === null) return null
  return hops.answerHops + 1 < hops.answered.ttl ? 'nearer' : 'host'
}

/** Failures of this side: the burst was smaller than it says. */
const OURS: readonly string[] = ['no-descriptor', 'no-local-port']

function backlogFacts(report: BacklogReport, source: string): BacklogExperiment[] {
  const [target] = report.targets
  const usable = report.bursts
    .map((burst, index) => ({ burst, index }))
    .filter(({ burst }) => !burst.failures.some(({ kind }) => OURS.includes(kind)))
  const last = usable.at(-1)
  if (target === undefined || last === undefined) return []
  const firstBad = usable.findIndex(({ burst }) => !tookAll(burst))
  const clean = firstBad < 0 ? usable : usable.slice(0, firstBad)
  const rest = usable.slice(clean.length)
  return [
    {
      kind: 'backlog',
      source,
      ref: `bursts[${last.index}]`,
      endpoint: target.address,
      connections: last.burst.connections,
      tookAll: clean.at(-1)?.burst.connections ?? 0,
      hasLimit: clean.length > 0 && rest.length > 0 && !rest.some(({ burst }) => tookAll(burst)),
      troubles: troublesOf(last.burst),
      overflows: overflowsOf(
        usable.map(({ burst }) => burst),
        report.listener?.limit ?? null,
      ),
    },
  ]
}

function tookAll({ connections, answered, slowHandshakes }: Burst): boolean {
  return answered === connections && slowHandshakes === 0
}

function troublesOf({ failures, slowHandshakes }: Burst): BacklogExperiment['troubles'] {
  const sum = (...kinds: string[]) =>
    failures.reduce((all, { kind, count }) => all + (kinds.includes(kind) ? count : 0), 0)
  return {
    syn: sum('connect-timeout') + slowHandshakes,
    reset: sum('connect-reset', 'send-reset', 'receive-reset'),
    ack: sum('send-timeout', 'receive-timeout'),
  }
}

/** The counter is of the whole namespace: it is this listener's where its own drops rose, or its queue was full. */
function overflowsOf(bursts: readonly Burst[], limit: number | null): number | null {
  const counted = bursts.flatMap((burst) => burst.counted ?? [])
  if (counted.length === 0) return null
  return counted.reduce((all, { drops, deepest, listenOverflows }) => {
    const own = drops !== null ? drops > 0 : limit !== null && deepest >= limit
    return own ? all + listenOverflows : all
  }, 0)
}

function httpFacts(report: HttpReport, source: string): Experiment[] {
  const { targets, idle } = report
  const [target] = targets
  // Dead on the way: when the server closes was not seen.
  if (target === undefined || idle === null || idle.answered === false) return []
  const { closedAfterMs, how, waitedMs } = idle
  const endpoint = target.address
  return [
    {
      kind: 'http',
      source,
      ref: 'idle',
      endpoint,
      closedAfterMs,
      how,
      waitedMs,
      race: raceOf(report),
      uploads: uploadsOf(report),
    },
  ]
}

/** Written by other versions, it may lack them. */
function uploadsOf({ uploads = null }: Partial<HttpReport>): HttpExperiment['uploads'] {
  if (uploads === null || uploads.length === 0) return null
  const count = (...ends: string[]) => uploads.filter(({ ended }) => ends.includes(ended)).length
  return { tried: uploads.length, lost: count('lost', 'reset'), stuck: count('timeout') }
}

/** As src/probe/http/race.ts says, which is not in the script that analyses. */
const LOST: readonly RaceAttempt['outcome'][] = ['reset', 'closed', 'timeout']

/** Reports of the first versions have no round trip. */
function raceOf({ race, roundTripMs = null }: HttpReport): HttpExperiment['race'] {
  if (race === null || race.length === 0) return null
  const lost = race.filter(({ outcome }) => LOST.includes(outcome)).length
  return { tried: race.length, lost, roundTripMs: roundTripMs ?? 0 }
}

const LOADS = ['connect-refused', 'connect-timeout', 'receive-timeout'] as const

function loadFacts({ targets, failures, requests }: LoadReport, source: string): Experiment[] {
  const [target] = targets
  if (target === undefined) return []
  return failures.flatMap(({ kind, count }, f) => {
    const failure = LOADS.find((known) => known === kind)
    if (failure === undefined || count === 0) return []
    const ref = `failures[${f}]`
    const { begun } = requests
    return { kind: 'load', source, ref, endpoint: target.address, failure, count, begun }
  })
}

/** By the name of the experiment, how many connections or requests it made. */
export function countOf(report: ProbeReport): number {
  switch (report.probe) {
    case 'idle':
      return report.targets.flatMap(({ runs }) => runs.flatMap((run) => run.attempts)).length
    case 'connect':
      return report.targets.length
    case 'backlog':
      return report.bursts.reduce((all, { connections }) => all + connections, 0)
    case 'http':
      return report.spent.connections
    case 'load':
      return report.connections.opened
  }
}
