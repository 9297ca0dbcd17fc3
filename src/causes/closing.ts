import { groupBy } from '../base/group-by.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type {
  ConnectionFacts,
  ResetFacts,
  Segment,
  Side,
  SideFacts,
  UnansweredFacts,
} from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { once } from './once.ts'

/** What several causes ask of a connection's end. Times in milliseconds since the start of the capture. */

/** The reset that ended it: the last one the receiver would accept. */
export function endingReset(connection: ConnectionFacts): ResetFacts | null {
  return connection.resets.findLast((r) => r.accepted !== false) ?? null
}

/** A RST,ACK a socket sent of its own accord (close, linger, kill), its sender having sent no FIN before. */
export function activeAbort(connection: ConnectionFacts): ResetFacts | null {
  const reset = connection.resets.find((r) => r.accepted !== false)
  if (reset === undefined || reset.shape !== 'active') return null
  const fin = connection.sides[reset.from].fin
  return fin !== null && fin.tMs <= reset.tMs ? null : reset
}

/** close() follows shutdown() at once in Java's sockets; measured 20 us apart. */
const AT_ONCE_MS = 100

/** shutdown() and then close() on unread data, as Java does: a FIN, and right behind it the RST of the same socket. */
export function abortAfterOwnFin(connection: ConnectionFacts): ResetFacts | null {
  const reset = connection.resets.find((r) => r.accepted !== false)
  if (reset === undefined || reset.shape !== 'active') return null
  const fin = connection.sides[reset.from].fin
  if (fin === null || reset.seq !== (fin.seq + 1) % 2 ** 32) return null
  return reset.tMs >= fin.tMs && reset.tMs - fin.tMs <= AT_ONCE_MS ? reset : null
}

/** Last payload of either side before that time, or the end of the handshake; null when neither was seen. */
export function lastActivityBefore(connection: ConnectionFacts, tMs: number): number | null {
  const times = [
    connection.handshake.ackMs,
    connection.handshake.synAckMs,
    ...payloadTimes(connection),
  ].filter((t): t is number => t !== null && t < tMs)
  return times.length === 0 ? null : Math.max(...times)
}

/** Nobody answered what this side sent last: there is no RST, at most its own, when it gave up. */
export function isNobodysAnswer(
  { resets }: ConnectionFacts,
  side: Side,
  { lastMs }: UnansweredFacts,
): boolean {
  return resets.every((r) => r.accepted !== true || (r.from === side && r.tMs >= lastMs))
}

/** As short a message, and as soon before the FIN of its sender. */
const WORD_OCTETS = 256
const WORD_MS = 50

/**
 * What a side says by itself right before its FIN or reset: close_notify of TLS, the error with which a database ends a session.
 * It belongs to the close, not to the exchange before it. null: there is none, or it was asked for.
 */
export function lastWordOf(
  connection: ConnectionFacts,
  side: Side,
  end: { tMs: number; frame: number },
): Segment | null {
  const said = [...connection.head, ...connection.tail]
    .filter((s) => s.len > 0 && s.frame < end.frame && !isProbe(s))
    .sort((a, b) => a.frame - b.frame)
  const last = said.findLast((s) => s.from === side)
  if (last === undefined || last.len > WORD_OCTETS || end.tMs - last.tMs > WORD_MS) return null
  // What was still on its way is not answered by it.
  const before = said.findLast(
    (s) => s.frame < last.frame && (s.from === side || s.seq + s.len <= last.ack),
  )
  return before?.from === side ? last : null
}

/** The same as lastActivityBefore(), but for the last word of the side that closes. */
export function lastActivityBeforeClose(
  connection: ConnectionFacts,
  side: Side,
  end: { tMs: number; frame: number },
): number | null {
  return lastActivityBefore(connection, lastWordOf(connection, side, end)?.tMs ?? end.tMs)
}

function payloadTimes(connection: ConnectionFacts): (number | null)[] {
  const kept = [...connection.head, ...connection.tail].filter((s) => s.len > 0 && !isProbe(s))
  return [
    ...kept.map((s) => s.tMs),
    connection.sides.client.lastDataMs,
    connection.sides.server.lastDataMs,
    connection.request?.lastMs ?? null,
    connection.response?.lastMs ?? null,
  ]
}

function isProbe(segment: Segment): boolean {
  return segment.note === 'keepalive' || segment.note === 'zero-window-probe'
}

/** Octets were exchanged that are not in the capture: silences may be shorter than they look. */
export function isExcerpt(connection: ConnectionFacts): boolean {
  return connection.sides.client.missingOctets + connection.sides.server.missingOctets > 0
}

/** Round trip to allow for: the handshake's, else 200 ms. */
export function roundTripMs(connection: ConnectionFacts): number {
  return connection.handshake.rttMs ?? 200
}

