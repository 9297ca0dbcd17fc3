import type { AddressBook } from '../base/addresses.ts'
import { formatEndpoint } from '../base/addresses.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { TranslationFacts } from '../evidence/evidence.ts'
import { boxFates } from '../evidence/vantage/box.ts'
import { servicesOf } from '../evidence/vantage/names.ts'
import {
  type Trace,
  type Translated,
  traceOf,
  translatedPairs,
} from '../evidence/vantage/translated.ts'
import type { View } from '../evidence/vantage/view.ts'
import { Replay } from '../flow/replay.ts'
import type { Packet } from '../packet/packet.ts'
import { hiding } from './filter.ts'
import type { Inputs } from './inputs.ts'
import { type FlowsRead, type ReadOptions, readFlows } from './read-flows.ts'
import { readAgain } from './reread.ts'

/** Connections followed when looking for the other sides, at most; a capture with more is taken as it is. */
const TRACES_MAX = 200_000
/** Connections whose facts are kept to compare both sides segment by segment. */
const FACTS_MAX = 4_000
const COMPARED_MAX = 500
/** A copy of the last segment may come a little later than the connection's last one. */
const SLACK_NS = 1000

/** A capture that holds connections before and after a box that translates their addresses, each read as one. */
export interface BothSides {
  /** The capture without the translated sides: each connection once, as its client knows it. */
  read: FlowsRead
  facts: TranslationFacts
}

/**
 * @param options those of the first reading; `onConnection` is called again for each connection, now once each
 * @returns 'unread' where the input cannot be read again or has too many connections, null when there is nothing translated
 */
export async function readBothSides(
  inputs: Inputs,
  options: ReadOptions,
): Promise<BothSides | 'unread' | null> {
  const survey = await surveyOf(inputs, options)
  if (survey === null) return 'unread'
  const { pairs, traces } = survey
  if (pairs.length === 0) return null
  const hidden = new Hidden(traces, pairs)
  const again = await inputs.reopen()
  if (again === null) return 'unread'
  const firstFrames = new Map<number, number>()
  const wanted = new Set(pairs.map((p) => p.near.firstFrame))
  const filter = hiding((addresses) => hidden.filter(addresses), options.filter)
  const { onConnection } = options
  const read = await readFlows(again, {
    ...options,
    filter,
    // Facts of every connection take as long as the rest of the reading: only for whoever wants them.
    ...(onConnection === undefined
      ? {}
      : {
          onConnection: (facts: ConnectionFacts) => {
            if (wanted.has(facts.firstFrame)) firstFrames.set(facts.firstFrame, facts.id)
            onConnection(facts)
          },
        }),
  })
  const ids = new Map<number, number>()
  for (const c of read.flows.connections) firstFrames.set(c.firstFrame, c.id)
  for (const t of traces.values()) {
    const id = firstFrames.get(t.firstFrame)
    if (id !== undefined) ids.set(t.id, id)
  }
  const proven = await compared(survey, inputs, ids)
  const views = new Map(
    pairs.flatMap(({ near, far }) => {
      const id = ids.get(near.id)
      return id === undefined ? [] : [[id, { client: far.client, server: far.server }] as const]
    }),
  )
  return { read, facts: { pairs: pairs.length, views, ...proven } }
}

interface Survey {
  read: FlowsRead
  traces: Map<number, Trace>
  pairs: Translated<Trace>[]
  facts: Map<number, ConnectionFacts>
}

/** Every connection of the capture, followed lightly, and which are two sides of one. */
async function surveyOf(inputs: Inputs, options: ReadOptions): Promise<Survey | null> {
  const again = await inputs.reopen()
  if (again === null) return null
  const traces = new Map<number, Trace>()
  const facts = new Map<number, ConnectionFacts>()
  let full = false
  const read = await readFlows(again, {
    ...options,
    onConnection: (c) => {
      full ||= traces.size >= TRACES_MAX
      if (full) return
      traces.set(c.id, traceOf(c))
      // Troubled ones are what is compared; of the clean ones some may be their other sides.
      const room = c.ending === 'clean' ? FACTS_MAX / 4 : FACTS_MAX
      if (facts.size < room) facts.set(c.id, c)
    },
  })
  if (full) return null
  return { read, traces, facts, pairs: translatedPairs([...traces.values()]) }
}

/** Packets of the translated sides: by addresses and ports, from when on such a connection was there. */
class Hidden {
  private readonly spans = new Map<string, { fromNs: number; toNs: number }[]>()

  constructor(traces: ReadonlyMap<number, Trace>, pairs: readonly Translated<Trace>[]) {
    const hidden = new Set(pairs.flatMap((p) => [p.far, ...p.between]))
    const keys = new Set([...hidden].map(keyOf))
    const byKey = new Map<string, Trace[]>()
    for (const trace of traces.values()) {
      const key = keyOf(trace)
      if (!keys.has(key)) continue
      const list = byKey.get(key)
      if (list === undefined) byKey.set(key, [trace])
      else list.push(trace)
    }
    for (const [key, list] of byKey) {
      list.sort((a, b) => a.firstFrame - b.firstFrame)
      const spans = list.flatMap((trace, i) => {
        if (!hidden.has(trace)) return []
        const next = list[i + 1]
        const toNs = next === undefined ? Infinity : next.startMs * 1e6 - SLACK_NS
        return [{ fromNs: trace.startMs * 1e6 - SLACK_NS, toNs }]
      })
      this.spans.set(key, spans)
    }
  }

