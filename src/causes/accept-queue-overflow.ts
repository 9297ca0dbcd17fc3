import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { judgeListeners } from './machine/accept-queue-overflow.ts'
import { once } from './once.ts'
import { stalledBefore } from './stalled-before.ts'
import { isCutByTheEnd, unansweredSyn, waitingFor } from './unanswered.ts'
import {
  type Weighed,
  weighBursts,
  weighConnects,
  weighLoads,
  withExperiments,
} from './weigh-experiments.ts'
import { captureSide, fatesOf, foreignTtl } from './where.ts'

const say = reasonsOf('accept-queue-overflow')

/** An embryonic reset answers within a round trip; on a loaded host within a few of its scheduler ticks. */
const AT_ONCE_MS = 50
/** One repetition may be a lost ACK; RFC 6298 (5.5) has doubled the RTO by the second. */
const REPEATED = 2
/** So many of one endpoint at a time are no chance losses. */
const TOGETHER = 3
/** Linux tcp_abort_on_overflow=0: a request-sock expires after its SYN-ACK retries, at the earliest after about 3 s. */
const LATE_RESET_MS = 1000

/** The listener's accept queue was full: the application accepts more slowly than connections arrive. */
export const acceptQueueOverflow = {
  id: 'accept-queue-overflow',
  needs: ['packets', 'both-sides', 'kernel'],
  refs: [
    'Linux net/ipv4/tcp_input.c tcp_conn_request',
    'Linux net/ipv4/tcp_minisocks.c tcp_check_req (listen_overflow)',
    'Linux net/ipv4/tcp_ipv4.c tcp_v4_syn_recv_sock',
  ],
  confusedWith: [
    'accept-and-close',
    'asymmetric-path',
    'connect-filtered',
    'deferred-accept',
    'listener-closed',
    'syn-queue-overflow',
  ],
  judge: once(judge), // client-timeout asks, too
  judgeMachine: judgeListeners,
} as const satisfies Cause

interface Waits {
  at: ReturnType<typeof waitingFor>
  /** Endpoints with finished handshakes waiting at most of the SYNs that were dropped, as far as handshakes are told. */
  crowded: ReadonlySet<string>
}

function judge(evidence: Evidence): Judgement {
  const waiting = waitsOf(evidence)
  const ignored = ignoredPerEndpoint(evidence)
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict =
      resetAtAck(connection, evidence) ??
      synDropped(connection, evidence, waiting) ??
      ackDropped(connection, evidence) ??
      cookieAckDropped(connection, evidence, ignored)
    if (verdict !== null)
      verdicts.push(withExperiments(verdict, experimentsFor(verdict, evidence), evidence))
  }
  return withWhatIsMissing(afterStalls(verdicts, evidence), evidence)
}

/** Where requests had been left unanswered before the first connect was dropped, the queue is full because of that. */
function afterStalls(verdicts: readonly Verdict[], evidence: Evidence): Verdict[] {
  const firstMs = new Map<string, number>()
  for (const { group, connections } of verdicts) {
    const fromMs = Math.min(...connections.map(({ startMs }) => startMs))
    firstMs.set(group, Math.min(firstMs.get(group) ?? fromMs, fromMs))
  }
  const stalls = new Map(
    [...firstMs].map(([group, fromMs]) => [group, stalledBefore(evidence, group, fromMs)]),
  )
  return verdicts.map((verdict) => {
    const count = stalls.get(verdict.group) ?? 0
    if (count < TOGETHER) return verdict
    const at = connectionRef(verdict.connections[0]!)
    return {
      ...verdict,
      consequenceOf: 'server-stalled',
      because: [...verdict.because, say('stalled-before', { count, server: verdict.group }, at)],
    }
  })
}

function withWhatIsMissing(verdicts: readonly Verdict[], evidence: Evidence): Judgement {
  const unsure = verdicts.some((v) => v.variant === 'syn-dropped' && v.certainty === 'possible')
  if (!unsure) return { verdicts }
  return {
    verdicts,
    unknown: {
      missing: [
        evidence.vantage?.server == null
          ? "the server's counters ListenOverflows and ListenDrops, or a capture taken there"
          : "the server's counters ListenOverflows and ListenDrops",
      ],
      ask: 'nstat -az TcpExtListenOverflows TcpExtListenDrops # on the server, before and after',
    },
  }
}

