import type { ConnectionFacts, FinFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { isExcerpt, lastActivityBefore, lostFromSight, unseenOctets } from './closing.ts'
import { judgeCloseWait } from './machine/close-wait-leak.ts'
import { connectionsTo, countsBy, once } from './once.ts'

const say = reasonsOf('close-wait-leak')

const WATCHED_MS = 5000 // tcp-resets.md #40: no FIN back for more than 5 s and to the end of the capture
const FORGOTTEN_MS = 2000
const GLIMPSE_MS = 1000
const MOMENT_MS = 200
const SEVERAL = 3 // as many of one owner and server, none of them closed by it at once
const TELLING_MS = 1000 // who closes others so late may close these later still
const AT_ONCE_MS = 100
const DELAYED_ACK_MS = 35 // Linux TCP_DELACK_MIN is 40 ms: a bare ACK that late means nobody wrote or closed meanwhile

/** The peer closed, the kernel acknowledged it, the application never closes. Linux keeps CLOSE-WAIT for ever. */
export const closeWaitLeak = {
  id: 'close-wait-leak',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9293 §3.6', 'Linux net/ipv4/tcp_input.c tcp_fin'],
  confusedWith: ['open-transaction', 'server-idle-timeout', 'server-stalled'],
  judge,
  judgeMachine: judgeCloseWait,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const judgement = judgeEach(evidence, ['half-closed'], judgeOne)
  const told = new Set(judgement.verdicts.flatMap((v) => v.connections))
  const untold = evidence.connections.filter(
    (c) => c.ending === 'half-closed' && !told.has(c) && isCutSoon(c, evidence),
  )
  const first = untold[0]
  return first === undefined
    ? judgement
    : { ...judgement, unknown: unknownOf(first, untold.length) }
}

function unknownOf(connection: ConnectionFacts, count: number): Unknown {
  const { holder, watchedMs } = halfClose(connection)!
  const { address } = connection[holder]
  const which = count === 1 ? 'a connection' : `${count} connections`
  const seen = watchedMs < 1 ? 'less than 1' : watchedMs.toFixed(0)
  return {
    missing: [
      `whether ${address} closes ${which} of which its peer has closed its end: the capture goes on for only ${seen} ms after that`,
    ],
    ask: `ss -tanp state close-wait # on ${address}`,
  }
}

/** Not closed at once, but the capture ends before anybody can tell, or before the age at which others were closed. */
function isCutSoon(connection: ConnectionFacts, evidence: Evidence): boolean {
  const half = halfClose(connection)
  if (half === null || isExcerpt(connection)) return false
  if (half.watchedMs < GLIMPSE_MS) return wasDelayed(half)
  return half.watchedMs <= slowestClose(connection, half, evidence)
}

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
  const slowest = slowestClose(connection, half, evidence)
  if (slowest > 0 && half.watchedMs <= slowest) return null // others of this application took as long, and closed
  const pending = half.closer === 'client' && connection.requestPending
  const asking = pending && isStillAsking(connection, half)
  const forgotten = alike >= SEVERAL && wasForgotten(connection, half)
  const telling = half.watchedMs >= WATCHED_MS || glimpse || forgotten
  const lateCapture = beganWithFin(connection, half)
  const unseenMs = lostFromSight(connection, half.holder)
  const certain = telling && !asking && !lateCapture && unseenMs === null && slowest < TELLING_MS
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
    against: againstOf(connection, half, { pending, asking, slowest, lateCapture, unseenMs }),
    values: { holder: holder.address, closer: half.closer, port: connection.server.port },
    group: `${connection.server.endpoint} ${half.holder} ${holder.address}`,
    ...(transaction ? { consequenceOf: 'open-transaction' as const } : {}),
    ...(pending ? { consequenceOf: 'server-stalled' as const } : {}),
  }
}

/**
 * Watched for a second; or for a moment, idle before and acknowledged by the delayed-ACK timer only: a program that looks at
 * its idle connections closes within a millisecond, and its FIN then carries the acknowledgement. Where the acknowledgement
 * is among the last frames, the capture may as well have been stopped just before the close.
 */
