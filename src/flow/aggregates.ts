import type { Ending } from './facts.ts'

const MAX_ENDPOINTS = 200_000
const MAX_HOSTS = 200_000
const MAX_PATHS = 200_000
const MAX_RTTS = 256

/** Everything about one server address and port, numbers only; printed at the end. */
export interface EndpointTotals {
  address: number
  port: number
  family: 4 | 6
  connections: number
  byEnding: Partial<Record<Ending, number>>
  established: number
  served: number
  serverFirst: number
  synRetried: number
  synAckRetried: number
  firstAnswerT: number
  lastAnswerT: number
  /** Its last SYN-ACK. */
  lastAcceptT: number
  survivedT: number
  survivedId: number
  clients: Set<number>
  /** A sample of handshake round trips, ns: the first 256 and then every 2^k-th. */
  rtts: number[]
  rttCount: number
  rttStride: number
  /** The longest waits of finished handshakes for the server's application, ns; shorter ones than `waitMinNs` are not added. */
  waits: { from: number; to: number }[]
  waitMinNs: number
  /** Clean connections kept for a look at their payload. */
  watched: number
  /** Clean ones that the server closed, kept for their answers. */
  watchedAnswers: number
}

export interface HostTotals {
  address: number
  family: 4 | 6
  packets: number
  /** TTLs seen and how many packets had each: a few, so a list is quicker than a map. */
  ttls: { ttl: number; packets: number }[]
}

export interface PathTotals {
  client: number
  server: number
  family: 4 | 6
  connections: number
  packets: number
  dataPackets: number
  retransmissions: number
  lossyConnections: number
  undecided: number
  onlyClient: number
  onlyServer: number
  loneSyns: number
  survivedT: number
  survivedId: number
  missingOctets: number
  largestFromClient: number
  largestFromServer: number
  firstLossT: number
  lastLossT: number
  /** Longest stalls of single connections, [from, to], bounded in number. */
  stalls: { from: number; to: number }[]
}

/** What is known over all connections, clean ones included, kept bounded by their number of hosts. */
export class Aggregates {
  readonly endpoints = new Map<number, EndpointTotals>()
  readonly hosts = new Map<number, HostTotals>()
  readonly paths = new Map<number, PathTotals>()
  private readonly directions = new Set<number>()
  private readonly indexes = new Map<number, number>()
  private lastFrom = 0
  private lastTo = 0
  private lastDirectionFamily = 0
  private lastServer = 0
  private lastServerPort = -1
  private lastHost = 0
  private lastFamily = 0
  private lastIndex = -1
  private lastEndpoint: EndpointTotals | null = null
  private lastHosts: HostTotals[] = []
  private lastPath: PathTotals | null = null
  private readonly servers = new Set<number>()

  /** Any packet from `src` to `dst` was seen: that direction of this pair of hosts is in the capture. */
  sawDirection(src: number, dst: number, family: 4 | 6): void {
    if (src === this.lastFrom && dst === this.lastTo && family === this.lastDirectionFamily) return
    this.lastFrom = src
    this.lastTo = dst
    this.lastDirectionFamily = family
    const from = this.hostIndex(src, family)
    const to = this.hostIndex(dst, family)
    if (this.directions.size < MAX_PATHS) this.directions.add(from * MAX_HOSTS + to)
  }

  hasDirection(src: number, dst: number, family: 4 | 6): boolean {
    return this.directions.has(
      this.hostIndex(src, family) * MAX_HOSTS + this.hostIndex(dst, family),
    )
  }

  /** A small number for a host; the last two are remembered, for captures are mostly about few. */
  private hostIndex(address: number, family: 4 | 6): number {
    if (address === this.lastHost && family === this.lastFamily) return this.lastIndex
    const key = endpointKey(address, 0, family)
    let index = this.indexes.get(key)
    if (index === undefined) {
      index = this.indexes.size
      if (index < MAX_HOSTS) this.indexes.set(key, index)
    }
    this.lastHost = address
    this.lastFamily = family
    this.lastIndex = index
    return index
  }

  addServer(address: number, port: number, family: 4 | 6): void {
    if (address === this.lastServer && port === this.lastServerPort) return
    this.lastServer = address
    this.lastServerPort = port
    if (this.servers.size < MAX_ENDPOINTS) this.servers.add(endpointKey(address, port, family))
  }

  isServer(address: number, port: number, family: 4 | 6): boolean {
    return this.servers.has(endpointKey(address, port, family))
  }

