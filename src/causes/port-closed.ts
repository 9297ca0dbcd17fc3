import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { EndpointFacts, Evidence } from '../evidence/evidence.ts'
import type { ConnectExperiment } from '../evidence/experiments.ts'
import { firstAct } from './bursts.ts'
import {
  type Cause,
  connectionRef,
  type Exclusion,
  frameOf,
  type Judgement,
  judgeEach,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { listenerClosed } from './listener-closed.ts'
import { listeningAt } from './machine/listening.ts'
import { judgePortClosedHere } from './machine/port-closed.ts'
import { processKilled } from './process-killed.ts'
import {
  type Effect,
  isTaken,
  weighConnects,
  weighLoads,
  withExperiments,
} from './weigh-experiments.ts'
import { foreignTtl, isAbsent, provenFates, usualTtls } from './where.ts'

const say = reasonsOf('port-closed')

/** So many ports of one host refused to one client: somebody looks for open ports, no service is missing. */
const SCANNED_PORTS = 20
/** A service that is not back by then was not restarted, it was down. */
const RESTART_MS = 120_000

/** Nothing listens there: the SYN is answered by RST,ACK from the server's own stack. */
export const portClosed = {
  id: 'port-closed',
  needs: ['packets', 'kernel', 'both-sides'],
  refs: ['RFC 9293 §3.5.2', 'Linux net/ipv4/tcp_ipv4.c tcp_v4_send_reset, reason NO_SOCKET'],
  confusedWith: ['firewall-reject', 'listener-closed'],
  judge,
  judgeMachine: judgePortClosedHere,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const ports = refusedPorts(evidence)
  const gone = ports.size === 0 ? new Map<string, Gone>() : wentAway(evidence)
  const refusals = refusalsOf(evidence)
  const judgement = judgeEach(evidence, ['refused'], (c) => {
    const verdict = judgeOne(c, evidence, {
      ports: ports.get(pairOf(c))?.size ?? 1,
      refusals: refusals.get(c.server.endpoint)!,
    })
    if (verdict === null) return null
    const weighed = weigh(verdict, c.server.endpoint, evidence)
    const before = gone.get(c.server.endpoint)
    if (before === undefined || before.atMs > c.startMs) return weighed
    return { ...weighed, consequenceOf: before.cause }
  })
  const excluded = judgement.verdicts.length === 0 ? refusedByStranger(evidence) : null
  return excluded === null ? judgement : { ...judgement, excluded }
}

/** A scanned port was never meant to be open: experiments with one say nothing of the scan. */
function weigh(verdict: Verdict, endpoint: string, evidence: Evidence): Verdict {
  if (verdict.variant === 'port-scan') return verdict
  const found = [
    ...weighConnects('port-closed', endpoint, evidence, (one) => effectOf(one, verdict)),
    ...weighLoads('port-closed', endpoint, evidence, 'connect-refused'),
  ]
  return withExperiments(verdict, found, evidence)
}

/** A reject rule on the server itself (nf_reject with tcp-reset) refuses both alike, so a refusal never confirms that nothing listens. */
function effectOf(found: ConnectExperiment, { because }: Verdict): Effect | null {
  const { outcome, refusedBy, icmpFrom } = found
  if (isTaken(found) || icmpFrom !== null || outcome === 'filtered') return 'contradicts'
  if (outcome !== 'refused') return null
  const fromServer = because.some(({ key }) => key === 'same-ttl')
  if (refusedBy === 'nearer') return fromServer ? 'contradicts' : 'lowers'
  return 'supports'
}

interface Gone {
  cause: 'process-killed' | 'listener-closed'
  atMs: number
}

/** Endpoints whose listener was seen to go away: what is refused afterwards follows from that. */
function wentAway(evidence: Evidence): Map<string, Gone> {
  const gone = new Map<string, Gone>()
  for (const { id, judge: ask } of [listenerClosed, processKilled]) {
    for (const { certainty, variant, connections, group } of ask(evidence).verdicts) {
      if (certainty === 'possible' || (variant ?? 'stopped') !== 'stopped') continue
      const acts = connections.flatMap((c) => firstAct(c)?.atMs ?? [])
      gone.set(group, { cause: id, atMs: Math.min(...acts) })
    }
  }
  return gone
}

/** Refused, and not by the server: what a person would take for a closed port. */
function refusedByStranger(evidence: Evidence): Exclusion | null {
  for (const connection of evidence.connections) {
    if (connection.ending !== 'refused') continue
    const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'syn-reply')
    if (reset === undefined) continue
    const at = frameOf(reset, connection)
    if (whoSentIt(connection, evidence) === 'stranger') {
      return { because: [say('not-from-server', { server: connection.server.endpoint }, at)] }
    }
    const usual = usualTtls(connection.server.address, evidence)[0]
    if (usual === undefined) continue
    return { because: [say('foreign-ttl', { ttl: reset.ttl, usual }, at)] }
  }
  return null
}

function pairOf(connection: ConnectionFacts): string {
  return `${connection.client.address} ${connection.server.address}`
}

export interface Span {
  fromMs: number
  toMs: number
}

/** First and last refusal of each endpoint. */
export function refusalsOf(evidence: Evidence): Map<string, Span> {
  const spans = new Map<string, Span>()
  for (const { ending, server, startMs } of evidence.connections) {
    if (ending !== 'refused') continue
    const { fromMs, toMs } = spans.get(server.endpoint) ?? { fromMs: startMs, toMs: startMs }
    const span = { fromMs: Math.min(fromMs, startMs), toMs: Math.max(toMs, startMs) }
    spans.set(server.endpoint, span)
  }
  return spans
}

