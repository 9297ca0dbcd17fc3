import type { DatabaseFacts } from '../evidence/application.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Exclusion,
  type Judgement,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { endingReset, lastActivityBefore } from './closing.ts'
import { judgeOpenTransactions } from './machine/open-transaction.ts'

const say = reasonsOf('open-transaction')

const IDLE_MS = 1000 // shorter pauses inside a transaction are ordinary application time
const OPEN_MS = 10_000 // idle and still open when the capture ends
const STILL_OPEN = ['open', 'half-closed', 'reset', 'reset-after-fin', 'timed-out', 'clean']
/** Ports that make a person think of a database; a hint for the question, never evidence. */
const DATABASE_PORTS = [1433, 1521, 3306, 5432, 6432, 6033, 33060]
const ENDED_BY_SERVER = ['25P03', '4031']

/** A transaction was begun and neither committed nor rolled back; the connection sits idle until somebody ends it. */
export const openTransaction = {
  id: 'open-transaction',
  needs: ['payload', 'kernel', 'application'],
  refs: [
    'MySQL protocol SERVER_STATUS_IN_TRANS',
    'PostgreSQL protocol ReadyForQuery, SQLSTATE 25P03',
  ],
  confusedWith: ['pool-starvation', 'close-wait-leak', 'server-idle-timeout'],
  judge,
  judgeMachine: judgeOpenTransactions,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  const suspects: ConnectionFacts[] = []
  const ended: ConnectionFacts[] = []
  for (const connection of evidence.connections) {
    if (!STILL_OPEN.includes(connection.ending)) continue
    const database = evidence.application.get(connection.id)?.database ?? null
    const verdict = database && judgeOne(connection, database)
    if (verdict !== null) verdicts.push(verdict)
    else if (database?.inTransaction === false) ended.push(connection)
    else if (isSuspect(connection, database)) suspects.push(connection)
  }
  const excluded = verdicts.length === 0 ? exclusionOf(ended, evidence) : null
  const unknown = suspects.length === 0 ? null : unknownOf(suspects)
  return {
    verdicts,
    ...(excluded === null ? {} : { excluded }),
    ...(unknown === null ? {} : { unknown }),
  }
}

function judgeOne(connection: ConnectionFacts, database: DatabaseFacts): Verdict | null {
  const { openedBy, lastStatement, error } = database
  const told = error !== null && error.code === '25P03' ? error : null
  if (told === null && (database.inTransaction !== true || database.quit)) return null
  const end = firstEnd(connection)
  // The server's farewell is part of the end, not of the time before.
  const toldMs = told === null ? null : tMsOf(connection, told.frame)
  const endMs = toldMs ?? end?.tMs ?? connection.captureEndMs
  const idleMs = idleUntil(connection, endMs)
  if (told === null && idleMs < (end !== null ? IDLE_MS : OPEN_MS)) return null
  const ref = connectionRef(connection)
  const because: Reason[] = []
  if (openedBy !== null) {
    because.push(say('opened', { statement: openedBy.text }, atFrame(openedBy.frame, connection)))
  }
  const inTime = lastStatement !== null && lastStatement.frame <= lastFrameBefore(told, end)
  if (inTime && lastStatement.frame !== openedBy?.frame) {
    const { text, frame } = lastStatement
    because.push(say('last-statement', { statement: text }, atFrame(frame, connection)))
  }
  if (database.inTransaction === true) because.push(say('status', {}, ref))
  if (told !== null) because.push(say('told', { code: told.code }, atFrame(told.frame, connection)))
  const then = { server: 'idle-then-closed', client: 'idle-then-left' } as const
  because.push(say(end === null ? 'idle' : then[end.by], { idle: idleMs }, ref))
  return {
    connections: [connection],
    certainty: told === null ? 'likely' : 'confirmed',
    severity: 'problem',
    weight: told === null ? 85 : 90,
    culprit: { side: 'client', host: connection.client.address },
    because,
    against: end !== null || connection.ending !== 'open' ? [] : [say('may-end', {}, ref)],
    values: {
      statement: openedBy?.text ?? '',
      named: Number(openedBy !== null),
      client: connection.client.address,
    },
    group: connection.server.endpoint,
  }
}

function tMsOf({ head, tail }: ConnectionFacts, frame: number): number | null {
  return [...head, ...tail].find((s) => s.frame === frame)?.tMs ?? null
}

/** What was sent after the server had said goodbye, or closed, was never executed. */
function lastFrameBefore(
  told: { frame: number } | null,
  end: { by: Side; frame: number } | null,
): number {
  return Math.min(
    told?.frame ?? Number.POSITIVE_INFINITY,
    end?.by === 'server' ? end.frame : Number.POSITIVE_INFINITY,
  )
}

/** Silence after the last statement's answer. */
function idleUntil(connection: ConnectionFacts, untilMs: number): number {
  const last = lastActivityBefore(connection, untilMs)
  return last === null ? 0 : untilMs - last
}

/** Who ended it: the database, or its client, which a proxy with an idle limit is too. */
function firstEnd(connection: ConnectionFacts): { by: Side; tMs: number; frame: number } | null {
  const { client, server } = connection.sides
  const ends: { by: Side; tMs: number; frame: number }[] = []
  if (client.fin !== null) {
    ends.push({ by: 'client', tMs: client.fin.tMs, frame: client.fin.frame })
  }
  if (server.fin !== null) {
    ends.push({ by: 'server', tMs: server.fin.tMs, frame: server.fin.frame })
  }
  const reset = endingReset(connection)
  if (reset !== null && reset.from !== null) {
    ends.push({ by: reset.from, tMs: reset.tMs, frame: reset.frame })
  }
  return ends.reduce<(typeof ends)[number] | null>(
    (a, b) => (a === null || b.tMs < a.tMs ? b : a),
    null,
  )
}

/** A person would suspect it: the database side closed an idle connection and the application keeps it. */
function isSuspect(connection: ConnectionFacts, database: DatabaseFacts | null): boolean {
  if (database === null && !DATABASE_PORTS.includes(connection.server.port)) return false
  if (database?.quit === true || ENDED_BY_SERVER.includes(database?.error?.code ?? '')) return false
  return connection.ending === 'half-closed' && connection.endedBy === 'server'
}

function exclusionOf(ended: readonly ConnectionFacts[], evidence: Evidence): Exclusion | null {
  const held = ended.filter((c) => c.ending === 'half-closed' && c.endedBy === 'server')
  if (held.length === 0) return null
  const because = held.slice(0, 3).map((connection) => {
    const last = evidence.application.get(connection.id)?.database?.lastStatement ?? null
    const ref = last === null ? connectionRef(connection) : atFrame(last.frame, connection)
    return say('not-in-transaction', { server: connection.server.endpoint }, ref)
  })
  return { because }
}

function unknownOf(suspects: readonly ConnectionFacts[]): Unknown {
  const { address, port } = suspects[0]!.server
  return {
    missing: [
      `the payload of ${suspects.length === 1 ? 'the connection' : `the ${suspects.length} connections`} to ${address}:${port} that the database side closed (the status flag of its last answer says whether a transaction was open)`,
      "the database's list of open transactions with their client ports (MySQL: information_schema.innodb_trx; PostgreSQL: pg_stat_activity, state 'idle in transaction')",
    ],
    ask: `sudo tcpdump -i any -s 0 -w db.pcap 'host ${address} and tcp port ${port}'; tcpwhy analyze db.pcap`,
  }
}
