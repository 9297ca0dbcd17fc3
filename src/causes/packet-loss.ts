import type { ConnectionFacts, SideFacts } from '../evidence/connection.ts'
import type { Evidence, PathFacts } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Judgement,
  type Reason,
  type Reference,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { connectionsBetween } from './once.ts'
import { fatesOf, isProvenOfBox, isTranslatedAddress, provenFates } from './where.ts'

const say = reasonsOf('packet-loss')

const MANY = 3 // connections of one path
const MIN_LOSSES = 5
const MIN_PACKETS = 100 // fewer data segments make no rate
const NOTABLE = 0.01 // 1 % of data segments sent again; below that TCP hardly shows it
const HARMFUL = 0.03
const FAR_ABOVE = 5
const OUTAGE_MS = 1000
const UNDECIDED_RATE = 0.005
const MAX_TOLD = 3
const NO_IP_ID = 'IPv6 has no IP-ID, and the timestamps are equal or not there'
const IP_ID_SILENT = 'neither IP-IDs nor timestamps give their order'
/** As evidence/vantage says on which leg a segment was lost. */
const LOST_AT = new Map<string | null, 'lost-near' | 'lost-in-router' | 'lost-far'>([
  ['between client and router', 'lost-near'],
  ['in the router', 'lost-in-router'],
  ['between router and server', 'lost-far'],
])

/** Losses far above the usual on many connections of a path, recovered by retransmission. */
export const packetLoss = {
  id: 'packet-loss',
  needs: ['packets', 'both-sides', 'kernel'],
  refs: ['RFC 9293 §3.8.1', 'RFC 5681', 'RFC 6298', 'RFC 8985'],
  confusedWith: ['path-lost', 'path-mtu-black-hole', 'receive-path-drop', 'asymmetric-path'],
  judge,
} as const satisfies Cause