/** The endpoint accepted others before its first refusal and again after its last. */
function cameBack({ fromMs, toMs }: Span, endpoint: EndpointFacts | undefined): boolean {
  const first = endpoint?.firstAnswerMs ?? Infinity
  const last = endpoint?.lastAnswerMs ?? -Infinity
  return first < fromMs && last > toMs && toMs - fromMs <= RESTART_MS
}

/** New connections were accepted after its first refusal and refused after that: it listens all the time. */
export function acceptsBetween(
  { fromMs, toMs }: Span,
  endpoint: EndpointFacts | undefined,
): boolean {
  const accepted = endpoint?.lastAcceptMs ?? null
  return accepted !== null && accepted > fromMs && accepted < toMs
}

function refusedPorts(evidence: Evidence): Map<string, Set<number>> {
  const ports = new Map<string, Set<number>>()
  for (const connection of evidence.connections) {
    if (connection.ending !== 'refused') continue
    const pair = pairOf(connection)
    ports.set(pair, (ports.get(pair) ?? new Set()).add(connection.server.port))
  }
  return ports
}

function judgeOne(
  connection: ConnectionFacts,
  evidence: Evidence,
  { ports, refusals }: { ports: number; refusals: Span },
): Verdict | null {
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'syn-reply')
  if (reset === undefined || listeningAt(evidence, connection.server) !== null) return null
  const foreign = foreignTtl(reset.ttl, connection, 'server', evidence)
  const proof = whoSentIt(connection, evidence)
  if (proof === 'stranger' || (foreign === true && proof === null)) return null
  const scan = ports >= SCANNED_PORTS
  const sure = proof === 'server'
  // Without its TTL nothing speaks for the server but the port number; the capture there speaks against it.
  const doubtful = isAbsent(connection, evidence) && foreign !== false
  const between = acceptsBetween(refusals, evidence.endpoints.get(connection.server.endpoint))
  return {
    connections: [connection],
    ...(scan ? { variant: 'port-scan', values: { client: connection.client.address } } : {}),
    certainty: certaintyOf(sure && !between, connection.sawStart && !doubtful && !between),
    severity: scan ? 'notice' : 'problem',
    weight: between ? 45 : sure ? 92 : doubtful ? 40 : foreign === null ? 60 : 70,
    culprit: scan
      ? { side: 'client', host: connection.client.address }
      : doubtful
        ? { side: 'unknown' }
        : { side: 'server', host: connection.server.address },
    ...reasons(connection, reset, evidence, { foreign, sure, ports: scan ? ports : 0, refusals }),
    group: scan ? pairOf(connection) : connection.server.endpoint,
  }
}

function certaintyOf(sure: boolean, likely: boolean): Verdict['certainty'] {
  return sure ? 'confirmed' : likely ? 'likely' : 'possible'
}

/** Two captures: the RST left the server, or the SYN never reached it and something else sent the RST. */
function whoSentIt(connection: ConnectionFacts, evidence: Evidence): 'server' | 'stranger' | null {
  const fates = provenFates(connection, evidence)
  const reset = fates.find((f) => f.kind === 'reset' && f.from === 'server')
  if (reset?.fate === 'injected') return 'stranger'
  if (reset?.fate === 'delivered') return 'server'
  return fates.some((f) => f.kind === 'syn' && f.fate === 'lost') ? 'stranger' : null
}

function reasons(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
  told: { foreign: boolean | null; sure: boolean; ports: number; refusals: Span },
): Pick<Verdict, 'because' | 'against'> {
  const server = connection.server.endpoint
  const endpoint = evidence.endpoints.get(server)
  const served = endpoint?.established ?? 0
  const at = frameOf(reset, connection)
  const { sawStart } = connection
  const answered = say('syn-answered', { after: reset.afterTriggerMs ?? 0 }, at)
  const because = [sawStart ? answered : say('reset-alone', {}, at)]
  const against = sawStart ? [] : [say('syn-not-seen', {}, at)]
  if (told.sure) {
    because.push(say('sent-by-server', {}, at))
    against.push(say('own-rule', { server }, at))
  }
  if (told.foreign === false) because.push(say('same-ttl', { ttl: reset.ttl }, at))
  else if (!told.sure) against.push(say('ttl-unknown', {}, at))
  if (isAbsent(connection, evidence)) against.push(say('syn-absent', { server }, at))
  if (told.ports > 0) because.push(say('many-ports', { ports: told.ports }, at))
  if (acceptsBetween(told.refusals, endpoint)) {
    const { fromMs, toMs } = told.refusals
    against.push(say('accepts-between', { server, served, for: toMs - fromMs }, at))
  } else if (served === 0) because.push(say('never-served', { server }, connectionRef(connection)))
  else if ((endpoint?.lastAnswerMs ?? Infinity) < reset.tMs) {
    because.push(say('served-before', { server, served }, connectionRef(connection)))
  } else if (cameBack(told.refusals, endpoint)) {
    const { fromMs, toMs } = told.refusals
    const values = { server, served, for: toMs - fromMs, at: fromMs }
    because.push(say('came-back', values, connectionRef(connection)))
  } else against.push(say('served-otherwise', { server, served }, connectionRef(connection)))
  return { because, against }
}
