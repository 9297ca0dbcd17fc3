import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  judgeEach,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { givenUp } from './client-timeout.ts'
import { closeTime } from './closing.ts'
import { answersMayBeTooLong } from './path-mtu-black-hole.ts'

const say = reasonsOf('server-stalled')

const GAVE_UP_MS = 1000
const WAITING_MS = 5000
const SEVERAL = 3

/** The request was acknowledged by the server's kernel; its application gives no answer. Not a fault of TCP. */
export const serverStalled = {
  id: 'server-stalled',
  needs: ['packets', 'kernel', 'application'],
  refs: ['RFC 9293 §3.8.4', 'RFC 9110 §15.6.5'],
  confusedWith: ['client-timeout', 'pool-starvation', 'descriptor-exhaustion', 'zero-window-stall'],
  judge: (evidence) =>
    judgeEach(evidence, ['open', 'half-closed', 'clean', 'reset', 'reset-after-fin'], judgeOne),
} as const satisfies Cause

export interface Stall {
  connection: ConnectionFacts
  waitedMs: number
  /** How the wait ended: the client left, the server closed without an answer, or the capture ended. */
  until: 'client-left' | 'server-closed' | 'capture-end'
}

/** A delivered request without an octet of answer; null when the answer came or the request never arrived. */
export function stallOf(connection: ConnectionFacts): Stall | null {
  const left = givenUp(connection)
  if (left !== null) {
    return left.waitedMs < GAVE_UP_MS
      ? null
      : { connection, waitedMs: left.waitedMs, until: 'client-left' }
  }
  const { request, sides } = connection
  if (!connection.requestPending || request === null) return null
  if (sides.client.inFlightOctets > 0 || sides.client.unanswered !== null) return null
  if (sides.server.zeroWindow.openAtEnd || sides.client.zeroWindow.openAtEnd) return null
  if (connection.seen !== 'both') return null
  const serverClosed = closeTime(connection, 'server')
  const endMs = serverClosed ?? connection.captureEndMs
  const waitedMs = endMs - request.lastMs
  if (waitedMs < WAITING_MS) return null
  return { connection, waitedMs, until: serverClosed === null ? 'capture-end' : 'server-closed' }
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const stall = stallOf(connection)
  if (stall === null) return null
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  const alike = evidence.connections.filter(
    (c) => c.server.endpoint === connection.server.endpoint && stallOf(c) !== null,
  ).length
  const protocol = evidence.application.get(connection.id)?.protocol ?? 'unknown'
  const oneWay = (endpoint?.served ?? 0) === 0 && protocol === 'unknown'
  // Under TLS the last record of a client may be one that nobody answers: an alert, a key update.
  const patient = stall.until === 'capture-end' && protocol === 'tls'
  const telling = stall.until !== 'capture-end' || alike >= SEVERAL || connection.exchanges > 1
  const doubtful = answersMayBeTooLong(connection, evidence)
  const likely = telling && !oneWay && !patient && !doubtful
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 60 : 45,
    culprit: { side: 'server', host: connection.server.address },
    because: becauseOf(stall, alike),
    against: againstOf(stall, { oneWay, doubtful }),
    values: { waited: stall.waitedMs },
    group: connection.server.endpoint,
  }
}

function becauseOf(stall: Stall, alike: number): Reason[] {
  const { connection, waitedMs, until } = stall
  const request = connection.request!
  const ref = connectionRef(connection)
  const because = [
    say('acknowledged', { octets: request.octets }, atFrame(request.lastFrame, connection)),
    say(`until-${until}`, { waited: waitedMs }, ref),
  ]
  if (connection.exchanges > 1) {
    because.push(say('answered-before', { count: connection.exchanges - 1 }, ref))
  }
  if (alike >= SEVERAL) because.push(say('several', { count: alike }, ref))
  return because
}

function againstOf(
  stall: Stall,
  { oneWay, doubtful }: { oneWay: boolean; doubtful: boolean },
): Reason[] {
  const ref = connectionRef(stall.connection)
  if (oneWay) return [say('one-way', {}, ref)]
  const against = doubtful ? [say('long-unseen', {}, ref)] : []
  return stall.until === 'capture-end' ? [...against, say('may-answer', {}, ref)] : against
}
