import type { Evidence } from '../evidence/evidence.ts'
import { type Act, bursts, refusedAfter, saidNothing } from './bursts.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { judgeListenerClosedHere } from './machine/listener-closed.ts'
import { diedWith } from './process-killed.ts'

const say = reasonsOf('listener-closed')

/** The listener was closed: every connection in its accept queue is reset, one RST each, in one go. */
export const listenerClosed = {
  id: 'listener-closed',
  needs: ['packets', 'kernel'],
  refs: ['Linux net/ipv4/inet_connection_sock.c inet_csk_listen_stop (tcp_disconnect, TCP_STATE)'],
  confusedWith: ['accept-and-close', 'close-with-unread-data', 'process-killed'],
  specialises: ['close-with-unread-data'],
  judge,
  judgeMachine: judgeListenerClosedHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const burst of bursts(evidence, 'server', (c) => c.server.endpoint)) {
    const queued = burst.acts.filter(wasQueued)
    const verdict = queued.length < 2 ? null : judgeBurst(evidence, burst.acts, queued)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

/** Nothing was ever said by the server, and its end is RST,ACK at the very first sequence number: never accepted. */
function wasQueued({ connection, how }: Act): boolean {
  const { handshake, sides, resets } = connection
  if (how !== 'reset' || handshake.ackMs === null) return false
  if (!saidNothing(connection, 'server')) return false
  return sides.server.fin === null && resets.some((r) => r.shape === 'active' && !r.ttlUnusual)
}

function judgeBurst(evidence: Evidence, acts: Act[], queued: Act[]): Verdict | null {
  const first = queued[0]!
  const { endpoint, address } = first.connection.server
  const toMs = acts.at(-1)!.atMs
  const refused = refusedAfter(evidence, endpoint, first.atMs)
  const silent = queued.filter((a) => a.connection.sides.client.payloadOctets === 0).length
  const facts = evidence.endpoints.get(endpoint)
  const goesOn = (facts?.lastAnswerMs ?? toMs) > toMs
  const finned = acts.filter(
    (a) => a.how === 'fin' && a.connection.sides.server.payloadOctets === 0,
  ).length
  const signs = (silent > 0 ? 1 : 0) + (refused > 0 ? 1 : 0)
  if (signs === 0 && (queued.length < 3 || goesOn)) return null
  const at = atFrame(first.frame, first.connection)
  const because: Reason[] = [
    say('together', { queued: queued.length, within: queued.at(-1)!.atMs - first.atMs }, at),
  ]
  const against: Reason[] = []
  if (silent > 0) because.push(say('nothing-unread', { silent }, at))
  if (refused > 0) because.push(say('refused-after', { refused, server: endpoint }, at))
  else if (goesOn) {
    against.push(say('answers-after', { server: endpoint }, connectionRef(first.connection)))
  }
  if (silent === 0) against.push(say('perhaps-accepted', {}, at))
  if (finned > 0) against.push(say('fins-too', { finned }, at))
  const likely = signs > 0 && queued.length + signs >= 4 && finned === 0
  const killed = diedWith(evidence, acts)
  return {
    connections: queued.map((a) => a.connection),
    certainty: likely || (killed && silent > 0) ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 82 : 55,
    culprit: { side: 'server', host: address },
    because,
    against,
    group: endpoint,
    ...(killed ? { consequenceOf: 'process-killed' } : {}),
  }
}
