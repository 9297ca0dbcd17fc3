import { groupBy } from '../../src/base/group-by.ts'
import type { ApplicationFacts, TlsFacts, TlsRecord } from '../../src/evidence/application.ts'
import type {
  ConnectionFacts,
  IcmpFacts,
  ResetFacts,
  Segment,
  Side,
  SideFacts,
} from '../../src/evidence/connection.ts'
import { type Ending, endings } from '../../src/evidence/endings.ts'
import type {
  DataLosses,
  EndpointFacts,
  Evidence,
  HostFacts,
  PathFacts,
  SegmentFate,
  SourceFacts,
} from '../../src/evidence/evidence.ts'
import type { Apart, Experiment } from '../../src/evidence/experiments.ts'

/**
 * Builders for the tables of causes. `connection()` is one healthy HTTP exchange 10.77.1.2:40000 -> 10.77.2.2:80, still
 * open: SYN at 0 ms (frame 1), SYN-ACK 1, ACK 1.1, request of 100 octets at 2 (frame 4), response of 500 at 5 (frame 6).
 * A row says only what differs; `evidence()` derives endpoints, hosts and paths from the connections unless told.
 */
export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16

export const CLIENT = '10.77.1.2'
export const SERVER = '10.77.2.2'
/** TTLs as a capture at the router or client sees them in our lab: one hop from the server, none from the client. */
export const CLIENT_TTL = 64
export const SERVER_TTL = 63

/** Partial at every depth, arrays whole: what `connection()` takes. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T

export function segment(partial: Partial<Segment> = {}): Segment {
  const from = partial.from ?? 'client'
  return {
    frame: 1,
    tMs: 0,
    from,
    flags: ACK,
    seq: 1,
    ack: 1,
    len: 0,
    wnd: 64_256,
    ttl: from === 'client' ? CLIENT_TTL : SERVER_TTL,
    ipId: 100,
    tsVal: 1000,
    tsEcr: 1000,
    options: true,
    note: 'none',
    ...partial,
  }
}

const SHAPES = {
  active: { flags: RST | ACK, wnd: 501, options: true, ipId: 321, tsVal: 2000, tsEcr: 2000 },
  stateless: {
    flags: RST,
    ack: 0,
    wnd: 0,
    options: false,
    ipId: 0,
    tsVal: null,
    tsEcr: null,
  },
  'syn-reply': {
    flags: RST | ACK,
    seq: 0,
    ack: 1,
    wnd: 0,
    options: false,
    ipId: 0,
    tsVal: null,
    tsEcr: null,
  },
  other: { flags: RST, wnd: 512, options: false, ipId: 7, tsVal: null, tsEcr: null },
} as const

/** A RST of the server by default, stateless, accepted, answering nothing in particular, at 20 ms in frame 20. */
export function reset(partial: Partial<ResetFacts> = {}): ResetFacts {
  const shape = partial.shape ?? 'stateless'
  const base = segment({
    frame: 20,
    tMs: 20,
    from: partial.from ?? 'server',
    seq: 501,
    ack: 101,
    ...SHAPES[shape],
  })
  const trigger = partial.trigger ?? null
  return {
    ...base,
    shape,
    accepted: true,
    seqOffset: 0,
    trigger,
    afterTriggerMs: trigger === null ? null : (partial.tMs ?? base.tMs) - trigger.tMs,
    silenceBeforeMs: 10,
    ttlUnusual: false,
    ttlUsual: base.ttl,
    ipIdFits: null,
    timestampsKept: shape === 'active',
    ...partial,
  }
}

