import type { ConnectionFacts, Segment, SideFacts } from '../evidence/connection.ts'
import type { Evidence, PathFacts } from '../evidence/evidence.ts'
import { type Comparison, compareViews } from '../evidence/vantage/compare.ts'
import type { Digest } from '../evidence/vantage/digest.ts'
import { isTranslated } from '../evidence/vantage/names.ts'
import type { View } from '../evidence/vantage/view.ts'
import { Replay } from '../flow/replay.ts'
import { evidenceOf } from './evidence-of.ts'
import { type Inputs, inputsOf } from './inputs.ts'
import { type FlowsRead, type ReadOptions, readFlows } from './read-flows.ts'
import { readAgain } from './reread.ts'
import type { AnalyzeOptions, Vantage } from './types.ts'

/** Troubled connections whose segments are all read again in both captures. */
const MAX_COMPARED = 500

export interface ViewRead {
  at: Vantage
  id: string
  inputs: Inputs
  read: FlowsRead
  all: ConnectionFacts[]
}

export interface Compared {
  views: readonly ViewRead[]
  evidence: Evidence
  comparison: Comparison
}

/** Reads the captures of `--at` one after another, numbering frames and connections on, in one time. */
export async function readViews(
  options: AnalyzeOptions,
  readOptions: ReadOptions,
): Promise<ViewRead[]> {
  const views: ViewRead[] = []
  for (const { vantage, path } of options.at) {
    const inputs = inputsOf([path], options)
    const all: ConnectionFacts[] = []
    const last = views.at(-1)?.read
    const base =
      last === undefined
        ? {}
        : {
            base: {
              frame: last.frames.end - 1,
              connection: views.reduce((sum, v) => sum + v.read.flows.totals.connections, 0),
              originNs: last.originNs,
            },
          }
    const read = await readFlows(await inputs.open(), {
      ...readOptions,
      ...base,
      onConnection: (facts) => all.push(facts),
    })
    all.sort((a, b) => a.id - b.id)
    views.push({ at: vantage, id: vantage, inputs, read, all })
  }
  return views
}

/** What the captures prove together. The connections of the report are those of the pairs, then what is unpaired. */
/** @param show  id of a connection that is compared in any case */
export async function compareCaptures(
  views: readonly ViewRead[],
  show?: string,
): Promise<Compared> {
  const first = compareViews(views.map((view) => viewOf(view, NOTHING_READ)))
  const troubled = new Set(views.flatMap((v) => v.read.flows.connections.map((c) => c.id)))
  const wanted = new Set<number>()
  for (const { near, far } of first.pairs) {
    const shown = [near, far].some((c) => String(c.id) === show)
    const room = wanted.size < views.length * MAX_COMPARED
    if (!shown && (!room || (!troubled.has(near.id) && !troubled.has(far.id)))) continue
    for (const { id } of [near, far]) {
      const routed = first.routed.get(id)
      wanted.add(id)
      if (routed !== undefined) wanted.add(routed)
    }
  }
  const comparison = compareViews(
    await Promise.all(views.map(async (v) => viewOf(v, await segmentsOf(v, wanted)))),
  )
  return { views, comparison, evidence: await joined(views, comparison, troubled) }
}

interface SegmentsRead {
  segments: ReadonlyMap<number, readonly Segment[]>
  /** By frame. */
  digests: ReadonlyMap<number, Digest>
}

const NOTHING_READ: SegmentsRead = { segments: new Map(), digests: new Map() }

function viewOf(view: ViewRead, { segments, digests }: SegmentsRead): View {
  const { read } = view
  const source = read.sources[0]!
  return {
    at: view.at,
    source: view.id,
    originNs: read.originNs,
    fromMs: (source.firstNs + read.shiftNs) / 1e6,
    toMs: (source.lastNs + read.shiftNs) / 1e6,
    dropped: source.interfaces.reduce<number | null>(
      (sum, i) => (i.dropped === null ? sum : (sum ?? 0) + i.dropped),
      null,
    ),
    connections: view.all,
    segmentsOf: (id) => segments.get(id) ?? null,
    digestOf: (frame) => digests.get(frame) ?? null,
  }
}

async function segmentsOf(view: ViewRead, wanted: ReadonlySet<number>): Promise<SegmentsRead> {
  const own = view.all.filter((c) => wanted.has(c.id))
  const again = await readAgain(view.inputs, view.read, own, { payload: false, digests: true })
  const segments = new Map<number, Segment[]>()
  const digests = new Map<number, Digest>()
  const replay = new Replay()
  for (const [id, list] of again ?? []) {
    for (const { frame, digest } of list) if (digest !== undefined) digests.set(frame, digest)
    const annotated = replay.annotate(list)
    segments.set(
      id,
      annotated.filter((s) => s !== null),
    )
  }
  return { segments, digests }
}

