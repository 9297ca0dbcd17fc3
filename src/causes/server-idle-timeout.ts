import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import { lastWord } from './admin-kill.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Judgement,
  otherSide,
  type Reason,
  reasonsOf,
  type Severity,
  type Verdict,
} from './cause.ts'
import {
  activeAbort,
  type Constant,
  densest,
  isExcerpt,
  type KnownTimeout,
  knownServerDefault,
  lastActivityBeforeClose,
  namedServerDefault,
  toleranceMs,
} from './closing.ts'
import { apartReasons, closeExperiments, experimentRef, isDistant } from './experiments.ts'
import { endedWithProcess } from './process-killed.ts'
import { roundSeconds } from './round.ts'
import { saidIdle } from './said-idle.ts'
import { unfinishedRequests, waitingCut } from './waiting-cut.ts'

const say = reasonsOf('server-idle-timeout')

const MIN_AGE_MS = 1000 // a close sooner than that follows the exchange, it does not end an idle time
const AT_ONCE_MS = 50
const ENOUGH = 3 // tcp-resets.md #39

/** The server (or a proxy) closes connections that were idle for a constant time. */
export const serverIdleTimeout = {
  id: 'server-idle-timeout',
  needs: ['packets', 'experiment', 'application'],
  refs: ['RFC 9112 §9.5', 'RFC 9293 §3.6'],
  confusedWith: ['keep-alive-race', 'middlebox-idle-timeout', 'process-killed', 'linger-zero'],
  judge,
} as const satisfies Cause

interface IdleClose {
  connection: ConnectionFacts
  /** Whose idle limit it was. */
  side: Side
  ms: number
  frame: number
  /** Closed by RST without FIN (MariaDB, HAProxy towards its servers). */
  byReset: boolean
}

function judge(evidence: Evidence): Judgement {
  const died = endedWithProcess(evidence)
  const closed = evidence.connections
    .flatMap((c) => idleClose(c, evidence) ?? [])
    .filter(({ side, connection }) => side !== 'server' || !died.has(connection))
  const byServer = groupBy(
    closed,
    ({ connection, side }) => `${connection.server.endpoint} ${side}`,
  )
  const verdicts: Verdict[] = [
    ...waitingCut(evidence),
    ...unfinishedRequests(evidence),
    ...evidence.connections.flatMap((c) => toldSo(c, evidence) ?? []),
  ]
  const against: Reason[] = []
  for (const closes of byServer.values()) {
    const constant = densest(closes, (c) => c.ms)
    if (constant === null) continue
    const contrary = contradiction(constant, evidence)
    if (contrary === null || isDistant(contrary, evidence)) {
      verdicts.push(...judgeConstant(constant, evidence))
    } else against.push(...againstExperiment(constant, contrary, evidence))
  }
  return against.length === 0 ? { verdicts } : { verdicts, excluded: { because: against } }
}

/** The server says that it was for the idle time: nothing is to be guessed. */
function toldSo(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const said = connection.ending === 'clean' ? null : saidIdle(connection, evidence)
  if (said === null) return null
  const { error, setting, ms } = said
  const { address, endpoint } = connection.server
  const { code, text, frame } = error
  return {
    connections: [connection],
    variant: 'said-so',
    certainty: 'confirmed',
    severity: wasUsedAfterwards(connection) ? 'problem' : 'notice',
    weight: 96,
    culprit: { side: 'server', host: address, setting },
    because: [say('told', { code, text }, atFrame(frame, connection))],
    against: [],
    values: { age: ms, closer: address, ofServer: 1 },
    experiment: { silenceMs: ms },
    group: endpoint,
  }
}

/** An experiment of which connections to this server were idle for longer and not closed. */
function contradiction({ members, ms }: Constant<IdleClose>, evidence: Evidence) {
  const [first] = members
  if (first?.side !== 'server') return null
  const found = closeExperiments(evidence, first.connection.server.endpoint)
  return found.find(({ fromMs }) => fromMs > ms + toleranceMs(ms)) ?? null
}

/** An experiment that found this limit, ended as here, and not by a hop. */
function agreement({ members, ms }: Constant<IdleClose>, evidence: Evidence) {
  const [first] = members
  if (first?.side !== 'server') return null
  const around = toleranceMs(ms)
  const found = closeExperiments(evidence, first.connection.server.endpoint)
  return (
    found.find(({ fromMs, toMs, flavour, by }) => {
      const isIn = toMs !== null && fromMs - around <= ms && ms <= toMs + around
      return isIn && by !== 'middlebox' && flavour === (first.byReset ? 'reset' : 'fin')
    }) ?? null
  )
}