/** One direction of the healthy exchange. */
export function side(who: Side, partial: DeepPartial<SideFacts> = {}): SideFacts {
  const octets = who === 'client' ? 100 : 500
  const base: SideFacts = {
    packets: who === 'client' ? 4 : 3,
    payloadOctets: octets,
    ackedOctets: octets,
    inFlightOctets: 0,
    missingOctets: 0,
    unreadOctets: 0,
    lastWindow: 64_256,
    maxWindow: 64_256,
    retransmissions: { rto: 0, fast: 0, spurious: 0, syn: 0, synAck: 0, fin: 0 },
    duplicateAcks: 0,
    outOfOrder: 0,
    keepaliveProbes: 0,
    keepaliveUnanswered: 0,
    keepaliveIntervalMs: null,
    zeroWindowProbes: 0,
    zeroWindow: { times: 0, ms: 0, openAtEnd: false, firstFrame: null },
    resets: 0,
    fins: 0,
    fin: null,
    firstDataMs: who === 'client' ? 2 : 5,
    lastDataMs: who === 'client' ? 2 : 5,
    lastDataFrame: who === 'client' ? 4 : 6,
    lastMs: who === 'client' ? 5.1 : 5,
    lastFrame: who === 'client' ? 7 : 6,
    unanswered: null,
    largestAckedSegment: octets,
    smallestLostSegment: null,
    ttls: [who === 'client' ? CLIENT_TTL : SERVER_TTL],
    ipIdHabit: 'counter',
    timestamps: true,
    mss: 1460,
    windowScale: 7,
    sackPermitted: true,
    isn: 1_000_000,
    changedHabitsFrame: null,
  }
  return merge<SideFacts>(base, partial)
}

/** The healthy exchange changed as told. `tail` defaults to the resets, `sides.*.resets` and `endedBy` follow from them. */
export function connection(partial: DeepPartial<ConnectionFacts> = {}): ConnectionFacts {
  const resets = partial.resets ?? []
  const base: ConnectionFacts = {
    id: 0,
    client: address(CLIENT, 40_000),
    server: address(SERVER, 80),
    clientGuessed: false,
    sawStart: true,
    seen: 'both',
    ending: 'open',
    endedBy: null,
    startMs: 0,
    lastMs: Math.max(5.1, ...resets.map((r) => r.tMs)),
    captureEndMs: 60_000,
    firstFrame: 1,
    lastFrame: Math.max(7, ...resets.map((r) => r.frame)),
    handshake: {
      synTimesMs: [0],
      syns: 1,
      synFrame: 1,
      synAckMs: 1,
      synAckFrame: 2,
      synAcks: 1,
      ackMs: 1.1,
      ackFrame: 3,
      rttMs: 1,
      synAckAfterAck: 0,
      answeredByAckFrame: null,
      fastOpen: false,
    },
    sides: { client: side('client'), server: side('server') },
    head: [
      segment({ frame: 1, tMs: 0, flags: SYN, seq: 0, ack: 0 }),
      segment({ frame: 2, tMs: 1, from: 'server', flags: SYN | ACK, seq: 0, ack: 1 }),
      segment({ frame: 3, tMs: 1.1 }),
      segment({ frame: 4, tMs: 2, flags: PSH | ACK, len: 100 }),
      segment({ frame: 5, tMs: 2.1, from: 'server', ack: 101 }),
      segment({ frame: 6, tMs: 5, from: 'server', flags: PSH | ACK, ack: 101, len: 500 }),
    ],
    tail: resets,
    resets,
    icmp: [],
    longestSilence: null,
    silenceBeforeEndMs: 10,
    request: { startFrame: 4, startMs: 2, lastFrame: 4, lastMs: 2, octets: 100, seq: 1 },
    response: { startFrame: 6, startMs: 5, lastFrame: 6, lastMs: 5, octets: 500, seq: 1 },
    requestPending: false,
    exchanges: 1,
    survivedSilenceMs: 0,
    previous: null,
    duplicateFrames: 0,
    headerFieldsKnown: true,
    weight: 1,
  }
  const made = merge<ConnectionFacts>(base, partial)
  for (const who of ['client', 'server'] as const) {
    if (made.sides[who].resets > 0) continue
    made.sides[who].resets = resets.filter((r) => r.from === who).length
  }
  const last = resets.findLast((r) => r.accepted !== false)
  if (partial.endedBy === undefined && last !== undefined) made.endedBy = last.from
  return made
}

/** SYNs and nothing back, at 0, 1 and 3 s. */
export function unanswered(partial: DeepPartial<ConnectionFacts> = {}): ConnectionFacts {
  return connection(
    merge<DeepPartial<ConnectionFacts>>(
      {
        ending: 'unanswered',
        lastMs: 3000,
        silenceBeforeEndMs: 0,
        handshake: {
          synTimesMs: [0, 1000, 3000],
          syns: 3,
          synAckMs: null,
          synAckFrame: null,
          synAcks: 0,
          ackMs: null,
          ackFrame: null,
          rttMs: null,
        },
        sides: {
          client: { ...nothingSent, packets: 3, retransmissions: { syn: 2 } },
          server: { ...nothingSent, packets: 0, ttls: [], timestamps: false, mss: null },
        },
        head: [0, 1000, 3000].map((tMs, i) =>
          segment({ frame: i + 1, tMs, flags: SYN, seq: 0, ack: 0 }),
        ),
        request: null,
        response: null,
        exchanges: 0,
      },
      partial,
    ),
  )
}

