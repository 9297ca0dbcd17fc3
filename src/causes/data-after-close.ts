import type { ConnectionFacts, FinFacts, ResetFacts, Segment } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { endedTogether, lastActivityBeforeClose, refusedData, roundTripMs } from './closing.ts'
import { farewell } from './farewell.ts'
import { judgeDataAfterCloseHere } from './machine/data-after-close.ts'
import { saidIdle } from './said-idle.ts'

const say = reasonsOf('data-after-close')

const TOGETHER = 3
const IDLE_MS = 1000
/** On top of a round trip: so soon after a FIN a program has hardly looked for it. */
const AT_ONCE_MS = 10

/** One side closed completely, the other had received that and sent data all the same. */
export const dataAfterClose = {
  id: 'data-after-close',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9293 §3.10.7.4', 'Linux net/ipv4/tcp_minisocks.c tcp_timewait_state_process'],
  sameToKernel: ['client-cancelled', 'client-timeout', 'keep-alive-race', 'process-killed'],
  confusedWith: ['keep-alive-race', 'server-idle-timeout', 'process-killed'],
  judge: (evidence) => judgeEach(evidence, ['reset-after-fin', 'reset-after-close'], judgeOne),
  judgeMachine: judgeDataAfterCloseHere,
} as const satisfies Cause

interface Late {
  connection: ConnectionFacts
  fin: FinFacts
  reset: ResetFacts
  data: Segment
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const late = lateData(connection)
  if (late === null) return null
  const last = farewell(connection, { from: late.data.from, octets: late.data.len }, evidence)
  if (last === 'yes') return null
  const closer = late.reset.from
  const sender = otherSide(closer)
  const together = endedTogether(evidence, connection, closer) >= TOGETHER
  const atOnce = late.data.tMs - late.fin.tMs <= roundTripMs(connection) + AT_ONCE_MS
  const unsure = last === 'perhaps' || atOnce
  return {
    connections: [connection],
    certainty: unsure ? 'possible' : 'likely',
    severity: 'problem',
    weight: unsure ? 38 : together ? 65 : 85,
    culprit: { side: sender, host: connection[sender].address },
    because: becauseOf(late, evidence),
    against: [
      ...(together ? [say('together', {}, connectionRef(connection))] : []),
      ...(last === 'perhaps'
        ? [say('like-farewell', { octets: late.data.len }, frameOf(late.data, connection))]
        : []),
      ...(atOnce ? [say('at-once', {}, frameOf(late.data, connection))] : []),
    ],
    values: { sender: connection[sender].address, closer, ofServer: Number(sender === 'server') },
    ...(idleBefore(late) >= IDLE_MS ? { experiment: { silenceMs: idleBefore(late) } } : {}),
    group: `${connection.server.endpoint} ${sender}`,
    // When an idle limit of the server explains its close, this is what came of it.
    ...(idleBefore(late) >= IDLE_MS || saidIdle(connection, evidence) !== null
      ? { consequenceOf: 'server-idle-timeout' as const }
      : {}),
  }
}

/**
 * Only the server's closes: a client that closes while it is being answered gave up, and that has other names.
 * RST.seq == FIN.seq+1 proves that the sender's TCP had processed the FIN before it sent.
 */
function lateData(connection: ConnectionFacts): Late | null {
  for (const reset of connection.resets) {
    const data = refusedData(connection, reset)
    const fin = connection.sides[reset.from].fin
    if (
      reset.from !== 'server' ||
      reset.shape !== 'stateless' ||
      data === null ||
      data.len === 0 ||
      fin === null
    )
      continue
    if (fin.tMs > data.tMs || reset.seq !== fin.seq + 1 || data.ack !== fin.seq + 1) continue
    return { connection, fin, reset, data }
  }
  return null
}

function becauseOf(late: Late, evidence: Evidence): Reason[] {
  const { connection, fin, reset, data } = late
  const who = reset.from
  const sender = otherSide(who)
  const because = [say('closed', { who }, atFrame(fin.frame, connection))]
  if (fin.ackedFrame !== null) {
    because.push(say('had-seen', { sender }, atFrame(fin.ackedFrame, connection)))
  }
  const later = data.tMs - fin.tMs
  because.push(
    say('sent-after', { sender, octets: data.len, later }, frameOf(data, connection)),
    say('answered', { who, seq: reset.seq }, frameOf(reset, connection)),
  )
  const http = evidence.application.get(connection.id)?.http ?? null
  if (
    http !== null &&
    /\bclose\b/i.test(http.connectionHeader ?? '') &&
    http.responseFrame !== null
  ) {
    because.push(say('said-close', {}, atFrame(http.responseFrame, connection)))
  }
  const idle = idleBefore(late)
  if (idle >= IDLE_MS)
    because.push(say('idle-before', { idle, who }, atFrame(fin.frame, connection)))
  return because
}

function idleBefore({ connection, fin, reset }: Late): number {
  const last = lastActivityBeforeClose(connection, reset.from, fin)
  return last === null ? 0 : fin.tMs - last
}
