import { type AddressBook, formatEndpoint } from '../base/addresses.ts'
import {
  type Aggregates,
  addStall,
  addTtl,
  addWait,
  type EndpointTotals,
  outageOf,
  sampleRtt,
} from './aggregates.ts'
import type { Ending, EndpointFacts, HostFacts, PathFacts } from './facts.ts'
import { ttlCount } from './habits.ts'
import { missingOctets } from './holes.ts'
import * as L from './layout.ts'
import { dataPackets, retransmitted, serverSpokeFirst, waitedForServer } from './row-sums.ts'
import type { Rows } from './rows.ts'

// What is known of servers, hosts and paths over all of their connections: added up as each is finished, printed at the end.

export interface Totals {
  endpoints: Map<string, EndpointFacts>
  hosts: Map<string, HostFacts>
  paths: Map<string, PathFacts>
}

/** Shorter waits for an acknowledgment are ordinary losses. */
const STALL_MIN_NS = 500e6

/** Adds the open row to what is known of its server, its hosts and their path. */
export function aggregate(
  rows: Rows,
  aggregates: Aggregates,
  ending: Ending,
): EndpointTotals | null {
  const { ints, floats, at } = rows
  const bits = ints[at + L.R_BITS]!
  const family = (bits & L.B_FAMILY6) !== 0 ? 6 : 4
  const c = at + L.CLIENT_SIDE
  const s = at + L.SERVER_SIDE
  const clientAddress = ints[at + L.R_CLIENT]!
  const serverAddress = ints[at + L.R_SERVER]!
  const survived = floats[(at + L.R_SURVIVED_T) >> 1]!
  const endpoint = aggregates.endpoint(serverAddress, ints[at + L.R_PORTS]! & 0xffff, family)
  if (endpoint !== null) {
    endpoint.connections++
    endpoint.byEnding[ending] = (endpoint.byEnding[ending] ?? 0) + 1
    const served = (ints[s + L.S_BITS]! & L.SB_DATA) !== 0
    const synAcked = ints[at + L.R_SYNACKS]! > 0
    if (synAcked && ints[at + L.R_ACK_FRAME]! > 0) endpoint.established++
    if (served) endpoint.served++
    if (served && serverSpokeFirst(floats, ints, c, s)) endpoint.serverFirst++
    if (ints[at + L.R_SYNS]! > 1) endpoint.synRetried++
    if (ints[at + L.R_SYNACKS]! > 1) endpoint.synAckRetried++
    if (synAcked) {
      const accepted = floats[(at + L.R_SYNACK_T) >> 1]!
      seenAnswering(endpoint, accepted)
      endpoint.lastAcceptT = Math.max(endpoint.lastAcceptT, accepted)
    }
    if (served) seenAnswering(endpoint, floats[(s + L.S_DATA_LAST_T) >> 1]!)
    addWait(endpoint, floats[(at + L.R_ACK_T) >> 1]!, waitedForServer(ints, floats, at))
    if (survived > endpoint.survivedT) {
      endpoint.survivedT = survived
      endpoint.survivedId = ints[at + L.R_ID]!
    }
    if (endpoint.clients.size < 1000) endpoint.clients.add(clientAddress)
    if (synAcked && ints[at + L.R_SYNS] === 1) {
      const end = floats[(at + L.R_ACK_T) >> 1]! || floats[(at + L.R_SYNACK_T) >> 1]!
      sampleRtt(endpoint, end - floats[(at + L.R_START_T) >> 1]!)
    }
  }
  addHost(aggregates, clientAddress, family, ints, c)
  addHost(aggregates, serverAddress, family, ints, s)
  const path = aggregates.path(clientAddress, serverAddress, family)
  if (path === null) return endpoint
  const resent = retransmitted(ints, c) + retransmitted(ints, s)
  path.connections++
  path.packets += ints[c + L.S_PACKETS]! + ints[s + L.S_PACKETS]!
  path.dataPackets += dataPackets(ints, floats, c) + dataPackets(ints, floats, s)
  path.retransmissions += resent
  path.undecided += ints[c + L.S_UNDECIDED]! + ints[s + L.S_UNDECIDED]!
  if (ints[s + L.S_PACKETS] === 0 && acknowledges(ints, c)) path.onlyClient++
  else if (ints[c + L.S_PACKETS] === 0 && acknowledges(ints, s)) path.onlyServer++
  else if (ints[s + L.S_PACKETS] === 0 && ints[at + L.R_SYNS]! > 0) path.loneSyns++
  path.largestFromClient = Math.max(path.largestFromClient, ints[c + L.S_BIG_ACKED]!)
  path.largestFromServer = Math.max(path.largestFromServer, ints[s + L.S_BIG_ACKED]!)
  path.missingOctets +=
    missingOctets(ints, floats, c, ints[s + L.S_ACKED]!) +
    missingOctets(ints, floats, s, ints[c + L.S_ACKED]!)
  if (survived > path.survivedT) {
    path.survivedT = survived
    path.survivedId = ints[at + L.R_ID]!
  }
  if (resent > 0) {
    path.lossyConnections++
    const first = floats[(at + L.R_FIRST_LOSS_T) >> 1]! || floats[(at + L.R_START_T) >> 1]!
    path.firstLossT = Math.min(path.firstLossT, first)
    path.lastLossT = Math.max(path.lastLossT, floats[(at + L.R_LAST_T) >> 1]!)
    const stall = floats[(at + L.R_STALL_T) >> 1]!
    const from = floats[(at + L.R_STALL_FROM_T) >> 1]!
    if (stall > STALL_MIN_NS) addStall(path, from, from + stall)
  }
  return endpoint
}