/** A complete handshake and no payload from either side yet. */
export function handshakeOnly(partial: DeepPartial<ConnectionFacts> = {}): ConnectionFacts {
  return connection(
    merge<DeepPartial<ConnectionFacts>>(
      {
        sides: { client: { ...nothingSent, packets: 2 }, server: { ...nothingSent, packets: 1 } },
        head: connection().head.slice(0, 3),
        request: null,
        response: null,
        exchanges: 0,
      },
      partial,
    ),
  )
}

/** A complete handshake, a request, and no payload of the server. `acked` says whether its kernel acknowledged it. */
export function requestOnly(
  acked: boolean,
  partial: DeepPartial<ConnectionFacts> = {},
): ConnectionFacts {
  return connection(
    merge<DeepPartial<ConnectionFacts>>(
      {
        sides: {
          client: acked ? {} : { ackedOctets: 0, inFlightOctets: 100, largestAckedSegment: 0 },
          server: { ...nothingSent, packets: acked ? 2 : 1, unreadOctets: acked ? 100 : null },
        },
        head: connection().head.slice(0, acked ? 5 : 4),
        response: null,
        requestPending: true,
        exchanges: 1,
      },
      partial,
    ),
  )
}

/** For a side without payload. */
export const nothingSent: Partial<SideFacts> = {
  payloadOctets: 0,
  ackedOctets: 0,
  firstDataMs: null,
  lastDataMs: null,
  lastDataFrame: null,
  largestAckedSegment: 0,
}

export function icmp(partial: Partial<IcmpFacts> = {}): IcmpFacts {
  return {
    frame: 20,
    tMs: 20,
    from: '10.77.1.1',
    type: 3,
    code: 1,
    meaning: 'host-unreachable',
    mtu: null,
    quotes: 'client',
    ...partial,
  }
}

export function fate(partial: Partial<SegmentFate> = {}): SegmentFate {
  return {
    frame: 20,
    kind: 'reset',
    from: 'server',
    fate: 'injected',
    what: null,
    seenAt: 'client',
    tMs: 20,
    ...partial,
  }
}

/** A proxy answers for the client in the handshake and, after 3 minutes, by a reset; the client's data pass through it. */
export function behindProxy(proxyTtl: number, dataTtl: number): ConnectionFacts {
  const own = { from: 'client', shape: 'active', tMs: 180_000, silenceBeforeMs: 179_000 } as const
  const asked = { flags: PSH | ACK, len: 50, ttl: dataTtl }
  return connection({
    ending: 'reset',
    endedBy: 'client',
    resets: [reset({ ...own, ttl: proxyTtl, ttlUsual: proxyTtl })],
    sides: { client: { ttls: [proxyTtl, dataTtl] } },
    head: [segment({ frame: 1, flags: SYN, seq: 0, ttl: proxyTtl })],
    tail: [
      segment({ ...asked, frame: 4, tMs: 2 }),
      segment({ ...asked, frame: 6, tMs: 5, seq: 51 }),
    ],
  })
}

/** A TLS session whose handshake was finished, and what the last records were. */
export function tls(last: Partial<Record<Side, TlsRecord>> = {}): TlsFacts {
  return {
    alert: null,
    handshakeFinished: true,
    plainTextFrom: null,
    clientHello: true,
    serverName: null,
    last: { client: null, server: null, ...last },
  }
}

export function application(partial: DeepPartial<ApplicationFacts> = {}): ApplicationFacts {
  const base: ApplicationFacts = {
    protocol: 'unknown',
    payloadCaptured: true,
    http: null,
    database: null,
    tls: null,
  }
  return { ...base, ...(partial as Partial<ApplicationFacts>) }
}