  /** @returns whether a packet belongs to a side that is hidden; by numbers once it has seen the addresses. */
  filter(addresses: AddressBook): (p: Packet, tNs: number) => boolean {
    const known = new Map<number, Map<number, readonly { fromNs: number; toNs: number }[] | null>>()
    const spansOf = (p: Packet) => {
      const src = formatEndpoint(addresses.format(p.src, p.family), p.srcPort)
      const dst = formatEndpoint(addresses.format(p.dst, p.family), p.dstPort)
      return this.spans.get(`${src} ${dst}`) ?? this.spans.get(`${dst} ${src}`) ?? null
    }
    return (p, tNs) => {
      // An address word is 32 bits and means another address in the other family.
      const from = (p.src >>> 0) * 131_072 + p.srcPort * 2 + (p.family === 6 ? 1 : 0)
      const to = (p.dst >>> 0) * 65_536 + p.dstPort
      let inner = known.get(from)
      if (inner === undefined) {
        inner = new Map()
        known.set(from, inner)
      }
      let spans = inner.get(to)
      if (spans === undefined) {
        spans = spansOf(p)
        inner.set(to, spans)
      }
      return spans?.some((s) => tNs >= s.fromNs && tNs < s.toNs) ?? false
    }
  }
}

function keyOf({ client, server }: Trace): string {
  return `${client} ${server}`
}

/** What went into the box and never came out, and what it made itself. */
async function compared(
  survey: Survey,
  inputs: Inputs,
  ids: ReadonlyMap<number, number>,
): Promise<Required<Pick<TranslationFacts, 'fates' | 'untranslated' | 'services'>>> {
  const { facts, pairs, read } = survey
  const paired = new Set(
    pairs.flatMap(({ near, far, between }) => [near.id, far.id, ...between.map((b) => b.id)]),
  )
  const troubled = new Set(read.flows.connections.map((c) => c.id))
  const held = pairs.flatMap(({ near, far }) => {
    const [a, b] = [facts.get(near.id), facts.get(far.id)]
    return a !== undefined && b !== undefined ? [{ near: a, far: b, by: 'isn' as const }] : []
  })
  const alone = [...facts.values()].filter((c) => !paired.has(c.id))
  const wanted = new Map<number, ConnectionFacts>()
  for (const { near, far } of held) {
    if (wanted.size >= 2 * COMPARED_MAX) break
    if (troubled.has(near.id) || troubled.has(far.id)) wanted.set(near.id, near).set(far.id, far)
  }
  for (const c of alone) {
    if (wanted.size >= 3 * COMPARED_MAX) break
    if (c.ending === 'unanswered' || c.ending === 'refused') wanted.set(c.id, c)
  }
  const again = await readAgain(inputs, read, [...wanted.values()], { payload: false })
  const replay = new Replay()
  const segments = new Map(
    [...(again ?? [])].map(([id, list]) => [id, replay.annotate(list)] as const),
  )
  const twice = new Set<number>()
  for (const [id, list] of again ?? []) {
    let original = 0
    for (const [i, segment] of segments.get(id)!.entries()) {
      if (segment !== null) original = segment.frame
      else twice.add(original).add(list[i]!.frame)
    }
  }
  const last = read.sources.at(-1)!
  const viewOf = (connections: ConnectionFacts[], at: View['at']): View => ({
    at,
    source: at,
    originNs: read.originNs,
    // Both sides are watched from the same moment on.
    fromMs: -Infinity,
    toMs: last.lastNs / 1e6,
    dropped: read.sources.reduce(
      (sum, s) => sum + s.interfaces.reduce((n, i) => n + (i.dropped ?? 0), 0),
      0,
    ),
    connections,
    segmentsOf: (id) => segments.get(id)?.filter((s) => s !== null) ?? null,
  })
  const near = viewOf([...held.map((p) => p.near), ...alone], 'client')
  const far = viewOf(
    held.map((p) => p.far),
    'server',
  )
  const found = boxFates(near, far, held, { twice, compared: new Set(wanted.keys()) })
  const ofRead = <T>(byId: Iterable<readonly [number, T]>) =>
    new Map(
      [...byId].flatMap(([id, value]) => {
        const own = ids.get(id)
        return own === undefined ? [] : [[own, value] as const]
      }),
    )
  return {
    fates: ofRead(found),
    untranslated: ofRead(passedUntranslated(held, twice)),
    services: servicesOf(held),
  }
}

/** The client answered by RST what came from the server's own address, and both went through the box as they were. */
function passedUntranslated(
  held: readonly { near: ConnectionFacts; far: ConnectionFacts }[],
  twice: ReadonlySet<number>,
) {
  return held.flatMap(({ near, far }) => {
    const reset = far.resets.find(
      (r) => r.from === 'client' && r.shape === 'stateless' && twice.has(r.frame),
    )
    const frame = reset?.trigger?.frame
    if (reset === undefined || frame === undefined || !twice.has(frame)) return []
    return [[near.id, { frame, reset: reset.frame, from: far.server.endpoint }] as const]
  })
}
