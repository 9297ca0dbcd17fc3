import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { judgeSynQueues } from './machine/syn-queue-overflow.ts'
import { unansweredSyn } from './unanswered.ts'
import { weighed, weighSynDrops } from './weigh-experiments.ts'
import { fatesOf } from './where.ts'

const say = reasonsOf('syn-queue-overflow')

/** Below this many unfinished handshakes no listener's SYN queue is full: Linux takes backlog + 1, at least 8 in practice. */
const HALF_OPEN = 8
/** A client that hears nothing for this long after its handshake waits for a server that should speak first. */
const SILENT_MS = 1000

/** The client's FIN proves the cookie too: the server then accepts and greets within a round trip and a moment. */
const WOKEN_MS = 50

/** Too many unfinished handshakes; or, with SYN cookies, the one ACK that carried the state was lost. */
export const synQueueOverflow = {
  id: 'syn-queue-overflow',
  needs: ['kernel', 'both-sides', 'experiment'],
  refs: [
    'Linux net/ipv4/tcp_input.c tcp_conn_request',
    'Linux net/ipv4/syncookies.c cookie_v4_check',
    'RFC 4987 §3.6',
  ],
  confusedWith: ['accept-queue-overflow', 'asymmetric-path', 'connect-filtered'],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, ({ variant }, endpoint) =>
      variant === undefined ? weighSynDrops('syn-queue-overflow', endpoint, evidence) : [],
    ),
  judgeMachine: judgeSynQueues,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict = synDropped(connection, evidence) ?? cookieAckLost(connection, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  if (!verdicts.some((v) => v.certainty === 'possible')) return { verdicts }
  return {
    verdicts,
    unknown: {
      missing: ["the server's counters TCPReqQFullDrop, TCPReqQFullDoCookies and SyncookiesSent"],
      ask: 'nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies TcpExtSyncookiesSent # on the server',
    },
  }
}

/** At the server: SYNs arrive and get nothing while many handshakes stay half-open. Only the kernel can name the queue. */
function synDropped(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (connection.ending !== 'unanswered') return null
  const syn = unansweredSyn(connection, evidence)
  if (syn.stopped !== 'at-server' || syn.halfOpen < HALF_OPEN) return null
  const { syns, synFrame } = connection.handshake
  const server = connection.server.endpoint
  const at = atFrame(synFrame ?? connection.firstFrame, connection)
  const retried = syn.endpoint?.synAckRetried ?? 0
  const because = [
    say('syn-unanswered', { syns, server }, at),
    say('half-open', { halfOpen: syn.halfOpen, retried }, connectionRef(connection)),
  ]
  const established = syn.endpoint?.established ?? 0
  const against =
    established > syn.halfOpen
      ? [say('others-completed', { established, server }, connectionRef(connection))]
      : []
  return {
    ...found(connection),
    certainty: 'possible',
    weight: established > syn.halfOpen ? 38 : 55,
    because,
    against,
  }
}

/** SYN cookies: the server keeps nothing, so it cannot repeat the SYN-ACK when the client's ACK is lost. */
function cookieAckLost(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { ackMs, ackFrame, synAcks } = connection.handshake
  const { client, server } = connection.sides
  if (!connection.sawStart || ackMs === null || synAcks !== 1) return null
  if (client.payloadOctets > 0) return null // data proves the cookie again and heals it
  const gaveUp = connection.resets.find((r) => r.from === 'client')?.tMs
  const until = client.fin?.tMs ?? gaveUp ?? connection.captureEndMs
  const heard = server.firstDataMs ?? server.fin?.tMs ?? Number.POSITIVE_INFINITY
  const waited = until - ackMs
  if (waited < SILENT_MS || heard < until) return null
  const proven = fatesOf(connection, evidence).some(
    (f) => f.kind === 'ack' && f.from === 'client' && f.fate === 'lost',
  )
  const name = connection.server.endpoint
  const endpoint = evidence.endpoints.get(name)
  const greeted = endpoint?.serverFirst ?? 0
  if (!proven && greeted === 0) return null // an idle connection where the client speaks first is no sign
  const at = atFrame(ackFrame ?? connection.firstFrame, connection)
  const because = [say('silent-after-ack', { waited }, at), say('no-syn-ack-repeated', {}, at)]
  const against: Reason[] = []
  const { fin } = client
  const woken = fin !== null && heard - fin.tMs <= WOKEN_MS + (connection.handshake.rttMs ?? 0)
  if (woken) {
    because.push(say('woken-by-fin', { after: heard - fin.tMs }, atFrame(fin.frame, connection)))
  }
  if (proven) because.push(say('ack-lost', {}, at))
  else against.push(say('ack-perhaps-arrived', {}, at))
  if (greeted > 0) because.push(say('greets-others', { greeted, server: name }, at))
  return {
    ...found(connection),
    variant: 'cookie-ack-lost',
    certainty: proven ? 'likely' : 'possible',
    weight: proven ? 82 : woken ? 72 : 40,
    because,
    against,
  }
}

function found(connection: ConnectionFacts) {
  return {
    connections: [connection],
    severity: 'problem',
    culprit: {
      side: 'server',
      host: connection.server.address,
      setting: 'net.ipv4.tcp_max_syn_backlog',
    },
    group: connection.server.endpoint,
  } as const
}