function waitsOf(evidence: Evidence): Waits {
  const at = waitingFor(evidence)
  const drops = new Map<string, { all: number; crowded: number; waited: number }>()
  for (const { ending, handshake, server, startMs } of evidence.connections) {
    const count = drops.get(server.endpoint) ?? { all: 0, crowded: 0, waited: 0 }
    drops.set(server.endpoint, count)
    if (handshake.ackMs !== null) count.waited++
    if (ending !== 'unanswered' && handshake.syns < 2) continue
    count.all++
    if (at(server.endpoint, handshake.synTimesMs[0] ?? startMs) > 0) count.crowded++
  }
  const crowded = [...drops].flatMap(([endpoint, { all, crowded, waited }]) => {
    const { waits, established = 0 } = evidence.endpoints.get(endpoint) ?? {}
    // Of very many only the longest waits are told: the few that are stand for many.
    const isWhole = (waits?.length ?? waited) >= established
    return crowded > all * (isWhole ? MOST : SOME) ? [endpoint] : []
  })
  return { at, crowded: new Set(crowded) }
}

/** Of the SYNs that were dropped, those that found finished handshakes waiting. */
const MOST = 0.5
const SOME = 0.1

/** What a full queue did to connections, by variant: experiments count where they met the same. */
const SHAPES: Record<string, 'syn' | 'reset' | 'ack'> = { 'syn-dropped': 'syn', reset: 'reset' }

function experimentsFor({ variant = '', because, group }: Verdict, evidence: Evidence): Weighed[] {
  const shape = SHAPES[variant] ?? 'ack'
  const arrived = because.some(({ key }) => key === 'ack-arrived')
  const isQueued = because.some(({ key }) => key === 'queue-waiting')
  const connects = weighConnects('accept-queue-overflow', group, evidence, ({ outcome }) => {
    if (outcome === 'not-acknowledged' && shape === 'ack') return arrived ? 'confirms' : 'supports'
    if (outcome === 'reset-in-handshake' && shape === 'reset') return 'supports'
    // Taken into the queue and never out of it: nobody accepts.
    return outcome === 'never-served' ? 'supports' : null
  })
  return [
    ...connects,
    ...weighBursts(group, evidence, { shape, isQueued }),
    ...(shape === 'syn'
      ? weighLoads('accept-queue-overflow', group, evidence, 'connect-timeout')
      : []),
  ]
}

/** SYN dropped while the queue is full (Linux >= 4.10): at the server it arrives and nothing leaves. */
function synDropped(connection: ConnectionFacts, evidence: Evidence, waits: Waits): Verdict | null {
  const { syns, synAckMs, synFrame } = connection.handshake
  const gotIn = synAckMs !== null
  if (gotIn ? syns < 2 : connection.ending !== 'unanswered') return null
  if (!gotIn && isCutByTheEnd(connection)) return null
  if (connection.handshake.answeredByAckFrame !== null) return null // an older connection answered
  // Answered before it was sent again: the answer was slow on its way, nothing was dropped.
  if (gotIn && (connection.handshake.synTimesMs[1] ?? synAckMs) >= synAckMs) return null
  const syn = unansweredSyn(connection, evidence)
  if (syn.stopped === 'before-server' || syn.stopped === 'answer-lost') return null
  if (gotIn && !sawTrouble(connection, evidence)) return null
  const atServer = syn.stopped === 'at-server'
  if (!syn.answeredAround && !(atServer && syn.halfOpen > 0)) return null
  const server = connection.server.endpoint
  const frame = atFrame(synFrame ?? connection.firstFrame, connection)
  const because: Reason[] = []
  const against: Reason[] = []
  if (gotIn) {
    const late = (synAckMs ?? 0) - syn.firstSynMs
    because.push(say('syn-answered-late', { syns, late }, frame))
  } else {
    const within = connection.lastMs - syn.firstSynMs
    because.push(
      syns > 1
        ? say('syn-unanswered', { syns, within, server }, frame)
        : say('syn-once', { server }, frame),
    )
  }
  if (atServer) because.push(say('syn-arrived', { server }, frame))
  else against.push(say('arrival-unknown', { server }, frame))
  if (syn.answeredAround) because.push(say('answers-others', { server }, connectionRef(connection)))
  const queued = waits.at(server, syn.firstSynMs)
  if (queued > 0) because.push(say('queue-waiting', { queued, server }, connectionRef(connection)))
  if (syn.halfOpen > 0) {
    against.push(say('half-open', { halfOpen: syn.halfOpen }, connectionRef(connection)))
  }
  // Who fills an accept queue has finished its handshake and waits: it is seen, unless it is outside of the capture.
  const crowded = waits.crowded.has(server)
  if (!crowded) against.push(say('nobody-waiting', { server }, connectionRef(connection)))
  const manyHalfOpen = syn.halfOpen > 2 * queued
  const likely = atServer && syn.answeredAround && !manyHalfOpen && crowded
  return {
    ...found(connection, 'syn-dropped'),
    certainty: likely ? 'likely' : 'possible',
    weight:
      (likely ? (queued > 0 ? 75 : 68) : manyHalfOpen || !crowded ? 40 : 50) - (gotIn ? 10 : 0),
    because,
    against,
  }
}

