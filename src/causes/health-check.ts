import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { firstAct, saidNothing } from './bursts.ts'
import {
  atFrame,
  type Cause,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { httpChecks } from './http-check.ts'
import { judgeHealthChecksHere } from './machine/health-check.ts'
import { regularInterval } from './regular.ts'

const say = reasonsOf('health-check')

/** A probe leaves as soon as it is connected; a client that waits longer wanted something. */
const SHORT_MS = 1000

/** A balancer or monitor that connects and leaves: without an octet, or as soon as its request is answered at all. */
export const healthCheck = {
  id: 'health-check',
  needs: ['packets', 'kernel', 'application'],
  refs: ['RFC 9293 §3.5.2', 'Linux net/ipv4/tcp_minisocks.c tcp_check_req (EmbryonicRsts)'],
  confusedWith: [
    'accept-and-close',
    'accept-queue-overflow',
    'client-cancelled',
    'close-with-unread-data',
    'linger-zero',
    'tls-failure',
  ],
  judge,
  judgeMachine: judgeHealthChecksHere,
} as const satisfies Cause

interface Check {
  connection: ConnectionFacts
  atMs: number
  frame: number
}

function judge(evidence: Evidence): Judgement {
  const groups = groupBy(
    evidence.connections.flatMap((c) => asCheck(c) ?? []),
    ({ connection: { client, server } }) => `${client.address} ${server.endpoint}`,
  )
  const silent = [...groups].map(([key, checks]) => judgeGroup(key, checks))
  return { verdicts: [...silent, ...httpChecks(evidence)] }
}

/** Connected, nothing said by either side, ended first by the client within a second. */
function asCheck(connection: ConnectionFacts): Check | null {
  const { handshake, resets, seen } = connection
  if (!connection.sawStart || handshake.synAckMs === null || seen !== 'both') return null
  if (!saidNothing(connection, 'client') || !saidNothing(connection, 'server')) return null
  if (handshake.syns > 1 || handshake.synAckAfterAck > 0) return null
  const act = firstAct(connection)
  const reset = resets.find((r) => r.from === 'client')
  const left = act?.side === 'client' ? act : act === null && reset !== undefined ? reset : null
  if (left === null) return null
  const atMs = 'atMs' in left ? left.atMs : left.tMs
  if (atMs - handshake.synAckMs > SHORT_MS) return null
  if (reset?.ttlUnusual === true || bothClosed(connection)) return null
  return { connection, atMs, frame: left.frame }
}

/** The server's FIN does not answer the client's: both wanted to leave. */
function bothClosed({ sides: { client, server } }: ConnectionFacts): boolean {
  if (client.fin === null || server.fin === null) return false
  return client.fin.ackedFrame === null || client.fin.ackedFrame > server.fin.frame
}

function judgeGroup(group: string, checks: Check[]): Verdict {
  const first = checks[0]!
  const { client, server } = first.connection
  const at = atFrame(first.frame, first.connection)
  const stayed = first.atMs - (first.connection.handshake.synAckMs ?? 0)
  const because: Reason[] = [say('no-octets', { times: checks.length, stayed }, at)]
  const against: Reason[] = []
  const interval = regularInterval(checks.map((c) => c.connection.startMs))
  if (interval !== null) because.push(say('periodic', { interval }, at))
  else against.push(say('no-interval', { times: checks.length }, at))
  return {
    connections: checks.map((c) => c.connection),
    certainty: interval === null ? 'possible' : 'likely',
    severity: 'benign',
    weight: interval === null ? 45 : 75,
    culprit: { side: 'client', host: client.address },
    because,
    against,
    values: { client: client.address, endpoint: server.endpoint },
    group,
  }
}