function isHeld(connection: ConnectionFacts, half: HalfClose): boolean {
  if (half.watchedMs >= GLIMPSE_MS) return true
  if (half.watchedMs < MOMENT_MS || isExcerpt(connection)) return false
  return wasDelayed(half) && (idleBeforeFin(connection, half) ?? 0) >= GLIMPSE_MS
}

/** Idle before the FIN, and two seconds after it still not looked at: a pool that tests its connections closes in an instant. */
function wasForgotten(connection: ConnectionFacts, half: HalfClose): boolean {
  const idle = idleBeforeFin(connection, half) ?? 0
  return half.watchedMs >= FORGOTTEN_MS && idle >= GLIMPSE_MS && !isExcerpt(connection)
}

/**
 * The client asked and closed its direction in one go (shutdown(SHUT_WR), `nc -N`): that is how it says "that is all", and
 * the server answers when it is ready. A client that gives up closes later.
 */
function isStillAsking({ request }: ConnectionFacts, { fin }: HalfClose): boolean {
  return request !== null && fin.tMs - request.lastMs <= AT_ONCE_MS
}

/** Nothing of the holder was seen before: it may have closed before the capture began, and this is the answer to that. */
function beganWithFin(connection: ConnectionFacts, { fin }: HalfClose): boolean {
  return !connection.sawStart && connection.firstFrame === fin.frame
}

/** The longest after their peer's FIN that this holder still wrote to, or closed, others with this server; 0 = none seen. */
function slowestClose(connection: ConnectionFacts, half: HalfClose, evidence: Evidence): number {
  let slowest = 0
  for (const c of connectionsTo(connection.server.endpoint, evidence)) {
    if (c === connection) continue
    if (c[half.holder].address !== connection[half.holder].address) continue
    const asked = c.sides[half.closer].fin?.tMs ?? Number.POSITIVE_INFINITY
    const { fin, lastDataMs } = c.sides[half.holder]
    slowest = Math.max(slowest, (fin?.tMs ?? 0) - asked, (lastDataMs ?? 0) - asked)
  }
  return slowest
}

/** Connections of the same holder with the same server that are held like this one. */
function heldAlike(connection: ConnectionFacts, half: HalfClose, evidence: Evidence): number {
  return heldBy(evidence).get(holderKey(connection, half)) ?? 0
}

const heldBy = once(({ connections }) =>
  countsBy(connections, (c) => {
    const half = c.ending === 'half-closed' ? halfClose(c) : null
    return half !== null && isHeld(c, half) ? holderKey(c, half) : null
  }),
)

function holderKey(connection: ConnectionFacts, { holder }: HalfClose): string {
  return `${connection.server.endpoint} ${holder} ${connection[holder].address}`
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

function againstOf(
  connection: ConnectionFacts,
  half: HalfClose,
  told: {
    pending: boolean
    asking: boolean
    slowest: number
    lateCapture: boolean
    unseenMs: number | null
  },
): Reason[] {
  const against: Reason[] = []
  const ref = connectionRef(connection)
  if (half.watchedMs < WATCHED_MS) against.push(say('short-watch', { for: half.watchedMs }, ref))
  if (isExcerpt(connection)) {
    const { client, server } = connection.sides
    against.push(
      say('excerpt', { client: client.missingOctets, server: server.missingOctets }, ref),
    )
  }
  if (told.slowest >= TELLING_MS) {
    against.push(say('others-closed-late', { who: half.holder, after: told.slowest }, ref))
  }
  if (told.asking) {
    const asked = half.fin.tMs - connection.request!.lastMs
    against.push(say('still-asking', { after: asked }, atFrame(half.fin.frame, connection)))
  }
  if (told.lateCapture) against.push(say('late-capture', { who: half.holder }, ref))
  if (told.unseenMs !== null) {
    against.push(say('packets-missing', { who: half.holder, for: told.unseenMs }, ref))
  }
  if (told.pending) against.push(say('answer-due', {}, ref))
  return against
}

function idleBeforeFin(connection: ConnectionFacts, half: HalfClose): number | null {
  const last = lastActivityBefore(connection, half.fin.tMs)
  return last === null ? null : half.fin.tMs - last
}
