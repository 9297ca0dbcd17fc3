import { groupBy } from '../base/group-by.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { atFrame, type Certainty, connectionRef, reasonsOf, type Verdict } from './cause.ts'
import { type ClosedUnanswered, closedBeforeAnswer, closedUnanswered } from './closed-unanswered.ts'
import { type Constant, densest } from './closing.ts'
import { roundSeconds } from './round.ts'

const say = reasonsOf('server-idle-timeout')

/** Sooner it is a decision or an accident, no limit that somebody set. */
const MIN_WAIT_MS = 1000
const ENOUGH = 3
/** How far the waits may lie apart: a limit is kept more exactly than what an answer takes varies. */
const SPREAD = 0.03
const SPREAD_MS = 100
/** Ended within this, equal waits say only that the requests came together. */
const MOMENT_MS = 100

/**
 * A limit that runs while the answer is awaited: a TCP proxy (HAProxy `timeout server`) or a supervisor of workers (gunicorn
 * `--timeout`) closes a constant time after the request, with FIN and without an answer.
 */
export function waitingCut(evidence: Evidence): Verdict[] {
  const found = evidence.connections.flatMap((connection) => {
    const closed = closedUnanswered(connection, evidence)
    return closed === null || closed.waitedMs < MIN_WAIT_MS ? [] : [closed]
  })
  const byServer = groupBy(found, ({ connection }) => connection.server.endpoint)
  return [...byServer.values()].flatMap((all) => {
    const constant = densest(all, (c) => c.waitedMs)
    const certainty = constant === null ? null : certaintyOf(constant)
    if (constant === null || certainty === null) return []
    return constant.members.map((found) => verdictOf(found, constant, certainty))
  })
}

function certaintyOf({ members, of, ms, spreadMs }: Constant<ClosedUnanswered>): Certainty | null {
  const ends = members.map((m) => m.atMs)
  if (Math.max(...ends) - Math.min(...ends) <= MOMENT_MS) return null
  if (spreadMs > Math.max(SPREAD_MS, ms * SPREAD) || members.length * 2 <= of) return null
  const due = members.every((m) => m.due === 'yes')
  if (members.length >= ENOUGH) return due ? 'likely' : 'possible'
  return roundSeconds(ms) !== null ? 'possible' : null
}

function verdictOf(
  found: ClosedUnanswered,
  constant: Constant<ClosedUnanswered>,
  certainty: Certainty,
): Verdict {
  const { connection, frame, waitedMs, due } = found
  const { members, of, ms, spreadMs } = constant
  const at = atFrame(frame, connection)
  const because = [
    say('cut-waiting', { age: waitedMs }, at),
    say('constant-wait', { count: members.length, of, age: ms, spread: spreadMs }, at),
  ]
  const round = roundSeconds(ms)
  if (round !== null) because.push(say('round', { s: round }, connectionRef(connection)))
  return {
    connections: [connection],
    variant: 'while-waiting',
    certainty,
    severity: 'problem',
    weight: certainty === 'likely' ? 68 : 56,
    culprit: { side: 'server', host: connection.server.address },
    because,
    against: [
      ...(found.whole ? [] : [say('perhaps-unfinished', {}, at)]),
      ...(due === 'yes' ? [] : [say(due === 'one-way' ? 'one-way' : 'perhaps-none-due', {}, at)]),
    ],
    values: { age: ms, closer: connection.server.address, ofServer: 1 },
    group: connection.server.endpoint,
  }
}

/**
 * The server closed because the request never became whole: its limit for that (nginx client_header_timeout, HAProxy timeout
 * http-request) ran out. Who is slow is the client, or what is between.
 */
export function unfinishedRequests(evidence: Evidence): Verdict[] {
  const all = evidence.connections.flatMap((connection) => {
    const found = closedBeforeAnswer(connection, evidence)
    return found === null || found.unfinished === null ? [] : [found]
  })
  return all.map(({ connection, frame, waitedMs, octets, unfinished }) => ({
    connections: [connection],
    variant: 'request-unfinished',
    certainty: 'likely' as const,
    severity: 'problem' as const,
    weight: 78,
    culprit: { side: 'client' as const, host: connection.client.address },
    because: [
      say(`unfinished-${unfinished!}`, { octets }, atFrame(frame, connection)),
      say('waited-for-rest', { age: waitedMs }, atFrame(frame, connection)),
    ],
    against: [say('perhaps-stalled', {}, connectionRef(connection))],
    values: { age: waitedMs, closer: connection.server.address, ofServer: 1 },
    group: connection.server.endpoint,
  }))
}