/** How far two times that come from one setting may lie apart: 5 % or a second, whichever is more, and 20 % below 5 s. */
export function toleranceMs(ms: number): number {
  return Math.max(ms * 0.05, Math.min(1000, ms * 0.2))
}

export interface Constant<T> {
  ms: number
  members: readonly T[]
  of: number
  /** Largest distance from the constant. */
  spreadMs: number
}

/** The largest group of values that one timeout can explain; null without values. */
export function densest<T>(items: readonly T[], msOf: (item: T) => number): Constant<T> | null {
  const sorted = [...items].sort((a, b) => msOf(a) - msOf(b))
  let best: readonly T[] = []
  let from = 0
  for (let to = 0; to < sorted.length; to++) {
    while (msOf(sorted[to]!) - msOf(sorted[from]!) > toleranceMs(msOf(sorted[from]!))) from++
    if (to - from + 1 > best.length) best = sorted.slice(from, to + 1)
  }
  if (best.length === 0) return null
  const ms = msOf(best[Math.floor(best.length / 2)]!)
  const spreadMs = Math.max(...best.map((item) => Math.abs(msOf(item) - ms)))
  return { ms, members: best, of: items.length, spreadMs }
}

export interface KnownTimeout {
  s: number
  who: string
  /** What its responses say in Server, if anything; absent for proxies, which pass on what others say. */
  says?: RegExp
  /** What it speaks where that is not HTTP. */
  speaks?: ApplicationFacts['protocol']
}

/** Idle limits of servers and proxies out of the box, docs/causes/server-idle-timeout.md. */
const serverDefaults: readonly KnownTimeout[] = [
  { s: 2, who: 'gunicorn keepalive', says: /^gunicorn/i },
  {
    s: 5,
    who: 'Node.js keepAliveTimeout, Apache httpd KeepAliveTimeout, uvicorn',
    says: /^(?:node|apache|uvicorn|hypercorn)/i,
  },
  { s: 20, who: 'Tomcat connectionTimeout', says: /^(?:apache|tomcat)/i },
  { s: 30, who: 'Jetty idleTimeout', says: /^jetty/i },
  { s: 60, who: 'AWS ALB idle timeout, nginx upstream keepalive_timeout' },
  { s: 75, who: 'nginx keepalive_timeout' },
  { s: 600, who: 'GCP load balancer backend keep-alive' },
  { s: 610, who: 'GCP load balancer client keep-alive' },
  { s: 3600, who: 'Envoy idle_timeout' },
  { s: 28_800, who: 'MySQL and MariaDB wait_timeout', speaks: 'mysql' },
]

/** Idle limits of devices that keep state on the way, docs/causes/middlebox-idle-timeout.md. */
export const middleboxDefaults: readonly KnownTimeout[] = [
  { s: 240, who: 'Azure load balancer, Azure NAT gateway' },
  { s: 350, who: 'AWS NLB, AWS NAT gateway' },
  { s: 600, who: 'GCP VPC firewall' },
  { s: 900, who: 'IPVS tcp' },
  { s: 1800, who: 'many load balancers' },
  { s: 3600, who: 'many firewalls' },
  { s: 86_400, who: 'kube-proxy conntrack' },
  { s: 432_000, who: 'Linux conntrack ESTABLISHED' },
]

/** The server default this age is: within 2 %, at least 300 ms; none of a server that it is not, by what it speaks or says. */
export function knownServerDefault(
  ms: number,
  connections: readonly ConnectionFacts[],
  { application }: Evidence,
): KnownTimeout | null {
  const known = serverDefaults.find((d) => Math.abs(ms - d.s * 1000) <= Math.max(300, d.s * 20))
  if (known === undefined) return null
  const told = connections.flatMap((c) => application.get(c.id) ?? [])
  if (told.some(({ protocol }) => !mayBe(known, protocol))) return null
  const software = told.find(({ http }) => http?.software != null)?.http?.software
  return software == null || (known.says?.test(software) ?? true) ? known : null
}

/** The same, to be named: of a protocol that was read and is none that these servers speak, only its age is as theirs. */
export function namedServerDefault(
  ms: number,
  connections: readonly ConnectionFacts[],
  evidence: Evidence,
): KnownTimeout | null {
  const others = connections.some((c) => speaksOther(c, evidence.application.get(c.id)))
  return others ? null : knownServerDefault(ms, connections, evidence)
}

/** Read from its first octet on, and of none of the protocols that these servers speak. */
function speaksOther(connection: ConnectionFacts, told: ApplicationFacts | undefined): boolean {
  if (told?.protocol !== 'unknown' || !told.payloadCaptured || !connection.sawStart) return false
  return connection.sides.client.payloadOctets > 0 && !isExcerpt(connection)
}