/** Repeated SYNs that were answered in the end count only beside others: one is a lost packet. */
function sawTrouble(connection: ConnectionFacts, evidence: Evidence): boolean {
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  if (endpoint === undefined) return false
  return (endpoint.byEnding.unanswered ?? 0) > 0 || endpoint.synRetried >= 3
}

/** tcp_abort_on_overflow=1: the ACK that finds the queue full is answered by a stateless RST (INVALID_SYN). */
function resetAtAck(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (connection.ending !== 'handshake-reset' || connection.endedBy !== 'server') return null
  const { synAckMs, ackMs, synAcks } = connection.handshake
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  const server = connection.sides.server
  if (reset === undefined || synAckMs === null || ackMs === null) return null
  if (server.payloadOctets > 0 || server.fin !== null) return null
  if (foreignTtl(reset.ttl, connection, 'server', evidence) === true) return null
  if (fatesOf(connection, evidence).some((f) => f.kind === 'reset' && f.fate === 'injected')) {
    return null
  }
  const sinceAck = reset.tMs - ackMs
  const rtt = connection.handshake.rttMs ?? 0
  if (synAcks > 1 && sinceAck >= LATE_RESET_MS) return null // ack-dropped, its late reset
  if ((reset.afterTriggerMs ?? sinceAck) > AT_ONCE_MS + 2 * rtt) return null
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  const alike = endpoint?.byEnding['handshake-reset'] ?? 1
  const served = endpoint?.served ?? 0
  const at = frameOf(reset, connection)
  const because = [say('reset-at-ack', { after: sinceAck }, at), say('nothing-acked', {}, at)]
  const against: Reason[] = []
  const name = connection.server.endpoint
  if (alike > 1) {
    because.push(say('others-alike', { others: alike, server: name }, connectionRef(connection)))
  } else against.push(say('only-one', {}, connectionRef(connection)))
  if (served > 0) because.push(say('served', { served, server: name }, connectionRef(connection)))
  else against.push(say('never-served', { server: name }, connectionRef(connection)))
  const likely = alike > 1 && served > 0
  return {
    ...found(connection, 'reset'),
    certainty: likely ? 'likely' : 'possible',
    weight: likely ? 70 : 45,
    because,
    against,
  }
}

/** tcp_abort_on_overflow=0: the server drops the handshake's last ACK and the data, and repeats its SYN-ACK. */
function ackDropped(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { synAckAfterAck, ackMs, ackFrame, synAcks } = connection.handshake
  const client = connection.sides.client
  if (ackMs === null || synAckAfterAck === 0) return null
  const repeated = client.retransmissions.rto
  if (repeated < REPEATED && client.unanswered?.what !== 'data') return null
  const at = atFrame(ackFrame ?? connection.firstFrame, connection)
  const name = connection.server.endpoint
  const because = [
    say('syn-ack-repeated', { times: synAckAfterAck }, at),
    say('data-unacked', { times: Math.max(repeated, client.unanswered?.times ?? 0) }, at),
  ]
  const against: Reason[] = []
  const late = connection.resets.find(
    (r) => r.from === 'server' && r.shape === 'stateless' && r.tMs - ackMs >= LATE_RESET_MS,
  )
  if (late !== undefined) {
    because.push(say('late-reset', { after: late.tMs - ackMs, synAcks }, frameOf(late, connection)))
  }
  const arrived = whetherArrived(connection, evidence)
  if (arrived === false) return null
  if (arrived === true) because.push(say('ack-arrived', { server: name }, at))
  else against.push(say('ack-perhaps-lost', {}, at))
  const endpoint = evidence.endpoints.get(name)
  const alike = endpoint?.synAckRetried ?? 1
  const served = endpoint?.served ?? 0
  if (alike > 1) {
    because.push(say('others-alike', { others: alike, server: name }, connectionRef(connection)))
  }
  if (served > 0) because.push(say('served', { served, server: name }, connectionRef(connection)))
  else against.push(say('never-served', { server: name }, connectionRef(connection)))
  const likely = arrived === true || (served > 0 && (alike > 1 || late !== undefined))
  return {
    ...found(connection, 'ack-dropped'),
    certainty: likely ? 'likely' : 'possible',
    weight: likely ? (arrived === true ? 80 : 72) : 45,
    because,
    against,
  }
}

