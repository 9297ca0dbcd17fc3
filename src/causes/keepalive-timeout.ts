import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  type Cause,
  connectionRef,
  frameOf,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { activeAbort, lastActivityBefore } from './closing.ts'
import { experimentRef, idleExperiments, isDistant } from './experiments.ts'
import { judgeKeepaliveTimeoutHere } from './machine/keepalive-timeout.ts'
import { type Weighed, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('keepalive-timeout')

const MIN_PROBES = 3 // fewer could be two lost packets; Linux's default is 9, programs set 3 to 5

/** Keepalive probes went unanswered and the kernel gave the connection up with RST. */
export const keepaliveTimeout = {
  id: 'keepalive-timeout',
  needs: ['packets', 'kernel', 'experiment'],
  refs: ['RFC 9293 §3.8.4', 'RFC 1122 §4.2.3.6', 'Linux net/ipv4/tcp_timer.c tcp_keepalive_timer'],
  confusedWith: ['path-lost', 'middlebox-idle-timeout', 'peer-restarted'],
  judge: (evidence) =>
    judgeEach(evidence, ['reset', 'reset-after-fin', 'open', 'timed-out', 'half-closed'], judgeOne),
  judgeMachine: judgeKeepaliveTimeoutHere,
} as const satisfies Cause

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const abort = activeAbort(connection)
  const side = abort?.from ?? proberOf(connection)
  if (side === null) return null
  const { keepaliveUnanswered: probes, keepaliveIntervalMs: interval } = connection.sides[side]
  if (probes < MIN_PROBES || connection.seen !== 'both') return null
  if (abort === null && connection.resets.some((r) => r.accepted === true)) return null
  const peer = otherSide(side)
  const ref = connectionRef(connection)
  const because: Reason[] = [
    interval === null
      ? say('unanswered', { who: side, count: probes }, ref)
      : say('unanswered-each', { who: side, count: probes, interval }, ref),
  ]
  if (abort !== null) because.push(say('given-up', { who: side }, frameOf(abort, connection)))
  const forgotten = weighForgetting(connection, side, evidence)
  const isForgotten = forgotten.some(({ effect }) => effect === 'confirms')
  const alive = peerAnsweredOthers(connection, evidence, peer)
  const verdict: Verdict = {
    connections: [connection],
    ...(isForgotten ? { variant: 'too-late' } : {}),
    certainty: abort === null ? 'possible' : 'likely',
    severity: 'problem',
    weight: abort === null ? 60 : 90,
    culprit: { side: alive || isForgotten ? 'middlebox' : 'network' },
    because,
    against: [
      ...(alive ? [say('peer-alive', { peer: connection[peer].address }, ref)] : []),
      ...(abort === null ? [say('not-given-up', {}, ref)] : []),
    ],
    values: { peer: connection[peer].address, prober: connection[side].address },
    group: connection.server.endpoint,
  }
  return withExperiments(verdict, forgotten, evidence)
}

/** Whether a hop forgets connections before the first probe goes out: keepalive that comes too late. */
function weighForgetting(
  connection: ConnectionFacts,
  side: Side,
  evidence: Evidence,
): readonly Weighed[] {
  const silenceMs = silenceBeforeProbes(connection, side)
  if (silenceMs === null) return []
  const { endpoint } = connection.server
  return idleExperiments(evidence, endpoint).flatMap((found): Weighed[] => {
    const { fromMs, toMs, flavour } = found
    const at = experimentRef(found)
    if (fromMs > silenceMs) {
      const values = { survived: fromMs, silence: silenceMs }
      return [{ effect: 'supports', reason: say('silence-survived', values, at) }]
    }
    if (toMs === null || toMs > silenceMs || flavour !== 'silent') return []
    const reason = say('too-late', { from: fromMs, to: toMs, silence: silenceMs }, at)
    return [{ effect: isDistant(found, evidence) ? 'supports' : 'confirms', reason }]
  })
}

/** From the last that was exchanged to the first probe that nobody answered. */
function silenceBeforeProbes(connection: ConnectionFacts, side: Side): number | null {
  const heard = connection.sides[otherSide(side)].lastMs ?? Number.NEGATIVE_INFINITY
  const probe = connection.tail.find(
    (s) => s.from === side && s.note === 'keepalive' && s.tMs > heard,
  )
  if (probe === undefined) return null
  const before = connection.tail.filter(({ tMs }) => tMs < probe.tMs).at(-1)?.tMs
  const last = Math.max(before ?? heard, lastActivityBefore(connection, probe.tMs) ?? heard)
  return Number.isFinite(last) ? probe.tMs - last : null
}

function proberOf(connection: ConnectionFacts): Side | null {
  const sides = ['client', 'server'] as const
  return sides.find((s) => connection.sides[s].keepaliveUnanswered >= MIN_PROBES) ?? null
}

/** The peer answered other connections after the last sign of life on this one: its host lives. */
function peerAnsweredOthers(connection: ConnectionFacts, evidence: Evidence, peer: Side): boolean {
  const lastSign = connection.sides[peer].lastMs ?? 0
  if (peer === 'server') {
    const answer = evidence.endpoints.get(connection.server.endpoint)?.lastAnswerMs ?? null
    return answer !== null && answer > lastSign + 1000
  }
  return evidence.connections.some(
    (c) =>
      c.id !== connection.id &&
      c.client.address === connection.client.address &&
      (c.sides.client.lastMs ?? 0) > lastSign + 1000,
  )
}
