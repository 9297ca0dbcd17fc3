import type { ConnectionFacts, ResetFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  type Cause,
  connectionRef,
  frameOf,
  type Judgement,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { unreadRefusal } from './close-with-unread-data.ts'
import { activeAbort, lastActivityBefore } from './closing.ts'
import { judgeLingerZeroHere } from './machine/linger-zero.ts'
import { countsBy } from './once.ts'
import { ttlOfDataOnly } from './where.ts'

const say = reasonsOf('linger-zero')

const SYSTEMATIC = 3
const RIGHT_AFTER_MS = 1000
/** Idle for longer, and reset within less. */
const ONE_MOMENT_MS = 50

/** close() with SO_LINGER {on, 0}: RST instead of FIN, whatever is unsent is thrown away. */
export const lingerZero = {
  id: 'linger-zero',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9293 §3.10.5', 'POSIX SO_LINGER', 'Linux net/ipv4/tcp.c __tcp_close, tcp_disconnect'],
  sameToKernel: ['client-cancelled', 'health-check', 'server-idle-timeout'],
  confusedWith: [
    'close-with-unread-data',
    'admin-kill',
    'server-idle-timeout',
    'reset-after-exchange',
  ],
  judge,
  judgeMachine: judgeLingerZeroHere,
} as const satisfies Cause

interface Abort {
  connection: ConnectionFacts
  reset: ResetFacts
  side: Side
  /** Since the last data. */
  afterMs: number
}

function judge(evidence: Evidence): Judgement {
  const aborts = evidence.connections.flatMap((c) => abortOf(c, evidence) ?? [])
  const atOnce = aborts.filter(({ afterMs }) => afterMs <= RIGHT_AFTER_MS)
  const sides = new Map(atOnce.map(({ connection, side }) => [connection, side]))
  const alike = countsBy(sides.keys(), (connection) => whoOf(connection, sides.get(connection)!))
  const moments = inOneMoment(atOnce)
  const verdicts = aborts.map((abort) => {
    const who = whoOf(abort.connection, abort.side)
    return verdictOf(abort, { alike: alike.get(who) ?? 0, oneMoment: moments.has(who) }, evidence)
  })
  return { verdicts: [...verdicts, ...onlyResets(verdicts, evidence)] }
}

/** Idle since before the capture began: its reset is all there is, and like those of the same sender that are a setting's. */
function onlyResets(verdicts: readonly Verdict[], evidence: Evidence): Verdict[] {
  const habits = new Map(
    verdicts
      .filter(({ certainty, severity }) => certainty === 'likely' && severity === 'notice')
      .map((verdict) => [`${verdict.culprit.host} ${verdict.group}`, verdict]),
  )
  return evidence.connections.flatMap((connection) => {
    const reset = connection.resets[0]
    if (reset === undefined || reset.shape !== 'active' || connection.sawStart) return []
    const { client, server } = connection.sides
    if (client.packets + server.packets > 1 || connection.resets.length > 1) return []
    const { endpoint } = connection.server
    const habit = habits.get(`${connection[reset.from].address} ${endpoint} ${reset.from}`)
    if (habit === undefined) return []
    return [
      {
        ...habit,
        connections: [connection],
        certainty: 'possible' as const,
        weight: 40,
        because: [
          say('only-reset', { who: reset.from }, frameOf(reset, connection)),
          ...habit.because.filter(({ key }) => key === 'systematic'),
        ],
        against: [say('before-unseen', {}, connectionRef(connection))],
      },
    ]
  })
}

const SYN = 2

/** An abort of a side that had read and sent everything: nothing but the option, or a kill, explains the missing FIN. */
function abortOf(connection: ConnectionFacts, evidence: Evidence): Abort | null {
  if (connection.ending !== 'reset' && connection.ending !== 'reset-after-fin') return null
  const reset = activeAbort(connection)
  // What was unread shows in what the other side had sent.
  if (reset === null || connection.requestPending || connection.seen !== 'both') return null
  const side = reset.from
  const own = connection.sides[side]
  const peer = connection.sides[otherSide(side)]
  if ((own.unreadOctets ?? 0) > 0 || own.keepaliveUnanswered > 1) return null
  if (connection.sides.server.payloadOctets === 0) return null
  if (ttlOfDataOnly(connection, reset) !== null) return null // no socket of that side sent it
  if (peer.inFlightOctets > 0 || (peer.lastDataMs ?? 0) > reset.tMs) return null
  if (side === 'client' && isTruncated(connection, evidence)) return null
  if (side === 'server' && surplusOf(connection, evidence) > 0) return null
  const last = lastActivityBefore(connection, reset.tMs)
  return { connection, reset, side, afterMs: last === null ? 0 : reset.tMs - last }
}

/**
 * The window of the aborting side was lower than it had been by about all that it had received: perhaps it never read. The window
 * goes in steps, and its right edge moves by their rounding. null = not so.
 */
function loweredBy({ connection, reset, side }: Abort): { lower: number; received: number } | null {
  const { maxWindow, lastWindow, windowScale } = connection.sides[side]
  const { payloadOctets: received } = connection.sides[otherSide(side)]
  const first = connection.head.find((s) => s.from === side && (s.flags & SYN) !== 0)
  const lower = Math.max(maxWindow, first?.wnd ?? 0) - Math.max(lastWindow, reset.wnd)
  const step = 2 ** (windowScale ?? 0)
  return lower > step && received > step && lower + step >= received ? { lower, received } : null
}

/** The answer was announced longer than it came. By a server's own abort that is loss, by a client's something unread. */
function isTruncated(connection: ConnectionFacts, evidence: Evidence): boolean {
  return evidence.application.get(connection.id)?.http?.bodyComplete === false
}

/** Octets behind the client's request that nobody reads: then the reset is for them (close-with-unread-data). */
function surplusOf(connection: ConnectionFacts, evidence: Evidence): number {
  return evidence.application.get(connection.id)?.http?.requestSurplusOctets ?? 0
}

/** Who aborted: the side and its address. */
function whoOf(connection: ConnectionFacts, side: Side): string {
  return `${side} ${connection[side].address}`
}

/** How many connections the same side aborted right after it had read all, and whether in one moment after a silence. */
interface Habit {
  alike: number
  oneMoment: boolean
}

function verdictOf(abort: Abort, { alike, oneMoment }: Habit, evidence: Evidence): Verdict {
  const { connection, reset, side } = abort
  const own = connection.sides[side]
  const of = evidence.endpoints.get(connection.server.endpoint)?.served ?? alike
  const systematic = alike >= SYSTEMATIC && alike * 2 >= of && !oneMoment
  const refusal = side === 'server' ? unreadRefusal(connection, evidence) : null
  const lower = loweredBy(abort)
  const readAll = own.unreadOctets === 0 && refusal === null && lower === null
  const likely = systematic && abort.afterMs <= RIGHT_AFTER_MS && readAll
  const truncated = isTruncated(connection, evidence)
  const lost = own.inFlightOctets > 0
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: lost || truncated ? 'problem' : 'notice',
    weight: likely ? 70 : 40,
    culprit: { side, host: connection[side].address, setting: 'SO_LINGER' },
    because: [
      say(
        lower === null ? 'reset-without-fin' : 'reset-perhaps-unread',
        { who: side, after: abort.afterMs },
        frameOf(reset, connection),
      ),
      ...(systematic
        ? [say('systematic', { count: alike, of, who: side }, connectionRef(connection))]
        : []),
      ...(lost ? [say('lost', { octets: own.inFlightOctets }, frameOf(reset, connection))] : []),
      ...(truncated ? [say('truncated', {}, connectionRef(connection))] : []),
    ],
    against: [
      ...(oneMoment
        ? [say('one-moment', { count: alike }, connectionRef(connection))]
        : againstOf(abort, systematic)),
      ...(lower === null ? [] : [say('window-lower', lower, frameOf(reset, connection))]),
      ...(refusal === null
        ? []
        : [say('perhaps-unread', { status: refusal }, connectionRef(connection))]),
    ],
    values: {
      culprit: connection[side].address,
      ofServer: Number(side === 'server'),
      cut: Number(lost || truncated),
    },
    group: `${connection.server.endpoint} ${side}`,
  }
}