/** What it acknowledges somebody sent. */
function acknowledges(ints: Int32Array, side: number): boolean {
  return (ints[side + L.S_BITS]! & L.SB_ACK) !== 0
}

function seenAnswering(endpoint: { firstAnswerT: number; lastAnswerT: number }, t: number): void {
  if (t < endpoint.firstAnswerT) endpoint.firstAnswerT = t
  if (t > endpoint.lastAnswerT) endpoint.lastAnswerT = t
}

function addHost(
  aggregates: Aggregates,
  address: number,
  family: 4 | 6,
  ints: Int32Array,
  o: number,
): void {
  if (ints[o + L.S_PACKETS] === 0) return
  const host = aggregates.host(address, family)
  if (host === null) return
  host.packets += ints[o + L.S_PACKETS]!
  for (let i = 0; i < 4; i++) {
    const ttl = (ints[o + L.S_TTLS]! >>> (i * 8)) & 255
    if (ttl === 0) return
    addTtl(host, ttl, ttlCount(ints, o, i))
  }
}

export function printed(aggregates: Aggregates, addresses: AddressBook): Totals {
  const endpoints = new Map<string, EndpointFacts>()
  for (const e of aggregates.endpoints.values()) {
    const address = addresses.format(e.address, e.family)
    const endpoint = formatEndpoint(address, e.port)
    endpoints.set(endpoint, {
      endpoint,
      address,
      port: e.port,
      connections: e.connections,
      byEnding: e.byEnding,
      established: e.established,
      served: e.served,
      serverFirst: e.serverFirst,
      synRetried: e.synRetried,
      synAckRetried: e.synAckRetried,
      firstAnswerMs: Number.isFinite(e.firstAnswerT) ? e.firstAnswerT / 1e6 : null,
      lastAnswerMs: Number.isFinite(e.lastAnswerT) ? e.lastAnswerT / 1e6 : null,
      lastAcceptMs: Number.isFinite(e.lastAcceptT) ? e.lastAcceptT / 1e6 : null,
      survivedSilenceMs: e.survivedT / 1e6,
      survivedSilenceId: e.survivedId < 0 ? null : e.survivedId,
      clients: e.clients.size,
      waits: e.waits.map(({ from, to }) => ({ fromMs: from / 1e6, toMs: to / 1e6 })),
      handshakeRttMs: rttSummary(e.rtts, e.rttCount),
    })
  }
  const hosts = new Map<string, HostFacts>()
  for (const h of aggregates.hosts.values()) {
    const ttls = [...h.ttls]
    ttls.sort((a, b) => b.packets - a.packets)
    const address = addresses.format(h.address, h.family)
    hosts.set(address, { address, packets: h.packets, ttls: ttls.slice(0, 4) })
  }
  const paths = new Map<string, PathFacts>()
  for (const p of aggregates.paths.values()) {
    const client = addresses.format(p.client, p.family)
    const server = addresses.format(p.server, p.family)
    const outage = outageOf(p)
    paths.set(`${client} ${server}`, {
      client,
      server,
      connections: p.connections,
      packets: p.packets,
      dataPackets: p.dataPackets,
      retransmissions: p.retransmissions,
      lossyConnections: p.lossyConnections,
      undecided: p.undecided,
      oneSided: { client: p.onlyClient, server: p.onlyServer },
      loneSyns: p.loneSyns,
      survivedSilenceMs: p.survivedT / 1e6,
      survivedSilenceId: p.survivedId < 0 ? null : p.survivedId,
      missingOctets: p.missingOctets,
      largestDelivered: { client: p.largestFromClient, server: p.largestFromServer },
      firstLossMs: Number.isFinite(p.firstLossT) ? p.firstLossT / 1e6 : null,
      lastLossMs: Number.isFinite(p.lastLossT) ? p.lastLossT / 1e6 : null,
      outageMs: outage === null ? 0 : (outage.to - outage.from) / 1e6,
      outageFromMs: outage === null ? null : outage.from / 1e6,
    })
  }
  return { endpoints, hosts, paths }
}

function rttSummary(rtts: readonly number[], count: number): EndpointFacts['handshakeRttMs'] {
  if (rtts.length === 0) return null
  const sorted = [...rtts].sort((a, b) => a - b)
  const at = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]! / 1e6
  return { median: at(0.5), p90: at(0.9), count }
}