/** HTTP inside TLS is HTTP; what is not known may be anything. */
function mayBe({ speaks }: KnownTimeout, protocol: ApplicationFacts['protocol']): boolean {
  if (protocol === 'unknown') return true
  return protocol === 'tls' ? speaks === undefined : protocol === (speaks ?? 'http')
}

/** Connections to the same server whose closing side's FIN or RST came within `withinMs` of this one's. */
export function endedTogether(
  evidence: Evidence,
  connection: ConnectionFacts,
  from: Side,
  withinMs = 50,
): number {
  const at = closeTime(connection, from)
  if (at === null) return 0
  const closes = closesBy[from](evidence).get(connection[from].address) ?? []
  let first = 0
  let end = closes.length
  while (first < end) {
    const middle = (first + end) >> 1
    if (closes[middle]!.atMs < at - withinMs) first = middle + 1
    else end = middle
  }
  let count = 0
  for (let i = first; i < closes.length && closes[i]!.atMs <= at + withinMs; i++) {
    count += closes[i]!.weight
  }
  return count
}

/** When connections were closed by that side, in order, by its address; each stands for `weight` connections. */
const closesBy = { client: once(closesOf('client')), server: once(closesOf('server')) }

function closesOf(from: Side) {
  return ({ connections }: Evidence): Map<string, { atMs: number; weight: number }[]> => {
    const closes = connections.flatMap((c) => {
      const atMs = closeTime(c, from)
      return atMs === null ? [] : [{ address: c[from].address, atMs, weight: c.weight }]
    })
    closes.sort((a, b) => a.atMs - b.atMs)
    return groupBy(closes, ({ address }) => address)
  }
}

/** When that side first closed, by FIN or by a RST of its own accord. */
export function closeTime(connection: ConnectionFacts, from: Side): number | null {
  const reset = connection.resets.find(
    (r) => r.from === from && r.accepted !== false && r.shape === 'active',
  )
  const fin = connection.sides[from].fin
  if (reset === undefined) return fin?.tMs ?? null
  return fin === null ? reset.tMs : Math.min(fin.tMs, reset.tMs)
}

const RST = 4
const FIN = 1

/**
 * The data that a stateless reset answers. A sender that closes right behind its data gets a reset for each of the two, and the
 * nearest segment before the first of them is the FIN: what it closed behind is meant.
 */
export function refusedData(connection: ConnectionFacts, reset: ResetFacts): Segment | null {
  const { trigger } = reset
  if (trigger === null || trigger.len > 0) return trigger
  if ((trigger.flags & FIN) === 0) return null
  const before = connection.tail.findLast(
    (s) => s.from === trigger.from && s.len > 0 && s.frame < trigger.frame,
  )
  if (before === undefined || before.ack !== trigger.ack) return null
  return before.seq + before.len === trigger.seq ? before : null
}

/** New data of the side that a reset is said to come from: a stack that has sent RST has no connection left to send it from. */
export function dataAfterReset(connection: ConnectionFacts, reset: ResetFacts): Segment | null {
  return (
    connection.tail.find(
      (s) =>
        s.from === reset.from &&
        s.len > 0 &&
        s.frame > reset.frame &&
        (s.flags & RST) === 0 &&
        s.note === 'none',
    ) ?? null
  )
}

/** Octets that a side has sent, in the capture or by its later sequence numbers, and the other side never acknowledged. */
export function unacknowledged({ payloadOctets, missingOctets, ackedOctets }: SideFacts): number {
  return Math.max(0, payloadOctets + missingOctets - ackedOctets)
}

/** RFC 6298 (2.4), (5.5): sent again after a second at the latest, as a rule, and a second time after three. */
const SENT_AGAIN_MS = 3000

/**
 * How long a side left its last octets neither acknowledged nor sent again: no TCP does that, so packets of it are missing from
 * the capture (a filter on payload, a tap that loses some). null = not so.
 */
export function lostFromSight(connection: ConnectionFacts, side: Side): number | null {
  const { inFlightOctets, lastDataMs, retransmissions } = connection.sides[side]
  if (inFlightOctets === 0 || lastDataMs === null || connection.seen !== 'both') return null
  const { rto, fast, spurious } = retransmissions
  const forMs = connection.captureEndMs - lastDataMs
  return rto + fast + spurious === 0 && forMs >= SENT_AGAIN_MS ? forMs : null
}

/** Octets that a side has sent, by its later sequence numbers, and that are not in the capture nor acknowledged in it. */
export function unseenOctets(connection: ConnectionFacts, side: Side): number {
  const { payloadOctets, missingOctets, fin } = connection.sides[side]
  const own = connection.tail.filter((s) => s.from === side && (s.flags & RST) === 0)
  const end = fin?.seq ?? Math.max(1, ...own.map((s) => s.seq + s.len))
  return Math.max(0, end - 1 - payloadOctets - missingOctets)
}
