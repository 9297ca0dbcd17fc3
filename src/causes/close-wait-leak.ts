import type { ConnectionFacts, FinFacts, Side } from '../evidence/connection.ts'
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
import { isExcerpt, lastActivityBefore, unseenOctets } from './closing.ts'
import { judgeCloseWait } from './machine/close-wait-leak.ts'

const say = reasonsOf('close-wait-leak')

const WATCHED_MS = 5000 // tcp-resets.md #40: no FIN back for more than 5 s and to the end of the capture
const GLIMPSE_MS = 1000
const SEVERAL = 3 // as many of one owner and server, none of them closed by it at once
const DELAYED_ACK_MS = 35 // Linux TCP_DELACK_MIN is 40 ms: a bare ACK that late means nobody wrote or closed meanwhile

/** The peer closed, the kernel acknowledged it, the application never closes. Linux keeps CLOSE-WAIT for ever. */
export const closeWaitLeak = {
  id: 'close-wait-leak',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9293 §3.6', 'Linux net/ipv4/tcp_input.c tcp_fin'],
  confusedWith: ['open-transaction', 'server-idle-timeout', 'server-stalled'],
  judge: (evidence) => judgeEach(evidence, ['half-closed'], judgeOne),
  judgeMachine: judgeCloseWait,
} as const satisfies Cause

interface HalfClose {
  closer: Side
  holder: Side
  fin: FinFacts
  ackedMs: number
  ackedFrame: number
  watchedMs: number
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const half = halfClose(connection)
  if (half === null) return null
  const glimpse = isGlimpseEnough(connection, half)
  if (!isHeld(connection, half) && !glimpse) return null
  const alike = heldAlike(connection, half, evidence)
  const certain = half.watchedMs >= WATCHED_MS || glimpse || alike >= SEVERAL
  const pending = half.closer === 'client' && connection.requestPending
  const transaction = evidence.application.get(connection.id)?.database?.inTransaction === true
  const holder = connection[half.holder]
  return {
    connections: [connection],
    certainty: certain ? 'likely' : 'possible',
    severity: 'problem',
    // A request that was never answered says more about the server than the socket it left behind.
    weight: weightOf(certain, pending),
    culprit: { side: half.holder, host: holder.address },
    because: [
      ...becauseOf(connection, half),
      ...(alike >= SEVERAL ? [say('several', { count: alike }, connectionRef(connection))] : []),
    ],
    against: againstOf(connection, half, pending),
    values: { holder: holder.address, closer: half.closer, port: connection.server.port },
    group: `${connection.server.endpoint} ${half.holder} ${holder.address}`,
    ...(transaction ? { consequenceOf: 'open-transaction' as const } : {}),
    ...(pending ? { consequenceOf: 'server-stalled' as const } : {}),
  }
}

/**
 * Watched for a second, or idle before and acknowledged by the delayed-ACK timer only: a program that looks at its idle
 * connections closes within a millisecond, and its FIN then carries the acknowledgement.
 */
function isHeld(connection: ConnectionFacts, half: HalfClose): boolean {
  if (half.watchedMs >= GLIMPSE_MS) return true
  if (isExcerpt(connection)) return false
  return wasDelayed(half) && (idleBeforeFin(connection, half) ?? 0) >= GLIMPSE_MS
}

/** Connections of the same holder with the same server that are held like this one. */
function heldAlike(connection: ConnectionFacts, half: HalfClose, evidence: Evidence): number {
  return evidence.connections.filter((c) => {
    if (c.ending !== 'half-closed' || c.server.endpoint !== connection.server.endpoint) return false
    if (c[half.holder].address !== connection[half.holder].address) return false
    const other = halfClose(c)
    return other !== null && other.holder === half.holder && isHeld(c, other)
  }).length
}

function weightOf(certain: boolean, pending: boolean): number {
  if (pending) return 40
  return certain ? 70 : 45
}

function halfClose(connection: ConnectionFacts): HalfClose | null {
  const closer = connection.endedBy
  if (closer !== 'client' && closer !== 'server') return null
  const holder = otherSide(closer)
  const fin = connection.sides[closer].fin
  if (fin === null || fin.ackedMs === null || fin.ackedFrame === null) return null
  const lastData = connection.sides[holder].lastDataMs
  // Its own data is not through yet: a FIN, if the application has closed, waits behind it.
  const { unanswered, retransmissions } = connection.sides[holder]
  if (unanswered !== null && unanswered.what === 'data' && retransmissions.rto > 0) return null
  if (unseenOctets(connection, holder) > 0) return null // the same, seen from where it does not arrive
  // Data after the peer's FIN was seen is a legitimate half-close: the holder still answers.
  if (lastData !== null && lastData > fin.ackedMs) return null
  const watchedMs = connection.captureEndMs - fin.ackedMs
  return { closer, holder, fin, ackedMs: fin.ackedMs, ackedFrame: fin.ackedFrame, watchedMs }
}

/**
 * Lines somebody cut out of a longer capture end with the last thing that happened. There the late bare ACK is the
 * evidence: the delayed-ACK timer ran out, so the application had neither written nor closed after an idle time.
 */
function isGlimpseEnough(connection: ConnectionFacts, half: HalfClose): boolean {
  const cutOut = isExcerpt(connection) && !connection.headerFieldsKnown
  return cutOut && wasDelayed(half) && half.watchedMs < GLIMPSE_MS
}

function wasDelayed(half: HalfClose): boolean {
  return half.ackedMs - half.fin.tMs >= DELAYED_ACK_MS
}

function becauseOf(connection: ConnectionFacts, half: HalfClose): Reason[] {
  const age = half.fin.tMs - (connection.handshake.ackMs ?? connection.startMs)
  const because = [
    connection.sawStart
      ? say('closed-after', { who: half.closer, age }, atFrame(half.fin.frame, connection))
      : say('closed', { who: half.closer }, atFrame(half.fin.frame, connection)),
    say(
      'acknowledged',
      { who: half.holder, after: half.ackedMs - half.fin.tMs },
      atFrame(half.ackedFrame, connection),
    ),
  ]
  if (half.watchedMs >= GLIMPSE_MS) {
    because.push(
      say('never-closed', { who: half.holder, for: half.watchedMs }, connectionRef(connection)),
    )
  } else if (wasDelayed(half)) {
    because.push(say('delayed-ack', { who: half.holder }, atFrame(half.ackedFrame, connection)))
  }
  const idle = idleBeforeFin(connection, half)
  if (idle !== null && idle >= GLIMPSE_MS && !isExcerpt(connection)) {
    because.push(say('was-idle', { idle }, atFrame(half.fin.frame, connection)))
  }
  return because
}

function againstOf(connection: ConnectionFacts, half: HalfClose, pending: boolean): Reason[] {
  const against: Reason[] = []
  const ref = connectionRef(connection)
  if (half.watchedMs < WATCHED_MS) against.push(say('short-watch', { for: half.watchedMs }, ref))
  if (isExcerpt(connection)) {
    const { client, server } = connection.sides
    against.push(
      say('excerpt', { client: client.missingOctets, server: server.missingOctets }, ref),
    )
  }
  if (pending) against.push(say('answer-due', {}, ref))
  return against
}

function idleBeforeFin(connection: ConnectionFacts, half: HalfClose): number | null {
  const last = lastActivityBefore(connection, half.fin.tMs)
  return last === null ? null : half.fin.tMs - last
}
