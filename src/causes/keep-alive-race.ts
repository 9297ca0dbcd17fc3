import type { ConnectionFacts, FinFacts, ResetFacts, Segment } from '../evidence/connection.ts'
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
import {
  type Constant,
  densest,
  endedTogether,
  lastActivityBefore,
  lastWordOf,
  namedServerDefault,
  refusedData,
  roundTripMs,
  toleranceMs,
} from './closing.ts'
import { closeExperiments, experimentRef, experimentsOf } from './experiments.ts'
import { type Weighed, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('keep-alive-race')

const ENDINGS = ['reset', 'reset-after-fin', 'reset-after-close']
const MIN_IDLE_MS = 800
const SLACK_MS = 50 // scheduling and capture delay on top of a round trip
/** A slow path excuses no client that had this long to read the end of the stream. */
const MAX_LATE_MS = 500
const FAREWELL_OCTETS = 64 // TLS close_notify is 7 to 31 octets: a farewell, not a request
const TOGETHER = 3 // as many connections closed within milliseconds look like a process that ended

/** The server closed an idle connection while a request was on its way; both are right. */
export const keepAliveRace = {
  id: 'keep-alive-race',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9112 §9.3.1, §9.5', 'Linux net/ipv4/tcp_input.c tcp_rcv_state_process'],
  confusedWith: ['data-after-close', 'middlebox-idle-timeout', 'server-idle-timeout'],
  judge,
} as const satisfies Cause

interface Crossing {
  connection: ConnectionFacts
  reset: ResetFacts
  request: Segment
  fin: FinFacts
  idleMs: number
}

function judge(evidence: Evidence): Judgement {
  const crossings = evidence.connections.flatMap((c) => crossingOf(c) ?? [])
  const bunched = evidence.connections.flatMap((c) => lateInBunch(c, evidence) ?? [])
  const verdicts = crossings.map((crossing) => {
    const alike = crossings.filter(
      (c) => c.connection.server.endpoint === crossing.connection.server.endpoint,
    )
    const verdict = verdictOf(
      crossing,
      densest(alike, (c) => c.idleMs),
      evidence,
    )
    return withExperiments(verdict, experimentsFor(crossing, evidence), evidence)
  })
  return { verdicts: [...verdicts, ...bunched] }
}

/** The same: closed by the server's FIN after as long a silence. Not closed for longer: it had another reason. */
function experimentsFor({ connection, idleMs }: Crossing, evidence: Evidence): Weighed[] {
  const around = toleranceMs(idleMs)
  const lost = racesFor({ connection, idleMs }, evidence)
  const closes = closeExperiments(evidence, connection.server.endpoint).flatMap(
    (found): Weighed[] => {
      const { fromMs, toMs, flavour, by } = found
      const values = { from: fromMs, to: toMs ?? fromMs, idle: idleMs }
      const at = experimentRef(found)
      if (fromMs > idleMs + around) {
        return [{ effect: 'lowers', reason: say('experiment-survived', values, at) }]
      }
      const isIn = toMs !== null && idleMs <= toMs + around
      if (!isIn || flavour !== 'fin' || by === 'middlebox') return []
      return [{ effect: 'confirms', reason: say('experiment-agrees', values, at) }]
    },
  )
  return [...closes, ...lost]
}

/** Requests that the experiment lost itself, about a close after as long a silence. */
function racesFor(
  { connection, idleMs }: Pick<Crossing, 'connection' | 'idleMs'>,
  evidence: Evidence,
): Weighed[] {
  return experimentsOf('http', connection.server.endpoint, evidence).flatMap(
    ({ race, closedAfterMs, how, source, ref }): Weighed[] => {
      if (race === null || race.lost === 0 || closedAfterMs === null || how !== 'fin') return []
      if (Math.abs(closedAfterMs - idleMs) > toleranceMs(idleMs)) return []
      const values = { tried: race.tried, lost: race.lost, closed: closedAfterMs }
      const at = experimentRef({ source, ref })
      return [{ effect: 'confirms', reason: say('experiment-lost', values, at) }]
    },
  )
}

/**
 * The server closed a bunch of kept-alive connections at once (a reload, a stop) and the request came moments after the
 * FIN: RST.seq == FIN.seq + 1, so the client's kernel knew, but hardly its application.
 */
function lateInBunch(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (!ENDINGS.includes(connection.ending)) return null
  const { fin, payloadOctets } = connection.sides.server
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  const request = reset === undefined ? null : refusedData(connection, reset)
  if (fin === null || reset === undefined || request === null) return null
  if (request.len <= FAREWELL_OCTETS || payloadOctets === 0) return null
  const seen = fin.seq + 1
  const apart = request.tMs - fin.tMs
  if (reset.seq !== seen || request.ack !== seen || apart < 0) return null
  if (apart > Math.min(MAX_LATE_MS, 3 * roundTripMs(connection) + SLACK_MS)) return null
  const closed = endedTogether(evidence, connection, 'server')
  if (closed < TOGETHER) return null
  const ref = connectionRef(connection)
  return {
    connections: [connection],
    variant: 'closed-at-once',
    certainty: 'likely',
    severity: 'problem',
    weight: 72,
    culprit: { side: 'server', host: connection.server.address },
    because: [
      say('closed-in-bunch', { closed }, atFrame(fin.frame, connection)),
      say('moments-later', { apart }, frameOf(request, connection)),
      say('answered-after-fin', { seq: reset.seq }, frameOf(reset, connection)),
    ],
    against: [say('acknowledged', {}, ref)],
    group: connection.server.endpoint,
  }
}

/**
 * RST.seq == FIN.seq: when the request was sent the client had not seen the FIN. The FIN is within a round trip of the
 * request, on whichever side the capture was taken.
 */
function crossingOf(connection: ConnectionFacts): Crossing | null {
  if (!ENDINGS.includes(connection.ending)) return null
  const fin = connection.sides.server.fin
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  const request = reset?.trigger ?? null
  if (fin === null || reset === undefined || request === null || request.len === 0) return null
  // Under TLS the server says close_notify before its FIN: the client had seen neither.
  const word = lastWordOf(connection, 'server', fin)
  const unseen = [fin.seq, word?.seq ?? fin.seq]
  if (reset.seq !== request.ack || !unseen.includes(request.ack)) return null
  if (connection.sides.server.payloadOctets === 0) return null
  if (Math.abs(fin.tMs - request.tMs) > 2 * roundTripMs(connection) + SLACK_MS) return null
  const firstMs = Math.min(fin.tMs, request.tMs, word?.tMs ?? fin.tMs)
  const last = lastActivityBefore(connection, firstMs)
  const idleMs = last === null ? 0 : firstMs - last
  return idleMs < MIN_IDLE_MS ? null : { connection, reset, request, fin, idleMs }
}

function verdictOf(
  crossing: Crossing,
  constant: Constant<Crossing> | null,
  evidence: Evidence,
): Verdict {
  const { connection } = crossing
  const together = endedTogether(evidence, connection, 'server') >= TOGETHER
  return {
    connections: [connection],
    certainty: 'likely',
    severity: 'problem',
    weight: together ? 65 : 88,
    culprit: { side: 'server', host: connection.server.address },
    because: becauseOf(crossing, constant, evidence),
    against: againstOf(crossing, constant, together),
    values: { idle: crossing.idleMs },
    experiment: { silenceMs: crossing.idleMs },
    group: connection.server.endpoint,
  }
}

function becauseOf(
  crossing: Crossing,
  constant: Constant<Crossing> | null,
  evidence: Evidence,
): Reason[] {
  const { connection, reset, request, fin, idleMs } = crossing
  const apart = Math.abs(fin.tMs - request.tMs)
  const because = [
    say('crossed', { idle: idleMs, apart }, atFrame(fin.frame, connection)),
    say('not-seen', { ack: request.ack }, frameOf(request, connection)),
    say('answered-by-reset', { seq: reset.seq }, frameOf(reset, connection)),
  ]
  if (constant !== null && constant.members.length >= 3) {
    const values = { count: constant.members.length, idle: constant.ms, spread: constant.spreadMs }
    because.push(say('constant', values, connectionRef(connection)))
  }
  const known = namedServerDefault(idleMs, [connection], evidence)
  if (known !== null)
    because.push(say('default', { s: known.s, who: known.who }, connectionRef(connection)))
  const told = evidence.application.get(connection.id)?.http?.keepAliveTimeoutS ?? null
  if (told !== null && Math.abs(told * 1000 - idleMs) <= toleranceMs(idleMs)) {
    because.push(say('announced', { s: told }, connectionRef(connection)))
  }
  return because
}

function againstOf(
  crossing: Crossing,
  constant: Constant<Crossing> | null,
  together: boolean,
): Reason[] {
  const ref = connectionRef(crossing.connection)
  const against: Reason[] = []
  if (together) against.push(say('together', {}, ref))
  if (constant !== null && constant.of >= 3 && constant.members.length * 2 < constant.of) {
    against.push(say('idle-times-differ', {}, ref))
  }
  return against
}
