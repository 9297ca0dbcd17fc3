import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, Side, UnansweredFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { isNobodysAnswer, lastActivityBefore } from './closing.ts'
import { farewell } from './farewell.ts'
import { judgeRetransmitting } from './machine/path-lost.ts'
import { once } from './once.ts'
import { isBlackHole } from './path-mtu-black-hole.ts'
import { weighSilence, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('path-lost')

const MIN_TIMES = 4 // the original and three retransmissions: 1.4 s and more at Linux's smallest RTO
const MIN_SPAN_MS = 1000
const IDLE_MS = 2000
/** Its sender may end it by RST when it gives up. */
const ENDINGS: ReadonlySet<ConnectionFacts['ending']> = new Set(['timed-out', 'reset'] as const)

/** Data was sent again and again, nothing came back, and on Linux no RST tells anybody. */
export const pathLost = {
  id: 'path-lost',
  needs: ['packets', 'both-sides', 'kernel', 'experiment'],
  refs: ['RFC 9293 §3.8.1', 'RFC 6298', 'Linux net/ipv4/tcp_timer.c tcp_write_timeout'],
  confusedWith: [
    'middlebox-idle-timeout',
    'path-mtu-black-hole',
    'keepalive-timeout',
    'asymmetric-path',
  ],
  judge: (evidence) => judgeEach(evidence, [...ENDINGS], judgeOne),
  judgeMachine: judgeRetransmitting,
} as const satisfies Cause

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const found = unansweredOf(connection)
  if (found === null) return null
  const { side, unanswered } = found
  const peer = otherSide(side)
  if (isBlackHole(connection, evidence)) return null
  const others = answeredMeanwhile(connection, evidence, unanswered.firstMs)
  const last = lastActivityBefore(connection, unanswered.firstMs)
  const idle = last === null ? 0 : unanswered.firstMs - last
  const alike = lostTogether(evidence, connection, unanswered.firstMs)
  const over = isOver(connection, side, evidence)
  const verdict: Verdict = {
    connections: [connection],
    ...(isFinLost(connection, side) ? { variant: 'fin-lost' } : {}),
    certainty: others || idle >= IDLE_MS ? 'possible' : 'likely',
    severity: over ? 'notice' : 'problem',
    weight: over ? 20 : weightOf(others, idle),
    culprit: { side: 'network' },
    because: becauseOf(connection, unanswered, side, alike),
    against: againstOf(connection, { others, idle, over }),
    values: { peer: connection[peer].address, sender: connection[side].address },
    group: `${connection.client.address} ${connection.server.address}`,
  }
  const { client, server } = connection
  const { endpoint } = server
  const path = evidence.paths.get(`${client.address} ${server.address}`)
  const survivedMs = path?.survivedSilenceMs ?? 0
  return withExperiments(
    verdict,
    weighSilence('path-lost', { endpoint, silenceMs: idle, survivedMs }, evidence),
    evidence,
  )
}

/** Its FIN never got through, while the other side's segments did. */
function isFinLost(connection: ConnectionFacts, side: Side): boolean {
  const { fin, unanswered } = connection.sides[side]
  const heard = connection.sides[otherSide(side)].lastMs ?? 0
  const again = unanswered?.what === 'fin' ? unanswered : null
  return again !== null && fin !== null && fin.ackedMs === null && heard > again.firstMs
}

/** The peer had closed too and has all the data, or all but a farewell: a firewall or a host that forgets so early harms nobody. */
function isOver(connection: ConnectionFacts, side: Side, evidence: Evidence): boolean {
  const octets = connection.sides[side].inFlightOctets
  if (connection.sides[otherSide(side)].fin === null) return false
  return octets === 0 || farewell(connection, { from: side, octets }, evidence) === 'yes'
}

/** After a silence nobody knows whether the path was lost or only forgot this connection. */
function weightOf(others: boolean, idle: number): number {
  if (others) return 45
  return idle >= IDLE_MS ? 52 : 66
}

/** Data or a FIN nobody answered although the peer had been heard before; SYNs have other causes. */
function unansweredOf(
  connection: ConnectionFacts,
): { side: Side; unanswered: UnansweredFacts } | null {
  if (connection.seen !== 'both') return null
  for (const side of ['client', 'server'] as const) {
    const unanswered = connection.sides[side].unanswered
    if (unanswered === null || (unanswered.what !== 'data' && unanswered.what !== 'fin')) continue
    if (unanswered.times < MIN_TIMES) continue
    if (!isNobodysAnswer(connection, side, unanswered)) continue
    if (unanswered.lastMs - unanswered.firstMs < MIN_SPAN_MS) continue
    // A peer that never got further than its SYN-ACK has not shown that the path ever worked both ways.
    if (
      connection.sides[side].ackedOctets === 0 &&
      connection.sides[otherSide(side)].payloadOctets === 0
    )
      continue
    const heard = connection.sides[otherSide(side)].lastMs
    if (heard !== null && heard > unanswered.firstMs && !isFinLost(connection, side)) continue
    return { side, unanswered }
  }
  return null
}

function answeredMeanwhile(
  connection: ConnectionFacts,
  evidence: Evidence,
  fromMs: number,
): boolean {
  const answer = evidence.endpoints.get(connection.server.endpoint)?.lastAnswerMs ?? null
  return answer !== null && answer > fromMs + MIN_SPAN_MS
}

/** Connections of this server whose data went unanswered from about the same time on. */
function lostTogether(evidence: Evidence, connection: ConnectionFacts, fromMs: number): number {
  const all = unansweredAt(evidence).get(connection.server.address) ?? []
  return all.reduce((sum, c) => sum + (Math.abs(c.firstMs - fromMs) < 5000 ? c.weight : 0), 0)
}

/** From when on data went unanswered, by the server's address. */
const unansweredAt = once(({ connections }) =>
  groupBy(
    connections.flatMap((c) => {
      const found = ENDINGS.has(c.ending) ? unansweredOf(c) : null
      if (found === null) return []
      return [{ server: c.server.address, firstMs: found.unanswered.firstMs, weight: c.weight }]
    }),
    ({ server }) => server,
  ),
)

function becauseOf(
  connection: ConnectionFacts,
  unanswered: UnansweredFacts,
  side: Side,
  alike: number,
): Reason[] {
  const span = unanswered.lastMs - unanswered.firstMs
  const because = [
    say(
      isFinLost(connection, side)
        ? 'fin-unacked'
        : unanswered.what === 'fin'
          ? 'fin-again'
          : 'data-again',
      { who: side, times: unanswered.times, span, octets: unanswered.len },
      atFrame(unanswered.firstFrame, connection),
    ),
  ]
  if (!isFinLost(connection, side) && connection.ending !== 'reset') {
    because.push(say('no-reset', {}, atFrame(unanswered.lastFrame, connection)))
  }
  const icmp = connection.icmp[0]
  if (icmp !== undefined) {
    because.push(
      say('icmp', { meaning: icmp.meaning, from: icmp.from }, atFrame(icmp.frame, connection)),
    )
  }
  if (alike >= 2 && !isFinLost(connection, side))
    because.push(say('together', { count: alike }, connectionRef(connection)))
  return because
}

function againstOf(
  connection: ConnectionFacts,
  known: { others: boolean; idle: number; over: boolean },
): Reason[] {
  const ref = connectionRef(connection)
  const against: Reason[] = known.over ? [say('already-over', {}, ref)] : []
  if (known.others)
    against.push(say('others-answered', { server: connection.server.endpoint }, ref))
  if (known.idle >= IDLE_MS) against.push(say('after-silence', { idle: known.idle }, ref))
  return against
}