/**
 * A setting shows whenever a connection is closed; where all of a side come in one moment and were idle until then, somebody or
 * something ended them. @returns those sides
 */
function inOneMoment(aborts: readonly Abort[]): Set<string> {
  const spans = new Map<string, { fromMs: number; toMs: number; count: number; idle: boolean }>()
  for (const { connection, side, reset, afterMs } of aborts) {
    const span = spans.get(whoOf(connection, side))
    const { fromMs, toMs, count, idle } = span ?? {
      fromMs: reset.tMs,
      toMs: 0,
      count: 0,
      idle: true,
    }
    spans.set(whoOf(connection, side), {
      fromMs: Math.min(fromMs, reset.tMs),
      toMs: Math.max(toMs, reset.tMs),
      count: count + 1,
      idle: idle && afterMs >= ONE_MOMENT_MS,
    })
  }
  const together = [...spans].filter(
    ([, { fromMs, toMs, count, idle }]) =>
      idle && count >= SYSTEMATIC && toMs - fromMs <= ONE_MOMENT_MS,
  )
  return new Set(together.map(([who]) => who))
}

function againstOf(abort: Abort, systematic: boolean): Reason[] {
  const ref = connectionRef(abort.connection)
  const against: Reason[] = []
  if (abort.connection.sides[abort.side].unreadOctets === null) {
    against.push(say('unread-unknown', {}, ref))
  }
  if (!systematic) against.push(say('single', {}, ref))
  if (abort.afterMs > RIGHT_AFTER_MS) against.push(say('idle', { idle: abort.afterMs }, ref))
  return against
}