function againstExperiment(
  { ms }: Constant<IdleClose>,
  experiment: IdleExperiment,
  evidence: Evidence,
): Reason[] {
  const values = { survived: experiment.fromMs, ms }
  const contradicted = say('experiment-survived', values, experimentRef(experiment))
  return [contradicted, ...apartReasons('server-idle-timeout', experiment, evidence)]
}

function idleClose(connection: ConnectionFacts, evidence: Evidence): IdleClose | null {
  // Closed by both without any trouble: nobody was harmed, nothing is to be found.
  if (connection.ending === 'clean') return null
  if (lastWord(connection, evidence) !== null) return null // the server says why, and it is told elsewhere
  return idleCloseBy(connection, 'server') ?? idleAbortByClient(connection)
}

function idleCloseBy(connection: ConnectionFacts, side: Side): IdleClose | null {
  const { fin } = connection.sides[side]
  const peerFin = connection.sides[otherSide(side)].fin
  const abort = activeAbort(connection)
  const reset = abort !== null && abort.from === side ? abort : null
  const end = fin ?? reset
  if (end === null || (peerFin !== null && peerFin.tMs < end.tMs)) return null
  if (requestPendingAt(connection, end.tMs)) return null
  const last = lastActivityBeforeClose(connection, side, end)
  if (last === null || end.tMs - last < MIN_AGE_MS) return null
  const { server } = connection.sides
  if (server.payloadOctets + server.missingOctets === 0) return null
  return { connection, side, ms: end.tMs - last, frame: end.frame, byReset: fin === null }
}

/** A proxy towards its servers is the client: its idle limit shows as FIN and RST at once, or RST alone (HAProxy). */
function idleAbortByClient(connection: ConnectionFacts): IdleClose | null {
  const close = idleCloseBy(connection, 'client')
  if (close === null) return null
  const { fin } = connection.sides.client
  const reset = connection.resets.find((r) => r.from === 'client' && r.shape === 'active')
  if (reset === undefined) return null
  return fin === null || reset.tMs - fin.tMs < AT_ONCE_MS ? { ...close, byReset: true } : null
}

/** A request sent well before the close and not answered; one that crossed the close does not count. */
function requestPendingAt(connection: ConnectionFacts, tMs: number): boolean {
  const request = connection.request
  if (!connection.requestPending || request === null) return false
  return request.lastMs < tMs - MIN_AGE_MS
}

function judgeConstant(constant: Constant<IdleClose>, evidence: Evidence): Verdict[] {
  const known = defaultOf(constant, evidence)
  const certainty = certaintyOf(constant, known !== null, evidence)
  if (certainty === null) return []
  return constant.members.map((close) => verdictOf(close, constant, certainty, evidence))
}

/** Defaults are known of servers; a proxy's limit towards its servers has none. */
function defaultOf(
  constant: Constant<IdleClose>,
  evidence: Evidence,
  among = knownServerDefault,
): KnownTimeout | null {
  const [first] = constant.members
  if (first?.side !== 'server') return null
  return among(
    constant.ms,
    constant.members.map((m) => m.connection),
    evidence,
  )
}

function certaintyOf(
  constant: Constant<IdleClose>,
  known: boolean,
  evidence: Evidence,
): Certainty | null {
  const { members, of } = constant
  const agreed = agreement(constant, evidence)
  if (agreed !== null && !isDistant(agreed, evidence)) return 'confirmed'
  const excerpt = members.some((m) => isExcerpt(m.connection))
  // A client that ends at the age which the server has announced does as it was told.
  const told = members.find((m) => announced(m, evidence))
  if (told !== undefined) return told.side === 'server' ? 'likely' : null
  const many = members.length >= ENOUGH && members.length * 2 > of && differentTimes(members)
  if (many || (known && members.length >= 2 && differentTimes(members)))
    return excerpt ? 'possible' : 'likely'
  // Idle connections that began together end together. A kill of them all (ss -K) resets them: those need a round time as well.
  const several = members.length >= ENOUGH && members.length * 2 > of
  const orderly = !members.every((m) => m.byReset) || roundSeconds(constant.ms) !== null
  return known || (several && orderly) ? 'possible' : null
}

