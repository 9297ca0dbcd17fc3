import type { DatabaseFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { atFrame, type Cause, type Judgement, reasonsOf, type Verdict } from './cause.ts'
import { judgeAdminKillHere } from './machine/admin-kill.ts'

const say = reasonsOf('admin-kill')

/**
 * What databases say when somebody ends a session: PostgreSQL Appendix A, admin_shutdown (57P01); MariaDB
 * ER_CONNECTION_KILLED (1927), MySQL and MariaDB ER_SERVER_SHUTDOWN (1053).
 */
const KILLED: ReadonlySet<string> = new Set(['57P01', '1927', '1053'])

/** What it is and how it is known: docs/causes/admin-kill.md. Packets show it only where the protocol says so. */
export const adminKill = {
  id: 'admin-kill',
  needs: ['kernel', 'application'],
  refs: ['Linux net/ipv4/tcp.c tcp_abort', 'ss(8) -K', 'PostgreSQL Appendix A, admin_shutdown'],
  confusedWith: ['linger-zero', 'listener-closed', 'server-idle-timeout', 'injected-reset'],
  judge,
  judgeMachine: judgeAdminKillHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  return { verdicts: evidence.connections.flatMap((c) => judgeOne(c, evidence) ?? []) }
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
