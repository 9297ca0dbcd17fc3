import { type Ending, endings } from '../evidence/endings.ts'
import type { EndpointFacts, Evidence } from '../evidence/evidence.ts'
import { baselineWords as words } from '../messages/en/baseline.ts'
import { say } from './finding.ts'
import type { BaselineComparison } from './report.ts'

type Difference = BaselineComparison['differences'][number]
/** `telling`: how far it is from chance and from a mere nuance; larger is first. */
type Found = Difference & { telling: number }

/** Fewer cases than this on either side prove nothing. */
const MIN_CASES = 20
/** Standard errors between two shares: 1 in 370 by chance for each of some 20 comparisons. */
const MIN_Z = 3
/** A share must differ by this much, or by this factor. */
const MIN_POINTS = 1
const MIN_FACTOR = 2
const MIN_RTT_MS = 1
const MIN_RTT_FACTOR = 1.5
const MIN_SILENCE_MS = 1000
/** RTTs of one endpoint are compared where it has many; more endpoints than this would bury the rest. */
const MAX_ENDPOINTS = 5
const MAX_DIFFERENCES = 12

/**
 * The sick capture beside a healthy one: only figures that differ by more than chance and enough to matter, the most
 * telling first, each with the sample it stands on. Too few cases: not told.
 */
export function compareWithBaseline(
  here: Evidence,
  baseline: Evidence,
  name: string,
): BaselineComparison {
  const found: Found[] = [
    ...endingShares(here, baseline),
    ...shares(here, baseline),
    ...perThousand(here, baseline),
    ...roundTrips(here, baseline),
    ...silences(here, baseline),
    ...rates(here, baseline),
    ...habits(here, baseline),
  ]
  found.sort((a, b) => b.telling - a.telling || (a.what < b.what ? -1 : 1))
  const differences = found.slice(0, MAX_DIFFERENCES).map(({ telling: _, ...rest }) => rest)
  return { name, differences }
}

interface Share {
  hits: number
  of: number
}

function endingShares(here: Evidence, baseline: Evidence): Found[] {
  const share = (e: Evidence, ending: Ending): Share => ({
    hits: e.totals.byEnding[ending],
    of: e.totals.connections,
  })
  return endings.flatMap((ending) =>
    compareShares(share(here, ending), share(baseline, ending), {
      what: say(words.share, { ending }),
      of: 'connections',
    }),
  )
}

function shares(here: Evidence, baseline: Evidence): Found[] {
  const served = sumOver(here, baseline, (e) => ({ hits: e.served, of: e.established }))
  const retried = sumOver(here, baseline, (e) => ({ hits: e.synRetried, of: e.connections }))
  return [
    ...compareShares(served.here, served.baseline, { what: words.served, of: 'handshakes' }),
    ...compareShares(retried.here, retried.baseline, { what: words.synRetried, of: 'connections' }),
    ...compareShares(retransmissions(here), retransmissions(baseline), {
      what: words.retransmissions,
      of: 'data packets',
    }),
  ]
}

function sumOver(here: Evidence, baseline: Evidence, of: (e: EndpointFacts) => Share) {
  const sum = (evidence: Evidence): Share => {
    const total = { hits: 0, of: 0 }
    for (const endpoint of evidence.endpoints.values()) {
      const share = of(endpoint)
      total.hits += share.hits
      total.of += share.of
    }
    return total
  }
  return { here: sum(here), baseline: sum(baseline) }
}

function retransmissions(evidence: Evidence): Share {
  const total = { hits: 0, of: 0 }
  for (const path of evidence.paths.values()) {
    total.hits += path.retransmissions
    total.of += path.dataPackets
  }
  return { hits: Math.min(total.hits, total.of), of: total.of }
}

