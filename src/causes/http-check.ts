import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { frameOf, type Reason, reasonsOf, type Verdict } from './cause.ts'
import { activeAbort } from './closing.ts'
import { regularInterval } from './regular.ts'

const say = reasonsOf('health-check')

/** A head without a body, and an answer that says little more than that all is well. */
const REQUEST_OCTETS = 1024
const ANSWER_OCTETS = 4096
/** More than this unread, by the window, was not read on purpose: windows go in steps. */
const UNREAD_OCTETS = 512
/** A checker leaves as soon as it has read the status. */
const LEAVES_MS = 1000
/** Nobody checks oftener; a load generator asks by the clock, too. */
const SHORTEST_MS = 500
/** Of a check by its path and by its bare head: a busy machine keeps no clock. */
const SEVERAL = 3
/** What follows method and path in a head without a single field: " HTTP/1.0", twice CRLF. Every HTTP library sends fields. */
const BARE_OCTETS = ' HTTP/1.0\r\n\r\n'.length
const SAYS_CHECK =
  /^(?:GET|HEAD|OPTIONS) \S*\b_?(?:health\w*|ping|readyz?|readiness|livez?|liveness|alive|heartbeat|haproxy\w*)$/i

interface Check {
  connection: ConnectionFacts
  reset: ResetFacts
  /** "GET /health", null where the payload was not read. */
  request: string | null
  octets: number
}

/**
 * Requests that are the same each time, one a connection, that the client resets once the answer has begun: it wanted to know
 * whether there is one. HAProxy's "option httpchk" does so.
 * @see HAProxy src/tcpcheck.c tcpcheck_main, include/haproxy/connection.h conn_ctrl_close (linger_risk)
 */
export function httpChecks(evidence: Evidence): Verdict[] {
  const groups = groupBy(
    evidence.connections.flatMap((c) => asCheck(c, evidence) ?? []),
    ({ connection: { client, server }, octets }) =>
      `${client.address} ${server.endpoint} ${octets}`,
  )
  return [...groups].flatMap(([key, checks]) => judgeGroup(key, checks) ?? [])
}

/** One small request, answered in few octets, then the client's reset of its own accord, nothing to speak of unread. */
function asCheck(connection: ConnectionFacts, evidence: Evidence): Check | null {
  const { client, server } = connection.sides
  const { request, response, handshake, seen, exchanges } = connection
  if (!connection.sawStart || seen !== 'both' || handshake.synAckMs === null) return null
  const reset = activeAbort(connection)
  if (reset === null || reset.from !== 'client' || reset.ttlUnusual) return null
  if (request === null || response === null || exchanges !== 1) return null
  const isOnlyRequest = request.octets === client.payloadOctets && client.missingOctets === 0
  if (!isOnlyRequest || request.octets > REQUEST_OCTETS) return null
  if (server.payloadOctets > ANSWER_OCTETS || server.missingOctets > 0) return null
  if ((client.unreadOctets ?? 0) > UNREAD_OCTETS || client.zeroWindow.times > 0) return null
  const readFor = reset.tMs - response.startMs
  if (readFor < 0 || readFor > LEAVES_MS) return null
  const http = evidence.application.get(connection.id)?.http ?? null
  return { connection, reset, request: http?.request ?? null, octets: request.octets }
}

function judgeGroup(group: string, checks: readonly Check[]): Verdict | null {
  const lines = new Set(checks.flatMap(({ request }) => request ?? []))
  // Requests of one length that differ are somebody's work.
  if (lines.size > 1) return null
  const [request] = lines
  const signs = request === undefined ? 0 : signsOf(request, checks[0]!.octets)
  const told = request !== undefined && signs > 0
  const interval = regularInterval(checks.map(({ connection }) => connection.startMs))
  const isByClock = interval !== null && interval >= SHORTEST_MS
  if (!told && !isByClock) return null
  const first = checks[0]!
  const at = frameOf(first.reset, first.connection)
  const { client, server } = first.connection
  const stayed = Math.max(...checks.map((c) => c.reset.tMs - c.connection.response!.startMs))
  const because: Reason[] = [
    say(
      'answer-begun',
      {
        times: checks.length,
        request: request ?? '?',
        named: Number(request !== undefined),
        octets: first.octets,
        stayed,
      },
      at,
    ),
  ]
  const against: Reason[] = []
  if (isByClock) because.push(say('periodic', { interval }, at))
  else against.push(say('no-interval', { times: checks.length }, at))
  if (told) because.push(say('as-checkers-ask', { request }, at))
  else against.push(say('reader-perhaps', {}, at))
  const isSure = told && (isByClock || (signs === 2 && checks.length >= SEVERAL))
  return {
    connections: checks.map(({ connection }) => connection),
    variant: 'http',
    certainty: isSure ? 'likely' : 'possible',
    severity: 'benign',
    weight: isSure ? 84 : told ? 46 : 40,
    culprit: { side: 'client', host: client.address },
    because,
    against,
    values: {
      client: client.address,
      endpoint: server.endpoint,
      request: request ?? '?',
      named: Number(request !== undefined),
    },
    group,
  }
}

/** The path says so, or the request is a bare line, as no program that wants an answer sends it; both: no clock is needed. */
function signsOf(request: string, octets: number): number {
  return Number(SAYS_CHECK.test(request)) + Number(octets === request.length + BARE_OCTETS)
}
