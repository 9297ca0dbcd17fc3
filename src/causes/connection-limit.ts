import type { DatabaseFacts, RefusalFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { judgeLimits } from './machine/connection-limit.ts'

const say = reasonsOf('connection-limit')

/**
 * Errors by which a server says that its number of connections is used up. A code that means other limits too counts
 * only with these words in its text.
 */
const LIMITS: Record<string, { setting: string; words?: RegExp }> = {
  '1040': { setting: 'max_connections' }, // MySQL ER_CON_COUNT_ERROR
  '1203': { setting: 'max_user_connections' }, // ER_TOO_MANY_USER_CONNECTIONS
  '1226': { setting: 'max_user_connections', words: /connections/ }, // ER_USER_LIMIT_REACHED
  '53300': { setting: 'max_connections' }, // PostgreSQL too_many_connections
  '08P01': { setting: 'max_client_conn', words: /no more connections allowed/ }, // PgBouncer
}

/** A stated limit refuses the connection: the protocol's own error says so. */
export const connectionLimit = {
  id: 'connection-limit',
  needs: ['payload', 'kernel', 'application'],
  refs: [
    'MySQL server error reference, ER_CON_COUNT_ERROR',
    'PostgreSQL Appendix A, too_many_connections (53300)',
  ],
  confusedWith: [
    'accept-and-close',
    'accept-queue-overflow',
    'open-transaction',
    'pool-starvation',
  ],
  judge,
  judgeMachine: judgeLimits,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const told = evidence.application.get(connection.id)
    if (told?.refusal !== undefined) verdicts.push(inWords(connection, told.refusal))
    if (told?.database?.error == null) continue
    const verdict = judgeOne(connection, told.database.error)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function judgeOne(
  connection: ConnectionFacts,
  error: NonNullable<DatabaseFacts['error']>,
): Verdict | null {
  const limit = LIMITS[error.code]
  if (limit === undefined || limit.words?.test(error.text) === false) return null
  const { code, text, frame } = error
  const because = say('said-so', { code, text }, atFrame(frame, connection))
  return verdictOf(connection, limit.setting, because)
}

/** Redis, memcached, sshd: a line of text instead of an error of a protocol that is read. */
function inWords(connection: ConnectionFacts, { text, setting, frame }: RefusalFacts): Verdict {
  const because = say('in-words', { text }, atFrame(frame, connection))
  return { ...verdictOf(connection, setting, because), variant: 'in-words' }
}

function verdictOf(connection: ConnectionFacts, setting: string, because: Reason): Verdict {
  return {
    connections: [connection],
    certainty: 'confirmed',
    severity: 'problem',
    weight: 97,
    culprit: { side: 'server', host: connection.server.address, setting },
    because: [because],
    against: [],
    values: { setting },
    group: `${connection.server.endpoint} ${setting}`,
  }
}