/** SYN cookies in use: no state, so no repeated SYN-ACK; each repetition of the data is dropped while the queue is full. */
function cookieAckDropped(
  connection: ConnectionFacts,
  evidence: Evidence,
  ignored: ReadonlyMap<string, number>,
): Verdict | null {
  const { ackMs, ackFrame } = connection.handshake
  const client = connection.sides.client
  const times = ignoredTimes(connection)
  if (ackMs === null || times <= REPEATED) return null
  const arrived = whetherArrived(connection, evidence)
  if (arrived === false) return null
  const name = connection.server.endpoint
  const endpoint = evidence.endpoints.get(name)
  const last = client.unanswered?.lastMs ?? connection.lastMs
  const around =
    (endpoint?.lastAnswerMs ?? -1) >= ackMs && (endpoint?.firstAnswerMs ?? last) <= last
  if (!around || (endpoint?.served ?? 0) === 0) return null
  const at = atFrame(ackFrame ?? connection.firstFrame, connection)
  const because = [
    say('data-unacked', { times }, at),
    say('no-syn-ack-repeated', {}, at),
    say('answers-others', { server: name }, connectionRef(connection)),
  ]
  const against: Reason[] = []
  const alike = ignored.get(name) ?? 1
  if (alike > 1) {
    because.push(say('others-alike', { others: alike, server: name }, connectionRef(connection)))
  }
  if (arrived === true) because.push(say('ack-arrived', { server: name }, at))
  else against.push(say('ack-perhaps-lost', {}, at))
  return {
    ...found(connection, 'cookie-ack-dropped'),
    certainty: arrived === true ? 'likely' : 'possible',
    weight: arrived === true ? 75 : alike >= TOGETHER ? 56 : 42,
    because,
    against,
  }
}

/** Transmissions of the first data while nothing was acknowledged and no SYN-ACK repeated; 0 where it is not like that. */
function ignoredTimes(connection: ConnectionFacts): number {
  const { ackMs, synAcks } = connection.handshake
  if (ackMs === null || synAcks !== 1 || !connection.sawStart) return 0
  return firstDataTransmissions(connection)
}

function ignoredPerEndpoint(evidence: Evidence): Map<string, number> {
  const counts = new Map<string, number>()
  for (const connection of evidence.connections) {
    if (ignoredTimes(connection) <= REPEATED) continue
    const { endpoint } = connection.server
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1)
  }
  return counts
}

/** How often the client's first data was sent without the server's stack acknowledging anything in between. */
function firstDataTransmissions(connection: ConnectionFacts): number {
  const client = connection.sides.client
  const segments = [...connection.head, ...connection.tail]
  const acked = segments.find((s) => s.from === 'server' && s.ack > 1 && (s.flags & 4) === 0)
  const sent = segments.filter(
    (s) => s.from === 'client' && s.seq === 1 && s.len > 0 && s.tMs < (acked?.tMs ?? Infinity),
  ).length
  const never = client.ackedOctets === 0 && client.unanswered?.what === 'data'
  return never ? Math.max(sent, client.unanswered?.times ?? 0) : sent
}

/** Whether the client's ACK or data reached the server: proven, or seen in a capture taken there; null = cannot tell. */
function whetherArrived(connection: ConnectionFacts, evidence: Evidence): boolean | null {
  const fates = fatesOf(connection, evidence).filter(
    (f) => f.from === 'client' && (f.kind === 'ack' || f.kind === 'data'),
  )
  if (fates.some((f) => f.fate === 'delivered')) return true
  if (fates.some((f) => f.fate === 'lost')) return false
  return captureSide(connection, evidence) === 'server' ? true : null
}

function found(connection: ConnectionFacts, variant: string) {
  return {
    connections: [connection],
    variant,
    severity: 'problem',
    culprit: {
      // The smaller of the two binds, and packets do not tell which that is.
      side: 'server',
      host: connection.server.address,
      setting: 'backlog of listen() or net.core.somaxconn',
    },
    group: connection.server.endpoint,
  } as const
}
