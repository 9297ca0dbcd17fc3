import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  type Cause,
  connectionRef,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { dataAfterReset } from './closing.ts'
import { weighed, weighSilences } from './weigh-experiments.ts'
import { fateOfReset, foreignTtl } from './where.ts'

const say = reasonsOf('peer-restarted')

const RST = 4
/** No middlebox known to us forgets a connection so soon: Linux conntrack's shortest timer is 10 s, the usual ones minutes. */
const TOO_SHORT_MS = 4000

/** The peer lost its memory of the connection: host rebooted, failed over without state, process gone without a FIN. */
export const peerRestarted = {
  id: 'peer-restarted',
  needs: ['packets', 'kernel', 'experiment'],
  refs: [
    'RFC 9293 §3.5.1 (half-open connections)',
    'Linux net/ipv4/tcp_ipv4.c tcp_v4_send_reset, reasons TCP_FLAGS and NO_SOCKET',
  ],
  confusedWith: [
    'firewall-reject',
    'middlebox-idle-timeout',
    'port-reuse-collision',
    'process-killed',
    'wrong-host',
  ],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, ({ connections: [first] }, endpoint) =>
      weighSilences('peer-restarted', endpoint, evidence, first),
    ),
} as const satisfies Cause

/** A connection that the server did not know any more: it had lost it between `knownMs` and `deniedMs`. */
interface Denied {
  connection: ConnectionFacts
  reset: ResetFacts
  knownMs: number
  deniedMs: number
}

