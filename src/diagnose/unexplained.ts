import { cutResponse } from '../causes/cut-response.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { type Ending, endings } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'

/**
 * An ending, or what none of them tells: the server closed in order, before the end of its response; a SYN and nothing
 * more where the way back is not in the capture; an open connection whose data is sent again and again in vain; a connect that
 * succeeded after several SYNs.
 */
type What = Ending | (typeof OTHERS)[number]

/** Troubled connections of one ending that no cause explains. */
export interface Unexplained {
  ending: What
  count: number
  /** In order of their first frame. */
  connections: readonly ConnectionFacts[]
  /** When they are alike as those of a SYN flood or a scan are: how many client addresses they came from. */
  flood: { clients: number } | null
}

const OTHERS = ['cut-response', 'late-connect', 'lone-syn', 'stuck'] as const

/** Endings that nobody wants: unexplained, they keep a report from saying that all is well. */
const TROUBLE: ReadonlySet<What> = new Set<What>([
  'cut-response',
  'handshake-reset',
  'late-connect',
  'refused',
  'reset',
  'reset-after-fin',
  'stuck',
  'timed-out',
  'unanswered',
  'unreachable',
])
/** Endings that need no cause. */
const QUIET: ReadonlySet<Ending> = new Set<Ending>(['clean', 'open', 'reset-after-close'])
/** Endings that say "nothing came": true only if somebody waited. */
const WAITING: ReadonlySet<Ending> = new Set<Ending>([
  'half-closed',
  'handshake-incomplete',
  'unanswered',
])
/** RFC 6298 (2.1), the first RTO: what is younger at the end of the capture was merely cut by it. */
const WATCHED_MS = 1000
/** As many handshakes that lack their ACK are no accident, however soon the capture ended. */
const FLOOD = 100
/** As many SYNs of one connect are three seconds on Linux; less than this share of an endpoint's connects is chance. */
const LATE_SYNS = 3
const LATE_MS = 2000
const LATE_SHARE = 0.02
/** A lost ACK now and then is no trouble; more than this wants to be looked at. */
const INCOMPLETE = 10

/** @param explained ids of the connections that are counted under a finding; most frequent ending first */
export function unexplainedOf(
  evidence: Evidence,
  explained: { has(id: number): boolean },
): Unexplained[] {
  const found = new Map<What, { count: number; connections: ConnectionFacts[] }>()
  const left = evidence.connections.filter((c) => !explained.has(c.id))
  const flooded = endingsInFloods(left)
  for (const connection of left) {
    const inFlood = flooded.has(floodKey(connection))
    const what = whatOf(connection, evidence, inFlood)
    if (what === null) continue
    if (isCutByTheEnd(connection) && !inFlood) continue
    const entry = found.get(what) ?? { count: 0, connections: [] }
    entry.count += connection.weight
    entry.connections.push(connection)
    found.set(what, entry)
  }
  return [...endings, ...OTHERS]
    .flatMap((ending) => {
      const entry = found.get(ending)
      return entry === undefined
        ? []
        : [{ ending, ...entry, flood: floodOf(entry.connections, evidence) }]
    })
    .sort((a, b) => Number(looksBad(b)) - Number(looksBad(a)) || b.count - a.count)
}

/** null: it ended as it should, its response included. */
function whatOf(connection: ConnectionFacts, evidence: Evidence, inFlood: boolean): What | null {
  if (connection.ending === 'open' && inFlood && isOneSyn(connection)) return 'lone-syn'
  if (!QUIET.has(connection.ending)) return connection.ending
  if (connection.ending === 'open' && isStuck(connection)) return 'stuck'
  if (cutResponse(connection, evidence) !== null) return 'cut-response'
  return isLate(connection, evidence) ? 'late-connect' : null
}

function isLate({ handshake, server }: ConnectionFacts, { endpoints }: Evidence): boolean {
  const { syns, synAckMs, synTimesMs } = handshake
  const endpoint = endpoints.get(server.endpoint)
  if (endpoint === undefined || synAckMs === null || syns < LATE_SYNS) return false
  if (synAckMs - (synTimesMs[0] ?? synAckMs) < LATE_MS) return false
  return endpoint.synRetried >= endpoint.connections * LATE_SHARE
}

/** The same data four times over a second and more, its peer not gone. */
function isStuck({ sides, seen }: ConnectionFacts): boolean {
  return [sides.client, sides.server].some(
    ({ unanswered: u, lastMs }) =>
      u !== null &&
      u.what === 'data' &&
      u.times >= 4 &&
      u.lastMs - u.firstMs >= WATCHED_MS &&
      // Of one direction only: whoever went on with something new has been heard.
      (seen === 'both' || u.lastMs >= (lastMs ?? 0)),
  )
}

export function looksBad({ ending, count, flood }: Unexplained): boolean {
  if (flood !== null || TROUBLE.has(ending)) return true
  return ending === 'handshake-incomplete' && count >= INCOMPLETE
}

function isCutByTheEnd(connection: ConnectionFacts): boolean {
  return (
    WAITING.has(connection.ending) &&
    connection.handshake.syns <= 1 &&
    connection.captureEndMs - connection.lastMs < WATCHED_MS
  )
}

/** Ending and endpoint of connects that are so many that the end of the capture alone does not explain them. */
function endingsInFloods(left: readonly ConnectionFacts[]): Set<string> {
  const counts = new Map<string, number>()
  for (const connection of left) {
    if (!isOneSyn(connection)) continue
    const key = floodKey(connection)
    counts.set(key, (counts.get(key) ?? 0) + connection.weight)
  }
  return new Set([...counts].flatMap(([key, count]) => (count >= FLOOD ? [key] : [])))
}

function floodKey({ ending, server }: ConnectionFacts): string {
  return `${ending} ${server.endpoint}`
}

/** RFC 4987 §2: one SYN, answered or not, and never an ACK or an octet of the client. */
function isOneSyn({ ending, handshake, sides }: ConnectionFacts): boolean {
  // Open: nothing of the server can be seen by this client's address in the capture, a forged one perhaps.
  const unheard = ending === 'open' && handshake.synAckMs === null && sides.server.packets === 0
  return (
    (ending === 'handshake-incomplete' || ending === 'unanswered' || unheard) &&
    handshake.syns === 1 &&
    handshake.ackMs === null &&
    sides.client.packets <= 1
  )
}

/** Nearly all of them are one SYN of a client that then was silent, and they are many. */
function floodOf(
  connections: readonly ConnectionFacts[],
  evidence: Evidence,
): Unexplained['flood'] {
  const alike = connections.filter(isOneSyn)
  const count = alike.reduce((sum, c) => sum + c.weight, 0)
  if (count < FLOOD || alike.length * 10 < connections.length * 9) return null
  const seen = new Set(alike.map((c) => c.client.address)).size
  // Of very many only a sample is here; the endpoint has counted all, up to a limit.
  const servers = new Set(alike.map((c) => c.server.endpoint))
  const counted = [...servers].map((s) => evidence.endpoints.get(s)?.clients ?? 0)
  return { clients: Math.max(seen, ...counted) }
}