/** A database whose last word is this error, in that frame. */
export function saidLast(
  code: string,
  frame: number,
  protocol: 'mysql' | 'postgresql' = 'postgresql',
): ApplicationFacts {
  const database = {
    inTransaction: false,
    openedBy: null,
    lastStatement: null,
    error: { code, text: 'terminating connection', frame },
    quit: false,
  } as const
  return application({ protocol, database })
}

export interface EvidenceParts {
  connections: readonly ConnectionFacts[]
  /** Laid over what the connections themselves give, by `endpoint` ("10.77.2.2:80"). */
  endpoints?: readonly Partial<EndpointFacts>[]
  hosts?: readonly HostFacts[]
  paths?: readonly Partial<PathFacts>[]
  sources?: readonly Partial<SourceFacts>[]
  application?: readonly (readonly [number, ApplicationFacts])[]
  fates?: readonly (readonly [number, readonly SegmentFate[]])[]
  /** How many of all data segments never arrived; only with `fates`. */
  data?: readonly (readonly [number, DataLosses])[]
  /** Connections the capture at the server has nothing of. */
  absent?: readonly number[]
  answered?: readonly number[]
  /** Addresses of servers that are translated on the way; only with `fates`. */
  services?: readonly string[]
  experiments?: readonly Experiment[]
  /** Of source "probe". */
  apart?: Apart
  endMs?: number
}

/** Evidence around connections; ids are given by position unless they are already distinct. */
export function evidence(parts: EvidenceParts): Evidence {
  const connections = parts.connections
  distinctIds(connections)
  const byEnding = Object.fromEntries(endings.map((e) => [e, 0])) as Record<Ending, number>
  for (const c of connections) byEnding[c.ending]++
  return {
    sources: (parts.sources ?? [{}]).map(source),
    connections,
    endpoints: endpointsOf(connections, parts.endpoints ?? []),
    hosts: new Map((parts.hosts ?? hostsOf(connections)).map((h) => [h.address, h])),
    paths: pathsOf(connections, parts.paths ?? []),
    totals: {
      connections: connections.length,
      byEnding,
      packets: connections.reduce(
        (sum, c) => sum + c.sides.client.packets + c.sides.server.packets,
        0,
      ),
    },
    application: new Map(parts.application ?? []),
    vantage:
      parts.fates === undefined
        ? null
        : {
            client: 'c',
            server: 's',
            router: null,
            offsetMs: 0,
            driftPpm: 0,
            fates: new Map(parts.fates),
            data: new Map(parts.data ?? []),
            absent: new Set(parts.absent ?? []),
            answered: new Set(parts.answered ?? []),
            services: new Set(parts.services ?? []),
          },
    experiments: parts.experiments ?? [],
    ...(parts.apart === undefined ? {} : { experimentsApart: new Map([['probe', parts.apart]]) }),
    startMs: 0,
    endMs: parts.endMs ?? 60_000,
  }
}

/** One endpoint as `connections` give it. */
export function endpoint(
  connections: readonly ConnectionFacts[],
  partial: Partial<EndpointFacts> = {},
): EndpointFacts {
  const first = connections[0]?.server ?? address(SERVER, 80)
  const byEnding: Partial<Record<Ending, number>> = {}
  for (const c of connections) byEnding[c.ending] = (byEnding[c.ending] ?? 0) + 1
  const answers = connections
    .flatMap((c) => [c.handshake.synAckMs, c.sides.server.lastDataMs])
    .filter((t) => t !== null)
  return {
    endpoint: first.endpoint,
    address: first.address,
    port: first.port,
    connections: connections.length,
    byEnding,
    established: connections.filter((c) => c.handshake.ackMs !== null).length,
    served: connections.filter((c) => c.sides.server.payloadOctets > 0).length,
    serverFirst: connections.filter(
      (c) =>
        c.sides.server.firstDataMs !== null &&
        c.sides.server.firstDataMs < (c.sides.client.firstDataMs ?? Number.POSITIVE_INFINITY),
    ).length,
    synRetried: connections.filter((c) => c.handshake.syns > 1).length,
    synAckRetried: connections.filter((c) => c.handshake.synAcks > 1).length,
    firstAnswerMs: answers.length === 0 ? null : Math.min(...answers),
    lastAnswerMs: answers.length === 0 ? null : Math.max(...answers),
    survivedSilenceMs: Math.max(0, ...connections.map((c) => c.survivedSilenceMs)),
    survivedSilenceId: null,
    clients: new Set(connections.map((c) => c.client.address)).size,
    handshakeRttMs: { median: 1, p90: 1.2, count: connections.length },
    ...partial,
  }
}