function judge(evidence: Evidence): Judgement {
  const groups = groupBy(
    evidence.connections.flatMap((c) => asDenied(c, evidence) ?? []),
    ({ connection }) => connection.server.endpoint,
  )
  const verdicts: Verdict[] = []
  for (const [endpoint, denied] of groups) {
    const verdict = judgeEndpoint(endpoint, denied, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

/** The client's segment on a connection in good order is answered by the server's own stateless RST, no FIN before. */
function asDenied(connection: ConnectionFacts, evidence: Evidence): Denied | null {
  if (connection.ending !== 'reset') return null
  const reset = connection.resets.find((r) => r.accepted !== false)
  if (
    reset === undefined ||
    reset.from !== 'server' ||
    reset.shape !== 'stateless' ||
    reset.trigger === null
  )
    return null
  const { server, client } = connection.sides
  if (server.fin !== null || client.fin !== null) return null
  if (finMayBeMissed(connection, reset)) return null
  if (connection.sawStart && server.payloadOctets === 0 && client.ackedOctets === 0) return null
  if (foreignTtl(reset.ttl, connection, 'server', evidence) === true || reset.ttlUnusual)
    return null
  if (fateOfReset(connection, evidence, 'server')?.fate === 'injected') return null
  if (dataAfterReset(connection, reset) !== null) return null // it knows the connection very well
  const knownMs = reset.trigger.tMs - reset.silenceBeforeMs
  return { connection, reset, knownMs, deniedMs: reset.tMs }
}

/** The client acknowledged octets right before the reset that the capture lacks: the server's FIN may be among them. */
function finMayBeMissed(connection: ConnectionFacts, reset: ResetFacts): boolean {
  if (connection.sides.server.missingOctets === 0) return false
  const last = connection.tail.findLast((s) => s.from === 'server' && (s.flags & RST) === 0)
  return last !== undefined && last.seq + last.len < reset.seq
}

/** Most packets of the server came another way: a box that answers handshakes in its name may have reset them as well. */
function rareTtl(denied: readonly Denied[]): Reason | null {
  const rare = denied.find(({ connection, reset }) => {
    const [usual, ...others] = connection.sides.server.ttls
    return usual !== undefined && others.includes(reset.ttl)
  })
  if (rare === undefined) return null
  const { connection, reset } = rare
  const usual = connection.sides.server.ttls[0]!
  return say('ttl-rare', { ttl: reset.ttl, usual }, frameOf(reset, connection))
}

function judgeEndpoint(endpoint: string, denied: Denied[], evidence: Evidence): Verdict | null {
  const first = denied[0]!
  const fromMs = denied.reduce((t, d) => Math.max(t, d.knownMs), Number.NEGATIVE_INFINITY)
  const toMs = denied.reduce((t, d) => Math.min(t, d.deniedMs), Number.POSITIVE_INFINITY)
  const oneMoment = fromMs <= toMs
  const down = oneMoment
    ? downBetween(evidence, first.connection.server.address, fromMs, toMs)
    : null
  const survived = longestSurvived(evidence, first.connection)
  const notIdle = denied.filter(
    (d) => knownBefore(d) && tooShortForIdle(d.reset.silenceBeforeMs, survived),
  )
  const at = frameOf(first.reset, first.connection)
  const because: Reason[] = [
    say(
      'unknown-to-it',
      { times: denied.length, silence: first.reset.silenceBeforeMs, ttl: first.reset.ttl },
      at,
    ),
  ]
  const against: Reason[] = []
  if (down !== null)
    because.push(say('was-down', { host: down.server.address }, connectionRef(down)))
  if (oneMoment && denied.length > 1) {
    because.push(say('one-moment', { times: denied.length, at: toMs }, at))
  }
  if (notIdle.length > 0) {
    const example = notIdle[0]!
    const silence = example.reset.silenceBeforeMs
    because.push(say('not-idle', { silence, survived }, frameOf(example.reset, example.connection)))
  } else against.push(say('idle-alike', { silence: first.reset.silenceBeforeMs }, at))
  const survivor = oneMoment ? livedThrough(evidence, endpoint, fromMs, toMs) : null
  if (survivor !== null) {
    against.push(say('others-lived', { server: endpoint }, connectionRef(survivor)))
  }
  const missing = first.connection.sides.server.missingOctets
  if (missing > 0) against.push(say('not-captured', { missing }, at))
  const proven = fateOfReset(first.connection, evidence, 'server')?.fate === 'delivered'
  if (proven) because.push(say('sent-by-server', {}, at))
  else against.push(say('ttl-only', { ttl: first.reset.ttl }, at))
  const stranger = proven ? null : rareTtl(denied)
  if (stranger !== null) against.push(stranger)
  const strong =
    (down !== null ? 2 : 0) + (notIdle.length > 1 && oneMoment ? 2 : 0) + (proven ? 1 : 0)
  const back = (evidence.endpoints.get(endpoint)?.lastAnswerMs ?? 0) > toMs
  if (back) because.push(say('back', { server: endpoint }, at))
  else if (down === null) against.push(say('own-rule', {}, at))
  const shown = back || down !== null
  const likely =
    oneMoment && survivor === null && strong >= 2 && missing === 0 && shown && stranger === null
  // Neither down in between nor captured there: a box that translates may have lost them, and the server is as it was.
  const moved = down === null && !proven
  const { address } = first.connection.server
  if (moved) against.push(say('perhaps-moved', { host: address }, at))
  return {
    connections: denied.map((d) => d.connection),
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 78 : notIdle.length > 0 ? 48 : 42,
    culprit: moved ? { side: 'unknown' } : { side: 'server', host: address },
    because,
    against,
    values: { moved: Number(moved) },
    group: endpoint,
  }
}

/** Where the denied segment is the first of the capture, nobody knows how long the silence was. */
function knownBefore({ connection, reset }: Denied): boolean {
  return connection.firstFrame !== reset.trigger?.frame
}

/** Longer silences survived; or it is very short and no survivor suggests a limit just below it. */
function tooShortForIdle(silenceMs: number, survivedMs: number): boolean {
  return silenceMs < survivedMs || (silenceMs < TOO_SHORT_MS && survivedMs < silenceMs / 2)
}

/** The longest silence after which a connection of this path or endpoint went on: a box forgets later than that. */
function longestSurvived(evidence: Evidence, { client, server }: ConnectionFacts): number {
  const path = evidence.paths.get(`${client.address} ${server.address}`)?.survivedSilenceMs ?? 0
  return Math.max(path, evidence.endpoints.get(server.endpoint)?.survivedSilenceMs ?? 0)
}

/** A connect to that host that was refused, unanswered or unreachable in between: it was down. */
function downBetween(
  evidence: Evidence,
  address: string,
  fromMs: number,
  toMs: number,
): ConnectionFacts | null {
  return (
    evidence.connections.find(
      (c) =>
        c.server.address === address &&
        ['refused', 'unanswered', 'unreachable'].includes(c.ending) &&
        c.startMs >= fromMs &&
        c.startMs <= toMs,
    ) ?? null
  )
}

/** A connection of the endpoint that was there before and on which the server spoke after: nothing was lost. */
function livedThrough(
  evidence: Evidence,
  endpoint: string,
  fromMs: number,
  toMs: number,
): ConnectionFacts | null {
  return (
    evidence.connections.find(
      (c) =>
        c.server.endpoint === endpoint &&
        c.startMs < fromMs &&
        (c.sides.server.lastDataMs ?? 0) > toMs,
    ) ?? null
  )
}
