import type { DatabaseFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { bursts } from './bursts.ts'
import { atFrame, type Cause, type Judgement, reasonsOf, type Verdict } from './cause.ts'
import { closedUnanswered } from './closed-unanswered.ts'
import { judgeAdminKillHere } from './machine/admin-kill.ts'

import { weighed, weighSilences } from './weigh-experiments.ts'

const say = reasonsOf('admin-kill')

/**
 * What databases say when somebody ends a session: PostgreSQL Appendix A, admin_shutdown (57P01); MariaDB
 * ER_CONNECTION_KILLED (1927), MySQL and MariaDB ER_SERVER_SHUTDOWN (1053).
 */
const KILLED: ReadonlySet<string> = new Set(['57P01', '1927', '1053'])

/** What it is and how it is known: docs/causes/admin-kill.md. Packets show it only where the protocol says so. */
export const adminKill = {
  id: 'admin-kill',
  needs: ['kernel', 'application', 'experiment'],
  refs: ['Linux net/ipv4/tcp.c tcp_abort', 'ss(8) -K', 'PostgreSQL Appendix A, admin_shutdown'],
  confusedWith: ['linger-zero', 'listener-closed', 'server-idle-timeout', 'injected-reset'],
  specialises: ['accept-and-close'],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, ({ variant, connections: [first] }, endpoint) =>
      variant === 'reset-together' ? weighSilences('admin-kill', endpoint, evidence, first) : [],
    ),
  judgeMachine: judgeAdminKillHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  return {
    verdicts: [
      ...evidence.connections.flatMap(
        (c) => judgeOne(c, evidence) ?? statementCut(c, evidence) ?? [],
      ),
      ...resetTogether(evidence),
    ],
  }
}

/** A database answers every statement, with an error at least: KILL (MariaDB), a crash or a proxy ends it without a word. */
function statementCut(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const told = evidence.application.get(connection.id)
  if (told?.protocol !== 'mysql' && told?.protocol !== 'postgresql') return null
  const unanswered = closedUnanswered(connection, evidence)
  if (unanswered === null) return null
  const { frame, waitedMs } = unanswered
  return {
    connections: [connection],
    variant: 'statement-cut',
    certainty: 'possible',
    severity: 'problem',
    weight: 52,
    culprit: { side: 'server', host: connection.server.address },
    because: [say('statement-cut', { waited: waitedMs }, atFrame(frame, connection))],
    against: [say('perhaps-crash', {}, atFrame(frame, connection))],
    group: connection.server.endpoint,
  }
}

/** Three ends in one moment are an event. */
const TOGETHER = 3
/** All had been said for so long. */
const IDLE_MS = 50

/**
 * Idle connections that were all reset in one moment. close() of a socket without unread data sends a FIN, so either
 * somebody destroyed the sockets (ss -K), or a program lingers for 0 s.
 */
function resetTogether(evidence: Evidence): Verdict[] {
  return bursts(evidence, 'server', (c) => c.server.endpoint).flatMap(
    ({ key, acts, fromMs, toMs }) => {
      const idle = acts.filter((a) => a.how === 'reset' && isIdle(a.connection, a.atMs))
      if (idle.length < TOGETHER || idle.length < acts.length) return []
      const { connection, frame } = idle[0]!
      const at = atFrame(frame, connection)
      return [
        {
          connections: idle.map((a) => a.connection),
          variant: 'reset-together',
          certainty: 'possible' as const,
          severity: 'problem' as const,
          weight: 48,
          culprit: { side: 'server' as const, host: connection.server.address },
          because: [say('idle-reset', { count: idle.length, within: toMs - fromMs }, at)],
          against: [say('perhaps-linger', {}, at)],
          group: key,
        },
      ]
    },
  )
}

function isIdle({ requestPending, sides }: ConnectionFacts, atMs: number): boolean {
  const { client, server } = sides
  if (requestPending || server.inFlightOctets > 0 || server.lastDataMs === null) return false
  if ((server.unreadOctets ?? 0) > 0) return false
  return atMs - Math.max(server.lastDataMs, client.lastDataMs ?? 0) >= IDLE_MS
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const error = lastWord(connection, evidence)
  if (error === null || !KILLED.has(error.code)) return null
  const { code, text, frame } = error
  return {
    connections: [connection],
    variant: 'said-so',
    certainty: 'confirmed',
    severity: 'problem',
    weight: 96,
    culprit: { side: 'server', host: connection.server.address },
    because: [say('told', { code, text }, atFrame(frame, connection))],
    against: [],
    group: connection.server.endpoint,
  }
}

/** The error with which a database ended the session: told before its FIN or reset. */
export function lastWord(
  connection: ConnectionFacts,
  evidence: Evidence,
): NonNullable<DatabaseFacts['error']> | null {
  const error = evidence.application.get(connection.id)?.database?.error ?? null
  const { fin } = connection.sides.server
  const reset = connection.resets.find((r) => r.from === 'server')
  const ended = fin?.frame ?? reset?.frame ?? null
  return error === null || ended === null || error.frame > ended ? null : error
}