interface Lossy {
  path: PathFacts
  /** Listed connections of the path that lost data and recovered. */
  recovered: ConnectionFacts[]
  /** All connections of the path that lost data and recovered, and the segments sent again. */
  count: number
  losses: number
  rate: number
  others: { rate: number; packets: number }
}

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const path of evidence.paths.values()) {
    const syns = lostSyns(path, evidence)
    if (syns !== null) verdicts.push(syns)
    const lossy = lossyOf(path, evidence)
    if (lossy === null) continue
    const verdict = judgeOutage(lossy, evidence) ?? judgeRate(lossy, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  verdicts.push(...handshakeAcksLost(evidence))
  const unknown = undecidedOf(evidence, verdicts)
  return { verdicts, ...(unknown === null ? {} : { unknown }) }
}

/**
 * Several captures: the ACK that ends the handshake never arrived, on several connections, and their data did. Each costs the
 * server a repeated SYN-ACK, and a client that waits for the server to speak first a second.
 */
function handshakeAcksLost(evidence: Evidence): Verdict[] {
  const byPath = new Map<string, { connection: ConnectionFacts; frame: number }[]>()
  for (const connection of evidence.connections) {
    const fates = fatesOf(connection, evidence).filter((f) => f.from === 'client')
    const ack = fates.find((f) => f.kind === 'ack' && f.fate === 'lost')
    if (ack === undefined || ack.frame !== connection.handshake.ackFrame) continue
    if (!fates.some((f) => f.kind === 'data' && f.fate === 'delivered')) continue
    const key = `${connection.client.address} ${connection.server.address}`
    const lost = byPath.get(key) ?? []
    lost.push({ connection, frame: ack.frame })
    byPath.set(key, lost)
  }
  return [...byPath.values()].flatMap((lost) => {
    if (lost.length < MANY) return []
    const { connection, frame } = lost[0]!
    return [
      {
        connections: lost.map((l) => l.connection),
        variant: 'handshake-ack',
        certainty: 'likely' as const,
        severity: 'notice' as const,
        weight: 60,
        culprit: { side: 'network' as const },
        because: [say('acks-lost', { count: lost.length }, atFrame(frame, connection))],
        against: [],
        values: { client: connection.client.address, peer: connection.server.address },
        group: groupOf({ client: connection.client.address, server: connection.server.address }),
      },
    ]
  })
}

/**
 * Paths on which holes were filled by segments of which nobody can tell whether they had been overtaken or were sent again:
 * equal timestamps and no IP-ID that counts, as on every LAN with IPv6. Paths with a verdict are left out: it says so itself.
 */
function undecidedOf(evidence: Evidence, verdicts: readonly Verdict[]): Unknown | null {
  if (evidence.vantage !== null) return null
  const judged = new Set(verdicts.map((v) => v.group))
  const paths = [...evidence.paths.values()]
    .filter((path) => isUndecided(path) && !judged.has(groupOf(path)))
    .sort((a, b) => (b.undecided ?? 0) - (a.undecided ?? 0))
  const first = paths[0]
  if (first === undefined) return null
  const told = paths.slice(0, MAX_TOLD).map((path) => {
    const { client, server, undecided = 0, dataPackets } = path
    const why = client.includes(':') ? NO_IP_ID : IP_ID_SILENT
    return `between ${client} and ${server} ${undecided} of ${dataPackets} data segments came after later ones: sent again or overtaken on the way, this capture cannot tell (${why})`
  })
  const more = paths.length - told.length
  return {
    missing: more > 0 ? [...told, `the same between ${more} more pairs of hosts`] : told,
    ask: 'nstat -n; sleep 10; nstat -z TcpRetransSegs TcpOutSegs # on the sending host; or tcpwhy analyze --at client=client.pcap --at server=server.pcap',
  }
}

function isUndecided({ undecided = 0, dataPackets }: PathFacts): boolean {
  return undecided >= MIN_LOSSES && undecided >= dataPackets * UNDECIDED_RATE
}

function groupOf({ client, server }: Pick<PathFacts, 'client' | 'server'>): string {
  return `${client} ${server}`
}

function lossyOf(path: PathFacts, evidence: Evidence): Lossy | null {
  const listed = connectionsBetween(path, evidence)
  const recovered = listed.filter((c) => lossesOf(c) > 0 && !isStuck(c) && !isFirstRequestOnly(c))
  if (recovered.length === 0 || isReordered(recovered)) return null
  // What was never answered, and SYNs, belong to other causes: they are not loss that was recovered.
  const foreign = listed.reduce(
    (sum, c) => sum + c.weight * (resentOf(c) - (isStuck(c) ? 0 : lossesOf(c))),
    0,
  )
  const losses = Math.max(0, path.retransmissions - foreign)
  const stuck = listed.reduce(
    (sum, c) => sum + (lossesOf(c) === 0 || isStuck(c) ? c.weight * Math.min(1, resentOf(c)) : 0),
    0,
  )
  const count = Math.max(recovered.length, path.lossyConnections - stuck)
  const rate = losses / Math.max(1, path.dataPackets)
  return { path, recovered, count, losses, rate, others: othersOf(path, evidence) }
}

/** Two captures: SYNs left the client and never came to the server, and one that was sent again was answered. */
function lostSyns(path: PathFacts, evidence: Evidence): Verdict | null {
  if (evidence.vantage === null || evidence.sources.some((s) => (s.dropped ?? 0) > 0)) return null
  const connections: ConnectionFacts[] = []
  let [lost, seen] = [0, 0]
  let first: Reference | null = null
  for (const connection of connectionsBetween(path, evidence)) {
    if (connection.handshake.synAckMs === null) continue // never answered: connect-filtered
    const syns = fatesOf(connection, evidence).filter((f) => f.kind === 'syn')
    const missing = syns.filter((f) => f.fate === 'lost')
    seen += syns.length
    if (missing.length === 0) continue
    lost += missing.length
    connections.push(connection)
    first ??= atFrame(missing[0]!.frame, connection)
  }
  if (first === null || connections.length < MANY || lost < MIN_LOSSES) return null
  const elsewhere = isTranslatedAddress(path.server, evidence)
  return {
    connections,
    variant: 'syns',
    certainty: elsewhere ? 'possible' : 'likely',
    severity: 'problem',
    weight: 56,
    culprit: { side: 'network' },
    because: [say('syns-lost', { lost, seen, count: connections.length }, first)],
    against: [
      say('perhaps-a-rule', {}, first),
      ...(elsewhere ? [say('perhaps-elsewhere', { peer: path.server }, first)] : []),
    ],
    values: { client: path.client, peer: path.server, lost },
    group: groupOf(path),
  }
}

function lossesOf(connection: ConnectionFacts): number {
  return sideLosses(connection.sides.client) + sideLosses(connection.sides.server)
}

/** Everything sent again, SYNs and FINs included. */
function resentOf(connection: ConnectionFacts): number {
  return sideResent(connection.sides.client) + sideResent(connection.sides.server)
}

function sideResent({ retransmissions: r }: SideFacts): number {
  return r.rto + r.fast + r.syn + r.synAck + r.fin
}

function sideLosses(side: SideFacts): number {
  return side.retransmissions.rto + side.retransmissions.fast
}

/** Segments overtook each other and were sent again for nothing: the path delivered them all. */
function isReordered(recovered: readonly ConnectionFacts[]): boolean {
  const sides = recovered.flatMap((c) => [c.sides.client, c.sides.server])
  const early = sides.reduce(
    (sum, s) => sum + s.outOfOrder - (s.undecided ?? 0) + s.retransmissions.spurious,
    0,
  )
  const losses = recovered.reduce((sum, c) => sum + lossesOf(c), 0)
  return early * 4 >= losses
}

function undecidedIn(recovered: readonly ConnectionFacts[]): number {
  return recovered.reduce(
    (sum, { sides }) => sum + (sides.client.undecided ?? 0) + (sides.server.undecided ?? 0),
    0,
  )
}

/** Only the first data of the client was repeated, until the server took it: the handshake's end was lost, or refused. */
function isFirstRequestOnly(connection: ConnectionFacts): boolean {
  const { client, server } = connection.sides
  if (sideLosses(server) > 0 || client.retransmissions.fast > 0) return false
  const repeated = connection.head.filter(
    (s) => s.from === 'client' && s.note === 'retransmission-rto',
  )
  return repeated.length > 0 && repeated.every((s) => s.seq === 1)
}

function isStuck(connection: ConnectionFacts): boolean {
  const { client, server } = connection.sides
  return (
    client.unanswered !== null || server.unanswered !== null || connection.ending === 'timed-out'
  )
}

function othersOf(path: PathFacts, evidence: Evidence): { rate: number; packets: number } {
  let packets = 0
  let losses = 0
  for (const other of evidence.paths.values()) {
    if (other === path) continue
    packets += other.dataPackets
    losses += other.retransmissions
  }
  return { rate: losses / Math.max(1, packets), packets }
}

function judgeRate(lossy: Lossy, evidence: Evidence): Verdict | null {
  const { recovered, count, losses, rate, others, path } = lossy
  if (count < MANY || losses < MIN_LOSSES || rate < NOTABLE || path.dataPackets < MIN_PACKETS)
    return null
  const compared = others.packets >= 100
  if (compared && rate < others.rate * FAR_ABOVE) return null
  const undecided = undecidedIn(recovered)
  // As many again that may have been overtaken only: then these, too.
  const likely = (compared || rate >= HARMFUL) && undecided * 4 < losses
  const proven = provenOf(lossy, evidence)
  const ref = connectionRef(recovered[0]!)
  const values = { losses, packets: path.dataPackets, rate: percent(rate) }
  return verdictOf(lossy, proven !== null ? 'confirmed' : likely ? 'likely' : 'possible', {
    because: [
      ...(proven === null ? [] : [proven]),
      count > recovered.length
        ? say('rate-more', { ...values, count, listed: recovered.length }, ref)
        : say('rate', { ...values, count }, ref),
      ...(compared
        ? [say('others', { rate: percent(others.rate), packets: others.packets }, ref)]
        : []),
      ...provenLosses(recovered, evidence),
      ...duplicateAcks(recovered),
    ],
    against: [
      ...(compared || proven !== null ? [] : [say('nothing-to-compare', {}, ref)]),
      ...(undecided > 0 && proven === null ? [say('undecided', { count: undecided }, ref)] : []),
      ...captureLoss(evidence, ref),
    ],
    severity: rate >= HARMFUL ? 'problem' : 'notice',
  })
}

/** An interval in which nothing came through although something was sent, and after which it went on. */
function judgeOutage(lossy: Lossy, evidence: Evidence): Verdict | null {
  const { path, recovered } = lossy
  const from = path.outageFromMs
  if (from === null || path.outageMs < OUTAGE_MS) return null
  const hit = recovered.filter((c) => c.startMs < from + path.outageMs && c.lastMs > from)
  const wentOn = hit.filter((c) => c.lastMs > from + path.outageMs)
  if (hit.length === 0 || wentOn.length === 0) return null
  const ref = connectionRef(hit[0]!)
  const verdict = verdictOf({ ...lossy, recovered: hit }, hit.length >= 2 ? 'likely' : 'possible', {
    because: [
      say('outage', { for: path.outageMs, at: from, count: hit.length }, ref),
      say('went-on', { count: wentOn.length }, connectionRef(wentOn[0]!)),
    ],
    against: [...(hit.length >= 2 ? [] : [say('single', {}, ref)]), ...captureLoss(evidence, ref)],
    severity: 'problem',
  })
  return { ...verdict, variant: 'outage', values: { ...verdict.values, outage: path.outageMs } }
}

function verdictOf(
  lossy: Lossy,
  certainty: Certainty,
  parts: Pick<Verdict, 'because' | 'against' | 'severity'>,
): Verdict {
  const { path, recovered, rate } = lossy
  return {
    connections: recovered,
    certainty,
    ...parts,
    // Loss that was recovered slows a connection down; whatever ended it has a stronger name.
    weight: certainty === 'possible' ? 32 : 48,
    culprit: { side: 'network' },
    values: { client: path.client, peer: path.server, rate: percent(rate) },
    group: groupOf(path),
  }
}

/**
 * Two captures of one path: enough data segments left one end and never came to the other, of those that both could see.
 * null: too few, or a capture dropped packets itself.
 */
function provenOf({ recovered }: Lossy, evidence: Evidence): Reason | null {
  if (evidence.sources.some((s) => (s.dropped ?? 0) > 0)) return null
  let first: Reference | null = null
  let [lost, compared, count] = [0, 0, 0]
  for (const connection of recovered) {
    const data = evidence.vantage?.data?.get(connection.id)
    if (data === undefined) continue
    compared += data.compared
    lost += data.lost
    if (data.lost === 0) continue
    count++
    first ??= atFrame(data.firstFrame ?? connection.firstFrame, connection)
  }
  if (first === null || count < 2 || lost < MIN_LOSSES || lost < compared * NOTABLE) return null
  return say('proven', { lost, compared, count }, first)
}

/** Several captures: what left and did not arrive, and between which of them. */
function provenLosses(recovered: readonly ConnectionFacts[], evidence: Evidence): Reason[] {
  const counts = new Map<Parameters<typeof say>[0], number>()
  let first: Reference | null = null
  for (const connection of recovered) {
    const inBox = isProvenOfBox(connection, evidence)
    for (const { fate, what, frame } of provenFates(connection, evidence)) {
      if (fate !== 'lost') continue
      const key = LOST_AT.get(what) ?? (inBox ? 'lost-in-box' : 'lost-between')
      counts.set(key, (counts.get(key) ?? 0) + 1)
      first ??= atFrame(frame, connection)
    }
  }
  return [...counts].map(([key, segments]) => say(key, { segments }, first!))
}

function duplicateAcks(recovered: readonly ConnectionFacts[]): Reason[] {
  const count = recovered.reduce(
    (sum, c) => sum + c.sides.client.duplicateAcks + c.sides.server.duplicateAcks,
    0,
  )
  if (count === 0) return []
  const most = recovered.reduce((a, b) => (lossesOf(b) > lossesOf(a) ? b : a))
  return [say('duplicate-acks', { count }, atFrame(most.firstFrame, most))]
}

/** What the capture itself missed looks like loss of the network to nobody but us. */
function captureLoss(evidence: Evidence, ref: Reference): Reason[] {
  const dropped = evidence.sources.reduce((sum, s) => sum + (s.dropped ?? 0), 0)
  return dropped > 0 ? [say('capture-dropped', { dropped }, ref)] : []
}

function percent(rate: number): string {
  const value = rate * 100
  return `${value < 1 ? value.toFixed(2) : value.toFixed(1)} %`
}
