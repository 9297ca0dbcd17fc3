import type { DatabaseFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { lastWord } from './admin-kill.ts'
import { lastActivityBefore } from './closing.ts'

/** PostgreSQL Appendix A, idle_session_timeout; MySQL ER_CLIENT_INTERACTION_TIMEOUT (8.0.24). */
const SETTINGS: Readonly<Record<string, string>> = {
  '57P05': 'idle_session_timeout',
  '4031': 'wait_timeout',
}

export interface SaidIdle {
  error: NonNullable<DatabaseFacts['error']>
  setting: string
  /** How long nothing had been said before the server's last word. */
  ms: number
}

/** The server's own last word was that the session had been idle for too long. */
export function saidIdle(connection: ConnectionFacts, evidence: Evidence): SaidIdle | null {
  const error = lastWord(connection, evidence)
  const setting = SETTINGS[error?.code ?? '']
  if (error === null || setting === undefined) return null
  const told = connection.tail.find((s) => s.frame === error.frame)
  const at = told?.tMs ?? connection.sides.server.fin?.tMs ?? connection.lastMs
  return { error, setting, ms: at - (lastActivityBefore(connection, at) ?? at) }
}