  endpoint(address: number, port: number, family: 4 | 6): EndpointTotals | null {
    const last = this.lastEndpoint
    if (last !== null && last.address === address && last.port === port && last.family === family) {
      return last
    }
    const key = endpointKey(address, port, family)
    const known = this.endpoints.get(key)
    if (known !== undefined) {
      this.lastEndpoint = known
      return known
    }
    if (this.endpoints.size >= MAX_ENDPOINTS) return null
    const made: EndpointTotals = {
      address,
      port,
      family,
      connections: 0,
      byEnding: {},
      established: 0,
      served: 0,
      serverFirst: 0,
      synRetried: 0,
      synAckRetried: 0,
      firstAnswerT: Number.POSITIVE_INFINITY,
      lastAnswerT: Number.NEGATIVE_INFINITY,
      lastAcceptT: Number.NEGATIVE_INFINITY,
      survivedT: 0,
      survivedId: -1,
      clients: new Set(),
      rtts: [],
      rttCount: 0,
      rttStride: 1,
      waits: [],
      waitMinNs: 0,
      watched: 0,
      watchedAnswers: 0,
    }
    this.endpoints.set(key, made)
    return made
  }

  host(address: number, family: 4 | 6): HostTotals | null {
    const first = this.lastHosts[0]
    if (first !== undefined && first.address === address && first.family === family) return first
    const second = this.lastHosts[1]
    if (second !== undefined && second.address === address && second.family === family)
      return second
    const key = endpointKey(address, 0, family)
    const known = this.hosts.get(key)
    if (known !== undefined) {
      this.lastHosts = [known, ...this.lastHosts.slice(0, 1)]
      return known
    }
    if (this.hosts.size >= MAX_HOSTS) return null
    const made: HostTotals = { address, family, packets: 0, ttls: [] }
    this.hosts.set(key, made)
    return made
  }

  path(client: number, server: number, family: 4 | 6): PathTotals | null {
    const last = this.lastPath
    if (
      last !== null &&
      last.client === client &&
      last.server === server &&
      last.family === family
    ) {
      return last
    }
    const key = this.hostIndex(client, family) * MAX_HOSTS + this.hostIndex(server, family)
    const known = this.paths.get(key)
    if (known !== undefined) {
      this.lastPath = known
      return known
    }
    if (this.paths.size >= MAX_PATHS) return null
    const made: PathTotals = {
      client,
      server,
      family,
      connections: 0,
      packets: 0,
      dataPackets: 0,
      retransmissions: 0,
      lossyConnections: 0,
      undecided: 0,
      onlyClient: 0,
      onlyServer: 0,
      loneSyns: 0,
      survivedT: 0,
      survivedId: -1,
      missingOctets: 0,
      largestFromClient: 0,
      largestFromServer: 0,
      firstLossT: Number.POSITIVE_INFINITY,
      lastLossT: Number.NEGATIVE_INFINITY,
      stalls: [],
    }
    this.paths.set(key, made)
    return made
  }
}

/** Address (32 bits), port (16) and family in one exact float64. */
function endpointKey(address: number, port: number, family: 4 | 6): number {
  return (address >>> 0) * 65_536 + port + (family === 6 ? 2 ** 49 : 0)
}

/** Keeps every 2^k-th round trip once more than 256 were seen, so that the sample covers the whole capture. */
export function sampleRtt(endpoint: EndpointTotals, rttNs: number): void {
  if ((endpoint.rttCount++ & (endpoint.rttStride - 1)) !== 0) return
  if (endpoint.rtts.length >= MAX_RTTS) {
    endpoint.rtts = endpoint.rtts.filter((_, i) => i % 2 === 0)
    endpoint.rttStride *= 2
  }
  endpoint.rtts.push(rttNs)
}

const MAX_WAITS = 1024

/** Keeps the longest: who fills an accept queue has waited for longer than others. */
export function addWait(endpoint: EndpointTotals, from: number, waitedNs: number): void {
  if (waitedNs <= endpoint.waitMinNs) return
  const { waits } = endpoint
  waits.push({ from, to: from + waitedNs })
  if (waits.length < MAX_WAITS) return
  waits.sort((a, b) => b.to - b.from - (a.to - a.from))
  waits.length = MAX_WAITS / 2
  const shortest = waits.at(-1)!
  endpoint.waitMinNs = shortest.to - shortest.from
}

const MAX_STALLS = 256

export function addStall(path: PathTotals, from: number, to: number): void {
  if (path.stalls.length < MAX_STALLS) path.stalls.push({ from, to })
}

/** Connections that must be stalled together before it is called an outage of their path. */
const TOGETHER = 3

/** The longest time during which at least three connections of the path were waiting at once; null = never. */
export function outageOf(path: PathTotals): { from: number; to: number } | null {
  const edges = path.stalls.flatMap((s) => [
    { t: s.from, step: 1 },
    { t: s.to, step: -1 },
  ])
  edges.sort((a, b) => a.t - b.t || a.step - b.step)
  let waiting = 0
  let since = 0
  let best: { from: number; to: number } | null = null
  for (const { t, step } of edges) {
    if (waiting >= TOGETHER && waiting + step < TOGETHER) {
      if (best === null || t - since > best.to - best.from) best = { from: since, to: t }
    }
    waiting += step
    if (waiting === TOGETHER && step === 1) since = t
  }
  return best
}

export function addTtl(host: HostTotals, ttl: number, packets: number): void {
  for (const known of host.ttls) {
    if (known.ttl !== ttl) continue
    known.packets += packets
    return
  }
  host.ttls.push({ ttl, packets })
}