/** Two proportions in per cent; z by the pooled standard error. */
function compareShares(
  here: Share,
  baseline: Share,
  names: { what: string; of: keyof typeof words.what },
): Found[] {
  if (here.of < MIN_CASES || baseline.of < MIN_CASES) return []
  const [a, b] = [here.hits / here.of, baseline.hits / baseline.of]
  const pooled = (here.hits + baseline.hits) / (here.of + baseline.of)
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / here.of + 1 / baseline.of))
  const z = error === 0 ? 0 : Math.abs(a - b) / error
  const points = Math.abs(a - b) * 100
  const factor = factorOf(a, b)
  if (z < MIN_Z || (points < MIN_POINTS && factor < MIN_FACTOR)) return []
  const text = say(words.sample, { here: here.of, there: baseline.of, what: words.what[names.of] })
  // A share that moved by 30 points says more than one that doubled from 0.1 %.
  const telling = points + Math.min(factor, 20)
  return [{ what: names.what, unit: '%', here: a * 100, baseline: b * 100, text, telling }]
}

function perThousand(here: Evidence, baseline: Evidence): Found[] {
  const resets = ({ totals: { byEnding } }: Evidence) =>
    byEnding.reset + byEnding['reset-after-fin'] + byEnding['handshake-reset']
  const closed = (e: Evidence) =>
    e.connections.reduce(
      (sum, { sides: { client, server }, weight }) =>
        sum + (client.zeroWindow.times + server.zeroWindow.times) * weight,
      0,
    )
  return [
    ...compareRates(resets, { here, baseline, what: words.resets }),
    ...compareRates(closed, { here, baseline, what: words.zeroWindows }),
  ]
}

/** Events counted against connections; the counts are taken as Poisson. */
function compareRates(
  count: (evidence: Evidence) => number,
  { here, baseline, what }: { here: Evidence; baseline: Evidence; what: string },
): Found[] {
  const [n, m] = [here.totals.connections, baseline.totals.connections]
  if (n < MIN_CASES || m < MIN_CASES) return []
  const [a, b] = [count(here) / n, count(baseline) / m]
  const error = Math.sqrt(((a * n + b * m) / (n + m)) * (1 / n + 1 / m))
  const factor = factorOf(a, b)
  if (error === 0 || Math.abs(a - b) / error < MIN_Z || factor < MIN_FACTOR) return []
  const text = say(words.sample, { here: n, there: m, what: words.what.connections })
  const telling = Math.min(Math.abs(a - b) * 100, 100) + Math.min(factor, 20)
  return [{ what, unit: '', here: a * 1000, baseline: b * 1000, text, telling }]
}

function roundTrips(here: Evidence, baseline: Evidence): Found[] {
  const common = [...here.endpoints.values()]
    .filter((e) => baseline.endpoints.has(e.endpoint))
    .sort((a, b) => b.connections - a.connections)
    .slice(0, MAX_ENDPOINTS)
  return common.flatMap((endpoint) => {
    const [a, b] = [
      endpoint.handshakeRttMs,
      baseline.endpoints.get(endpoint.endpoint)!.handshakeRttMs,
    ]
    if (a === null || b === null || a.count < MIN_CASES || b.count < MIN_CASES) return []
    const text = say(words.sample, { here: a.count, there: b.count, what: words.what.handshakes })
    const server = endpoint.endpoint
    return [
      ...durations({
        here: a.median,
        baseline: b.median,
        text,
        what: say(words.rttMedian, { server }),
      }),
      ...durations({ here: a.p90, baseline: b.p90, text, what: say(words.rttP90, { server }) }),
    ]
  })
}

function durations(pair: { here: number; baseline: number; what: string; text: string }): Found[] {
  const factor = factorOf(pair.here, pair.baseline)
  if (Math.abs(pair.here - pair.baseline) < MIN_RTT_MS || factor < MIN_RTT_FACTOR) return []
  return [{ ...pair, unit: 'ms', telling: Math.min(factor * 2, 20) }]
}