/** Ended at one instant, equal ages say only that they began together: a restart looks like that. */
function differentTimes(members: readonly IdleClose[]): boolean {
  const ends = members.map((m) => m.connection.sides[m.side].fin?.tMs ?? m.connection.lastMs)
  return Math.max(...ends) - Math.min(...ends) > 100
}

function announced(close: IdleClose, evidence: Evidence): boolean {
  const told = evidence.application.get(close.connection.id)?.http?.keepAliveTimeoutS ?? null
  return told !== null && Math.abs(close.ms - told * 1000) <= toleranceMs(told * 1000)
}

function verdictOf(
  close: IdleClose,
  constant: Constant<IdleClose>,
  certainty: Certainty,
  evidence: Evidence,
): Verdict {
  const { connection } = close
  return {
    connections: [connection],
    certainty,
    severity: severityOf(close),
    // A reset at a constant age has no better explanation; after a FIN what the client then did is the more telling part.
    weight: weightOf(close, certainty, constant.members.length),
    culprit: { side: close.side, host: connection[close.side].address },
    because: becauseOf(close, constant, evidence),
    against: againstOf(close, constant, evidence),
    values: {
      age: constant.ms,
      closer: connection[close.side].address,
      ofServer: Number(close.side === 'server'),
    },
    experiment: { silenceMs: constant.ms },
    group: `${connection.server.endpoint} ${close.side}`,
    // The close was in order; what is held in CLOSE-WAIT afterwards is the trouble, and this is when it began.
    ...(connection.ending === 'half-closed' ? { beside: 'close-wait-leak' as const } : {}),
  }
}

function weightOf(close: IdleClose, certainty: Certainty, alike: number): number {
  if (certainty === 'possible') return close.byReset && alike >= ENOUGH ? 50 : 35
  if (close.byReset) return 75
  // Of a connection that is then held in CLOSE-WAIT the holder is the trouble, the close was in order.
  return close.connection.ending === 'half-closed' ? 40 : 60
}

/** A notice when the trouble that follows has its own name. */
function severityOf(close: IdleClose): Severity {
  if (close.byReset || wasUsedAfterwards(close.connection)) return 'problem'
  return 'notice'
}

/** The client wrote after the close and was answered by RST. */
function wasUsedAfterwards(connection: ConnectionFacts): boolean {
  return connection.resets.some((r) => r.from === 'server' && (r.trigger?.len ?? 0) > 0)
}

function becauseOf(close: IdleClose, constant: Constant<IdleClose>, evidence: Evidence): Reason[] {
  const ref = atFrame(close.frame, close.connection)
  const because = [
    say(close.byReset ? 'reset-after' : 'closed-after', { age: close.ms, who: close.side }, ref),
  ]
  if (constant.members.length >= 2) {
    const values = { count: constant.members.length, of: constant.of, spread: constant.spreadMs }
    because.push(say('constant', { age: constant.ms, ...values }, connectionRef(close.connection)))
  }
  if (announced(close, evidence)) {
    because.push(say('announced', { age: constant.ms }, connectionRef(close.connection)))
  }
  const experiment = agreement(constant, evidence)
  if (experiment !== null) {
    const values = { from: experiment.fromMs, to: experiment.toMs ?? experiment.fromMs }
    because.push(say('experiment-agrees', values, experimentRef(experiment)))
  }
  const known = defaultOf(constant, evidence, namedServerDefault)
  if (known !== null) because.push(say('default', { s: known.s, who: known.who }, ref))
  return because
}

function againstOf(close: IdleClose, constant: Constant<IdleClose>, evidence: Evidence): Reason[] {
  const against: Reason[] = []
  const ref = connectionRef(close.connection)
  if (isExcerpt(close.connection)) against.push(say('excerpt', {}, ref))
  const agreed = agreement(constant, evidence)
  if (constant.members.length === 1 && agreed === null) against.push(say('single', {}, ref))
  if (agreed !== null) against.push(...apartReasons('server-idle-timeout', agreed, evidence))
  const contrary = contradiction(constant, evidence)
  if (contrary !== null) against.push(...againstExperiment(constant, contrary, evidence))
  if (constant.members.length >= 2 && !differentTimes(constant.members)) {
    against.push(say('same-moment', {}, ref))
  }
  if (constant.members.length < constant.of) {
    against.push(say('others', { count: constant.of - constant.members.length }, ref))
  }
  return against
}