export function source(partial: Partial<SourceFacts> = {}): SourceFacts {
  return {
    id: 'c0',
    kind: 'capture',
    name: 'test.pcap',
    at: null,
    fromMs: 0,
    toMs: 60_000,
    frames: 100,
    tcpFrames: 100,
    snapLen: 262_144,
    dropped: 0,
    headerFieldsKnown: true,
    bothDirections: true,
    ...partial,
  }
}

export function address(ip: string, port: number) {
  return { address: ip, port, endpoint: `${ip}:${port}` }
}

function distinctIds(connections: readonly ConnectionFacts[]): void {
  if (new Set(connections.map((c) => c.id)).size === connections.length) return
  for (const [i, c] of connections.entries()) c.id = i
}

function endpointsOf(
  connections: readonly ConnectionFacts[],
  told: readonly Partial<EndpointFacts>[],
): Map<string, EndpointFacts> {
  const groups = groupBy(connections, (c) => c.server.endpoint)
  const made = new Map<string, EndpointFacts>()
  for (const [name, group] of groups) made.set(name, endpoint(group))
  for (const partial of told) {
    const name = partial.endpoint ?? connections[0]?.server.endpoint ?? `${SERVER}:80`
    made.set(name, { ...(made.get(name) ?? endpoint([])), endpoint: name, ...partial })
  }
  return made
}

function hostsOf(connections: readonly ConnectionFacts[]): HostFacts[] {
  const hosts = new Map<string, HostFacts>()
  for (const c of connections) {
    for (const who of ['client', 'server'] as const) {
      const { packets, ttls } = c.sides[who]
      if (packets === 0) continue
      const host = hosts.get(c[who].address) ?? { address: c[who].address, ttls: [], packets: 0 }
      host.packets += packets
      for (const ttl of ttls) {
        const known = host.ttls.find((t) => t.ttl === ttl)
        if (known === undefined) host.ttls.push({ ttl, packets })
        else known.packets += packets
      }
      hosts.set(host.address, host)
    }
  }
  return [...hosts.values()]
}

function pathsOf(
  connections: readonly ConnectionFacts[],
  told: readonly Partial<PathFacts>[],
): Map<string, PathFacts> {
  const made = new Map<string, PathFacts>()
  const pair = (c: ConnectionFacts) => `${c.client.address} ${c.server.address}`
  for (const [key, group] of groupBy(connections, pair)) made.set(key, path(group))
  for (const partial of told) {
    const key = `${partial.client ?? CLIENT} ${partial.server ?? SERVER}`
    made.set(key, { ...(made.get(key) ?? path([])), ...partial })
  }
  return made
}

function path(group: readonly ConnectionFacts[]): PathFacts {
  const retransmissions = (c: ConnectionFacts) =>
    (['client', 'server'] as const).reduce((sum, who) => {
      const r = c.sides[who].retransmissions
      return sum + r.rto + r.fast + r.syn + r.synAck + r.fin
    }, 0)
  return {
    client: group[0]?.client.address ?? CLIENT,
    server: group[0]?.server.address ?? SERVER,
    connections: group.length,
    packets: group.reduce((s, c) => s + c.sides.client.packets + c.sides.server.packets, 0),
    dataPackets: group.length * 2,
    retransmissions: group.reduce((s, c) => s + retransmissions(c), 0),
    lossyConnections: group.filter((c) => retransmissions(c) > 0).length,
    survivedSilenceMs: 0,
    survivedSilenceId: null,
    missingOctets: 0,
    firstLossMs: null,
    lastLossMs: null,
    outageMs: 0,
    outageFromMs: null,
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `over` laid over `base`, objects at every depth, arrays and null whole. */
function merge<T>(base: T, over: DeepPartial<T>): T {
  const made: Record<string, unknown> = { ...(base as Record<string, unknown>) }
  for (const [key, value] of Object.entries(over as Record<string, unknown>)) {
    const under = made[key]
    made[key] = isPlain(under) && isPlain(value) ? merge(under, value) : value
  }
  return made as T
}
