import type { ConnectionFacts } from '../evidence/connection.ts'
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
import { judgePortReuseCollisionHere } from './machine/port-reuse-collision.ts'
import { severityOf, tupleReuse } from './tuple-reuse.ts'

const say = reasonsOf('port-reuse-collision')

/** A new connection met the server's old one with the same addresses and ports, which had never been closed. */
export const portReuseCollision = {
  id: 'port-reuse-collision',
  needs: ['packets', 'kernel'],
  refs: [
    'RFC 9293 §3.5.1 (figure 9), §3.10.7.3',
    'RFC 5961 §4 (challenge ACK)',
    'Linux net/ipv4/tcp_input.c tcp_rcv_synsent_state_process, reason TCP_INVALID_ACK_SEQUENCE',
  ],
  confusedWith: ['accept-queue-overflow', 'peer-restarted', 'time-wait-collision', 'wrong-host'],
  judge,
  judgeMachine: judgePortReuseCollisionHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict = judgeOne(connection)
    if (verdict !== null) verdicts.push(verdict)
  }
  if (!verdicts.some((v) => v.certainty === 'possible')) return { verdicts }
  return {
    verdicts,
    unknown: {
      missing: ['the earlier connection of the same ports: the capture begins after it'],
      ask: 'nstat -az TcpExtTCPSYNChallenge # on the server, before and after',
    },
  }
}

function judgeOne(connection: ConnectionFacts): Verdict | null {
  const reuse = tupleReuse(connection)
  if (reuse === null || reuse.old === 'closed') return null
  const { syns } = connection.handshake
  const at = atFrame(reuse.ackFrame, connection)
  const because: Reason[] = [say('ack-not-syn-ack', { syns }, at)]
  const against: Reason[] = []
  if (reuse.reset !== null) {
    because.push(say('reset-of-old', {}, frameOf(reuse.reset, connection)))
  }
  const { previous } = connection
  if (previous !== null) {
    const values = { ending: previous.ending, since: reuse.sinceOldMs ?? 0 }
    because.push(say('old-not-closed', values, connectionRef(connection)))
  } else if (reuse.old === 'alive') {
    because.push(say('older-than-capture', {}, connectionRef(connection)))
  } else against.push(say('old-unseen', {}, connectionRef(connection)))
  if (reuse.delayMs !== null) because.push(say('delayed', { delay: reuse.delayMs }, at))
  const likely = reuse.old === 'alive'
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: severityOf(reuse),
    weight: likely ? 82 : 51,
    culprit: { side: 'client', host: connection.client.address },
    because,
    against,
    values: { client: connection.client.address },
    group: `${connection.client.address} ${connection.server.endpoint}`,
  }
}
