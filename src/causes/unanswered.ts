import type { ConnectionFacts } from '../evidence/connection.ts'
import type { EndpointFacts, Evidence, SegmentFate } from '../evidence/evidence.ts'
import { connectionsTo, once } from './once.ts'
import { captureSide, isAbsent, isProvenOfBox, provenFates } from './where.ts'

/** What is known about a SYN that got no SYN-ACK (or a late one), for the causes that compete to explain it. */
export interface UnansweredSyn {
  endpoint: EndpointFacts | null
  /**
   * Where it was stopped: 'before-server' and 'at-server' and 'answer-lost' are proven by two captures; 'at-server' also
   * by one that was taken at the server. null: cannot tell.
   */
  stopped: 'before-server' | 'at-server' | 'answer-lost' | null
  proven: boolean
  /** It is one capture, on both sides of a box that translates addresses, that proves where: in that box. */
  inBox: boolean
  /** The capture at the server has nothing of it, though packets of that host: by a filter on the way or of the capture. */
  absent: boolean
  firstSynMs: number
  /** Last SYN before the answer, or the last of all. */
  lastSynMs: number
  /** The endpoint answered other connections before the last and after the first of these SYNs. */
  answeredAround: boolean
  /** The endpoint answered somebody at some time in the capture. */
  answeredEver: boolean
  /** The server's packets to this client are not captured; that others went on proves that it answers. */
  hidden: boolean
  /** Packets of the server's address on any connection. */
  hostPackets: number
  /** Handshakes of this endpoint to whose SYN-ACK nobody ever answered. */
  halfOpen: number
}

export function unansweredSyn(connection: ConnectionFacts, evidence: Evidence): UnansweredSyn {
  const endpoint = evidence.endpoints.get(connection.server.endpoint) ?? null
  const times = connection.handshake.synTimesMs
  const firstSynMs = times[0] ?? connection.startMs
  const lastSynMs = times.at(-1) ?? firstSynMs
  const first = endpoint?.firstAnswerMs ?? null
  const last = endpoint?.lastAnswerMs ?? null
  const path = evidence.paths.get(`${connection.client.address} ${connection.server.address}`)
  const hidden = (path?.oneSided?.client ?? 0) > 0
  const around = first !== null && last !== null && first <= lastSynMs && last >= firstSynMs
  return {
    endpoint,
    hidden,
    ...whereStopped(connection, evidence),
    inBox: isProvenOfBox(connection, evidence),
    absent: isAbsent(connection, evidence),
    firstSynMs,
    lastSynMs,
    answeredAround: around || hidden,
    answeredEver: last !== null || hidden,
    hostPackets: packetsOfServer(connection, evidence),
    halfOpen: endpoint?.byEnding['handshake-incomplete'] ?? 0,
  }
}

/** Of a host that connects to itself, this connection's SYNs are packets of its address too. */
function packetsOfServer(connection: ConnectionFacts, evidence: Evidence): number {
  const packets = evidence.hosts.get(connection.server.address)?.packets ?? 0
  const self = connection.client.address === connection.server.address
  return Math.max(0, packets - (self ? connection.sides.client.packets : 0))
}

function whereStopped(
  connection: ConnectionFacts,
  evidence: Evidence,
): Pick<UnansweredSyn, 'stopped' | 'proven'> {
  const fates = provenFates(connection, evidence)
  const syns = unansweredOf(fates, connection)
  const answers = fates.filter((f) => f.kind === 'syn-ack')
  if (answers.some((f) => f.fate === 'lost')) return { stopped: 'answer-lost', proven: true }
  if (evidence.vantage?.answered?.has(connection.id) && connection.handshake.synAckMs === null) {
    return { stopped: 'answer-lost', proven: false }
  }
  if (syns.some((f) => f.fate === 'delivered' || f.fate === 'altered'))
    return { stopped: 'at-server', proven: true }
  if (syns.some((f) => f.fate === 'lost')) return { stopped: 'before-server', proven: true }
  const side = captureSide(connection, evidence)
  return { stopped: side === 'server' ? 'at-server' : null, proven: false }
}

/** RFC 6298 (2.1): the first RTO. */
const FIRST_RTO_MS = 1000

/** Sent once, and the capture ends before it would have been sent again or the answer may have been on its way. */
export function isCutByTheEnd({ handshake, captureEndMs, startMs }: ConnectionFacts): boolean {
  return handshake.syns <= 1 && captureEndMs - startMs < FIRST_RTO_MS
}

/** Of SYNs that were answered at last, the last one tells nothing of where the others stayed. */
function unansweredOf(
  fates: readonly SegmentFate[],
  { handshake }: ConnectionFacts,
): readonly SegmentFate[] {
  const syns = fates.filter((f) => f.kind === 'syn').sort((a, b) => a.tMs - b.tMs)
  return handshake.synAckMs === null ? syns : syns.slice(0, -1)
}

/**
 * How many connections of an endpoint were waiting for its application at a time: handshake complete, nothing sent by
 * the server yet. They are what fills an accept queue. Of very many the longest waits only are known (EndpointFacts.waits): then
 * it is how many at least.
 */
export function waitingFor(evidence: Evidence): (endpoint: string, atMs: number) => number {
  const all = spansOf(evidence)
  return (endpoint, atMs) => {
    const span = all.get(endpoint)
    return span === undefined ? 0 : countBelow(span.from, atMs) - countBelow(span.to, atMs)
  }
}

const spansOf = once((evidence) => {
  const spans = new Map<string, { from: number[]; to: number[] }>()
  for (const { endpoint, waits } of evidence.endpoints.values()) {
    const told = waits ?? listedWaits(endpoint, evidence)
    const sorted = (times: number[]) => times.sort((a, b) => a - b)
    spans.set(endpoint, {
      from: sorted(told.map(({ fromMs }) => fromMs)),
      to: sorted(told.map(({ toMs }) => toMs)),
    })
  }
  return spans
})

function listedWaits(endpoint: string, evidence: Evidence): { fromMs: number; toMs: number }[] {
  return connectionsTo(endpoint, evidence).flatMap((c) => {
    const fromMs = c.handshake.ackMs
    if (fromMs === null) return []
    const toMs = c.sides.server.firstDataMs ?? c.sides.server.fin?.tMs ?? c.lastMs
    return [{ fromMs, toMs }]
  })
}

/** How many of the sorted values are at most `limit`. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (sorted[mid]! <= limit) low = mid + 1
    else high = mid
  }
  return low
}