/** Only where both captures were long enough to have seen the longer silence. */
function silences(here: Evidence, baseline: Evidence): Found[] {
  const longest = (e: Evidence) => {
    let ms = 0
    for (const path of e.paths.values()) ms = Math.max(ms, path.survivedSilenceMs)
    return ms
  }
  const [a, b] = [longest(here), longest(baseline)]
  const [n, m] = [lengthOf(here), lengthOf(baseline)]
  const enough = here.totals.connections >= MIN_CASES && baseline.totals.connections >= MIN_CASES
  if (!enough || Math.max(a, b) * 2 > Math.min(n, m)) return []
  const factor = factorOf(a, b)
  if (Math.abs(a - b) < MIN_SILENCE_MS || factor < MIN_FACTOR) return []
  const text = say(words.window, { here: n, there: m })
  return [
    {
      what: words.survived,
      unit: 'ms',
      here: a,
      baseline: b,
      text,
      telling: Math.min(factor * 2, 30),
    },
  ]
}

function rates(here: Evidence, baseline: Evidence): Found[] {
  const [n, m] = [here.totals.connections, baseline.totals.connections]
  const [a, b] = [lengthOf(here), lengthOf(baseline)]
  if (n < MIN_CASES || m < MIN_CASES || a <= 0 || b <= 0) return []
  const [x, y] = [(n * 1000) / a, (m * 1000) / b]
  const factor = factorOf(x, y)
  const error = Math.sqrt(n / a ** 2 + m / b ** 2) * 1000
  if (factor < MIN_FACTOR || Math.abs(x - y) < MIN_Z * error) return []
  const text = say(words.window, { here: a, there: b })
  return [{ what: words.rate, unit: '', here: x, baseline: y, text, telling: Math.min(factor, 20) }]
}

/** TTL and MSS of servers that both captures have: a change says that somebody or something else answers. */
function habits(here: Evidence, baseline: Evidence): Found[] {
  const servers = new Set([...here.endpoints.values()].map((e) => e.address))
  const found: Found[] = []
  const [mssHere, mssThere] = [mssOf(here), mssOf(baseline)]
  for (const host of servers) {
    const [a, b] = [ttlOf(here, host), ttlOf(baseline, host)]
    if (a !== null && b !== null && a.ttl !== b.ttl) {
      const sample = say(words.sample, {
        here: a.packets,
        there: b.packets,
        what: words.what.packets,
      })
      const text = `${sample} ${words.ttlMeans}`
      found.push({
        what: say(words.ttl, { host }),
        unit: '',
        here: a.ttl,
        baseline: b.ttl,
        text,
        telling: 50,
      })
    }
    const [x, y] = [mssHere.get(host), mssThere.get(host)]
    if (x === undefined || y === undefined || x === y) continue
    found.push({
      what: say(words.mss, { host }),
      unit: 'octets',
      here: x,
      baseline: y,
      text: words.mssMeans,
      telling: 40,
    })
  }
  return found
}

function ttlOf(evidence: Evidence, host: string): { ttl: number; packets: number } | null {
  const facts = evidence.hosts.get(host)
  const most = facts?.ttls[0]
  if (facts === undefined || most === undefined || most.ttl === 0) return null
  // A host with several usual TTLs has several paths anyway.
  return facts.packets < MIN_CASES || most.packets * 10 < facts.packets * 9 ? null : most
}

/** By server address, where all connections that tell it (MIN_CASES or more) agree. */
function mssOf(evidence: Evidence): Map<string, number> {
  const seen = new Map<string, { mss: number; count: number; agree: boolean }>()
  for (const { server, sides } of evidence.connections) {
    const mss = sides.server.mss
    if (mss === null) continue
    const entry = seen.get(server.address)
    if (entry === undefined) seen.set(server.address, { mss, count: 1, agree: true })
    else {
      entry.count++
      entry.agree &&= entry.mss === mss
    }
  }
  const agreed = [...seen].filter(([, e]) => e.agree && e.count >= MIN_CASES)
  return new Map(agreed.map(([host, e]) => [host, e.mss]))
}

/** How many times the larger is the smaller; a zero counts as infinitely small. */
function factorOf(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a]
  return large === 0 ? 1 : small === 0 ? Number.POSITIVE_INFINITY : large / small
}

function lengthOf(evidence: Evidence): number {
  return evidence.endMs - evidence.startMs
}
