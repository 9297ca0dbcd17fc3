import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { fatesOf } from './where.ts'

const say = reasonsOf('deferred-accept')

/** The SYN-ACK's first repetition comes after 1 s (RFC 6298 (2.1)); a client silent for less does not see it. */
const SILENT_MS = 500

/** TCP_DEFER_ACCEPT: the server waits for the first octet and repeats its SYN-ACK to a client that is silent. */
export const deferredAccept = {
  id: 'deferred-accept',
  needs: ['packets', 'kernel'],
  refs: ['tcp(7) TCP_DEFER_ACCEPT', 'Linux net/ipv4/tcp_minisocks.c tcp_check_req'],
  confusedWith: ['accept-queue-overflow', 'asymmetric-path', 'syn-queue-overflow'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict = judgeOne(connection, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { synAckAfterAck, ackMs, ackFrame } = connection.handshake
  const client = connection.sides.client
  if (synAckAfterAck === 0 || ackMs === null) return null
  if (client.retransmissions.rto > 0 || client.unanswered?.what === 'data') return null
  const spoke = client.firstDataMs
  if (spoke !== null && (spoke - ackMs < SILENT_MS || client.ackedOctets === 0)) return null
  // The server never had the ACK: it repeats its SYN-ACK as it must.
  const lost = fatesOf(connection, evidence).some(
    (f) => f.kind === 'ack' && f.from === 'client' && f.fate === 'lost',
  )
  if (lost) return null
  const at = atFrame(ackFrame ?? connection.firstFrame, connection)
  const because: Reason[] = [say('syn-ack-repeated', { times: synAckAfterAck }, at)]
  const against: Reason[] = []
  if (spoke !== null) {
    because.push(say('data-taken', { silent: spoke - ackMs }, connectionRef(connection)))
  } else against.push(say('never-spoke', {}, at))
  const dropped = evidence.endpoints.get(connection.server.endpoint)?.byEnding.unanswered ?? 0
  if (dropped > 0) against.push(say('syns-dropped', { dropped }, connectionRef(connection)))
  const likely = spoke !== null && dropped === 0
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'benign',
    weight: likely ? 72 : 38,
    culprit: { side: 'server', host: connection.server.address, setting: 'TCP_DEFER_ACCEPT' },
    because,
    against,
    group: connection.server.endpoint,
  }
}