async function joined(
  views: readonly ViewRead[],
  comparison: Comparison,
  troubled: ReadonlySet<number>,
): Promise<Evidence> {
  const second = new Set<number>([...comparison.continued.keys(), ...comparison.hidden])
  const connections: ConnectionFacts[] = []
  for (const { near, far, primary } of comparison.pairs) {
    second.add(near.id).add(far.id)
    if (!troubled.has(near.id) && !troubled.has(far.id)) continue
    connections.push(joinedFacts(near, far, primary))
  }
  const outer = views.filter((v) => v.at !== 'router' || views.length < 3)
  for (const view of outer) {
    connections.push(...view.read.flows.connections.filter((c) => !second.has(c.id)))
  }
  connections.sort((a, b) => a.id - b.id)
  const parts = await Promise.all(
    views.map((v) => {
      const own = new Set(v.all.map((c) => c.id))
      return evidenceOf(
        v.inputs,
        v.read,
        [v.id],
        v.at,
        connections.filter((c) => own.has(c.id)),
      )
    }),
  )
  const [near] = parts
  return {
    ...near!,
    sources: parts.flatMap((p) => p.sources),
    connections,
    endpoints: new Map(parts.toReversed().flatMap((p) => [...p.endpoints])),
    hosts: new Map(parts.toReversed().flatMap((p) => [...p.hosts])),
    paths: withPairsCounted(pathsOf(parts), views, comparison.pairs, connections),
    application: new Map(parts.flatMap((p) => [...p.application])),
    vantage: comparison.facts,
    startMs: Math.min(...parts.map((p) => p.startMs)),
    endMs: Math.max(...parts.map((p) => p.endMs)),
    totals: withoutHidden(near!.totals, views[0]!, comparison.hidden),
  }
}

/** Of a capture on both sides of a NAT each connection is counted once. */
function withoutHidden(
  totals: Evidence['totals'],
  { all }: ViewRead,
  hidden: readonly number[],
): Evidence['totals'] {
  const ids = new Set(hidden)
  const byEnding = { ...totals.byEnding }
  let { connections } = totals
  for (const c of all.filter(({ id }) => ids.has(id))) {
    connections--
    byEnding[c.ending]--
  }
  return { ...totals, connections, byEnding }
}

/**
 * One connection as both views know it. What a side sent again and what never got through is known best where it was sent;
 * an earlier connection of the same ports may be known behind a NAT only.
 */
function joinedFacts(
  near: ConnectionFacts,
  far: ConnectionFacts,
  primary: 'near' | 'far',
): ConnectionFacts {
  const facts = primary === 'near' ? near : far
  return {
    ...facts,
    previous: facts.previous ?? near.previous ?? far.previous,
    sides: {
      client: asSent(facts.sides.client, near.sides.client),
      server: asSent(facts.sides.server, far.sides.server),
    },
  }
}

function asSent(side: SideFacts, sent: SideFacts): SideFacts {
  if (side === sent || sent.packets === 0) return side
  const { retransmissions, outOfOrder, unanswered } = sent
  const { largestAckedSegment, smallestLostSegment } = sent
  return {
    ...side,
    retransmissions,
    outOfOrder,
    unanswered,
    largestAckedSegment,
    smallestLostSegment,
  }
}

/**
 * Translated, a path has another name in each view, and what its far end sent again only the far view knows: it is counted anew
 * from the connections, under the near view's names. Under the far view's it would be another path with the same losses, so it
 * stays only where connections go by them.
 */
function withPairsCounted(
  paths: Map<string, PathFacts>,
  views: readonly ViewRead[],
  pairs: Comparison['pairs'],
  connections: readonly ConnectionFacts[],
): Map<string, PathFacts> {
  const farOf = new Map(pairs.map(({ near, far }) => [near.id, far]))
  const renamed = new Set(pairs.filter(isTranslated).map((p) => pathKey(p.near)))
  const counts = new Map<
    string,
    Pick<PathFacts, 'retransmissions' | 'lossyConnections' | 'undecided'>
  >()
  const used = new Set(connections.map(pathKey))
  for (const { far } of pairs.filter(isTranslated)) {
    if (!used.has(pathKey(far))) paths.delete(pathKey(far))
  }
  const ofPairs = new Set(pairs.map((p) => p.near))
  const near = views.find((v) => v.all.some((c) => ofPairs.has(c)))
  for (const c of near?.all ?? []) {
    const key = pathKey(c)
    if (!renamed.has(key)) continue
    const { client, server } = joinedFacts(c, farOf.get(c.id) ?? c, 'near').sides
    const resent = resentBy(client) + resentBy(server)
    const count = counts.get(key) ?? { retransmissions: 0, lossyConnections: 0, undecided: 0 }
    count.retransmissions += resent
    count.lossyConnections += Math.sign(resent)
    count.undecided = (count.undecided ?? 0) + (client.undecided ?? 0) + (server.undecided ?? 0)
    counts.set(key, count)
  }
  for (const [key, count] of counts) {
    const path = paths.get(key)
    if (path !== undefined && path.retransmissions < count.retransmissions) {
      paths.set(key, { ...path, ...count })
    }
  }
  return paths
}

function pathKey({ client, server }: ConnectionFacts): string {
  return `${client.address} ${server.address}`
}

function resentBy({ retransmissions: r }: SideFacts): number {
  return r.rto + r.fast + r.syn + r.synAck + r.fin
}

/** Of each pair of hosts the view that saw more sent again: the other one saw only what got through. */
function pathsOf(parts: readonly Evidence[]): Map<string, PathFacts> {
  const paths = new Map<string, PathFacts>()
  for (const [key, path] of parts.flatMap((p) => [...p.paths])) {
    const known = paths.get(key)
    if (known === undefined || known.retransmissions < path.retransmissions) paths.set(key, path)
  }
  return paths
}
