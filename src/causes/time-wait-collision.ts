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
import { severityOf, tupleReuse } from './tuple-reuse.ts'

const say = reasonsOf('time-wait-collision')

/** A SYN met a TIME-WAIT of the same addresses and ports and did not replace it. */
export const timeWaitCollision = {
  id: 'time-wait-collision',
  needs: ['packets', 'kernel'],
  refs: [
    'RFC 9293 §3.6.1, §3.10.7.4 (TIME-WAIT)',
    'RFC 6191',
    'RFC 1337',
    'Linux net/ipv4/tcp_minisocks.c tcp_timewait_state_process',
  ],
  confusedWith: ['connect-filtered', 'port-reuse-collision', 'time-wait-pile'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict = judgeOne(connection)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function judgeOne(connection: ConnectionFacts): Verdict | null {
  const reuse = tupleReuse(connection)
  if (reuse === null || reuse.old === 'alive') return null
  const seen = reuse.old === 'closed'
  const at = atFrame(reuse.ackFrame, connection)
  const because: Reason[] = [say('ack-not-syn-ack', { syns: connection.handshake.syns }, at)]
  const against: Reason[] = []
  if (seen) {
    const since = reuse.sinceOldMs ?? 0
    because.push(say('closed-before', { since }, connectionRef(connection)))
  } else against.push(say('old-unseen', {}, connectionRef(connection)))
  if (reuse.reset !== null) because.push(say('reset-of-old', {}, frameOf(reuse.reset, connection)))
  if (reuse.delayMs !== null) because.push(say('delayed', { delay: reuse.delayMs }, at))
  else because.push(say('never-connected', {}, at))
  const timestamps = connection.sides.client.timestamps
  if (timestamps && seen) because.push(say('timestamps', {}, at))
  return {
    connections: [connection],
    ...(timestamps && seen ? { variant: 'timestamps' } : {}),
    certainty: seen ? 'likely' : 'possible',
    severity: severityOf(reuse),
    weight: seen ? 84 : 50,
    culprit: { side: 'client', host: connection.client.address },
    because,
    against,
    values: { client: connection.client.address },
    group: `${connection.client.address} ${connection.server.endpoint}`,
  }
}
