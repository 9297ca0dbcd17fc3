import type { Evidence } from '../evidence/evidence.ts'
import { type Act, firstAct, saidNothing } from './bursts.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { type ClosedUnanswered, closedUnanswered } from './closed-unanswered.ts'
import { cutResponse } from './cut-response.ts'
import { weighConnects, weighed } from './weigh-experiments.ts'
import { foreignTtl } from './where.ts'

const say = reasonsOf('accept-and-close')

/** Closed this soon after the handshake, the server can hardly have looked at a request. */
const AT_ONCE_MS = 100
/** Later than this it is a time-out or a decision about the request. */
const SOON_MS = 1000
/** A request that was read this long before the close was worked on. */
const READ_MS = 20

/** The server accepts only to close at once: no descriptors (libuv), worker_connections (nginx), a limit, no backend. */
export const acceptAndClose = {
  id: 'accept-and-close',
  needs: ['packets', 'kernel', 'experiment'],
  refs: [
    'RFC 9293 §3.6.1',
    'RFC 2525 §2.17',
    'Linux net/ipv4/tcp.c __tcp_close',
    'libuv src/unix/stream.c uv__emfile_trick',
  ],
  confusedWith: [
    'accept-queue-overflow',
    'close-with-unread-data',
    'connection-limit',
    'health-check',
    'linger-zero',
    'listener-closed',
    'tls-failure',
  ],
  specialises: ['close-with-unread-data', 'data-after-close'],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, (_, endpoint) =>
      weighConnects('accept-and-close', endpoint, evidence, ({ outcome }) => {
        if (outcome === 'closed-unserved' || outcome === 'reset-unserved') return 'confirms'
        return outcome === 'served' ? 'contradicts' : null
      }),
    ),
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const closed = new Map<string, Act[]>()
  const turnedAway = new Map<string, Act[]>()
  const cut = new Map<string, Act[]>()
  const later = new Map<string, ClosedUnanswered[]>()
  for (const connection of evidence.connections) {
    const act = firstAct(connection)
    if (act === null) continue
    if (closedAtOnce(act, evidence)) push(closed, act)
    else if (spokeAndClosed(act)) push(turnedAway, act)
    else if (act.how === 'fin' && cutResponse(connection, evidence) !== null) push(cut, act)
    else {
      const unanswered = closedUnanswered(connection, evidence)
      if (unanswered !== null) push(later, unanswered)
    }
  }
  return {
    verdicts: [
      ...[...closed.values()].map((acts) => judgeEndpoint(acts, evidence)),
      ...[...later.values()]
        .filter((all) => !isMereEnd(all, evidence))
        .map((all) => closedLater(all, evidence)),
      ...[...cut.values()].map((acts) => judgeCut(acts, evidence)),
      ...[...turnedAway.values()].map((acts) => judgeTurnedAway(acts, evidence)),
    ],
  }
}

/** Of a protocol that is not read, one last message behind others that were answered is as often as not all that was to be said. */
function isMereEnd([first, ...others]: readonly ClosedUnanswered[], evidence: Evidence): boolean {
  if (first === undefined || others.length > 0 || first.due !== 'perhaps') return false
  return evidence.application.get(first.connection.id)?.protocol !== 'tls'
}

function push<T extends Act | ClosedUnanswered>(byServer: Map<string, T[]>, item: T): void {
  const { endpoint } = item.connection.server
  const items = byServer.get(endpoint)
  if (items === undefined) byServer.set(endpoint, [item])
  else items.push(item)
}

function closedAtOnce(act: Act, evidence: Evidence): boolean {
  const { connection, side, atMs, how } = act
  const { handshake, sides, resets } = connection
  if (side !== 'server' || handshake.ackMs === null) return false
  if (!saidNothing(connection, 'server')) return false
  if (atMs - handshake.ackMs > SOON_MS) return false
  const asked = sides.client.firstDataMs
  if (how === 'fin' && asked !== null && atMs - asked > READ_MS) return false
  const reset = resets.find((r) => r.frame === act.frame)
  if (reset !== undefined && foreignTtl(reset.ttl, connection, 'server', evidence) === true) {
    return false
  }
  const tls = evidence.application.get(connection.id)?.tls
  return tls?.alert == null && tls?.plainTextFrom == null
}

/** The server spoke first and closed, and only then did the client say its first word: it was never listened to. */
function spokeAndClosed({ connection, side, atMs, how }: Act): boolean {
  const { handshake, sides } = connection
  const { client, server } = sides
  if (side !== 'server' || how !== 'fin' || handshake.ackMs === null) return false
  if (server.payloadOctets === 0 || client.missingOctets + server.missingOctets > 0) return false
  return (
    atMs - handshake.ackMs <= SOON_MS && client.firstDataMs !== null && client.firstDataMs > atMs
  )
}

/**
 * An orderly close before the end that the answer itself had announced: a handler that failed over it, a proxy that lost its
 * backend, a length that is wrong. That it was cut is certain, why packets do not say.
 */
function judgeCut(acts: readonly Act[], evidence: Evidence): Verdict {
  const { connection, frame } = acts[0]!
  const { bodyOctetsSeen, contentLength } = cutResponse(connection, evidence)!
  const values = { times: acts.length, got: bodyOctetsSeen ?? 0 }
  const at = atFrame(frame, connection)
  const cut =
    contentLength === null
      ? say('cut-chunks', values, at)
      : say('cut-length', { ...values, told: contentLength }, at)
  return { ...verdictOf(acts, [cut], [], true), variant: 'answer-cut', weight: 53 }
}

/** Turned away in words, as SSH, SMTP, FTP and Redis do where a limit is reached or an address is not liked. */
function judgeTurnedAway(acts: readonly Act[], evidence: Evidence): Verdict {
  const { connection, frame } = acts[0]!
  const { endpoint } = connection.server
  const at = atFrame(frame, connection)
  const octets = connection.sides.server.payloadOctets
  const age = median(acts.map((a) => a.atMs - a.connection.handshake.ackMs!))
  const because = [say('spoke-and-closed', { times: acts.length, octets, age }, at)]
  const others = (evidence.endpoints.get(endpoint)?.served ?? 0) - acts.length
  if (others > 0) {
    because.push(
      say('others-served', { served: others, server: endpoint }, connectionRef(connection)),
    )
  }
  const sure = acts.length > 1
  const against = sure ? [] : [say('only-one', {}, at)]
  const verdict = verdictOf(acts, because, against, sure)
  return { ...verdict, variant: 'turned-away', weight: sure ? 86 : 44 }
}

function verdictOf(
  acts: readonly Pick<Act, 'connection'>[],
  because: readonly Reason[],
  against: readonly Reason[],
  likely: boolean,
): Verdict {
  const { endpoint, address } = acts[0]!.connection.server
  return {
    connections: acts.map((a) => a.connection),
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 74 : 44,
    culprit: { side: 'server', host: address },
    because,
    against,
    group: endpoint,
  }
}

function judgeEndpoint(acts: Act[], evidence: Evidence): Verdict {
  const first = acts[0]!
  const { endpoint } = first.connection.server
  const facts = evidence.endpoints.get(endpoint)
  const served = facts?.served ?? 0
  const fins = acts.filter((a) => a.how === 'fin').length
  const resets = acts.length - fins
  const slow = acts.filter((a) => a.atMs - a.connection.handshake.ackMs! > AT_ONCE_MS).length
  const at = atFrame(first.frame, first.connection)
  const age = median(acts.map((a) => a.atMs - a.connection.handshake.ackMs!))
  const because: Reason[] = [say('closed-at-once', { times: acts.length, age }, at)]
  const against: Reason[] = []
  if (fins > 0 && resets > 0) because.push(say('mixed', { fins, resets }, at))
  if (served > 0) {
    because.push(
      say('others-served', { served, server: endpoint }, connectionRef(first.connection)),
    )
  } else against.push(say('nobody-served', { server: endpoint }, connectionRef(first.connection)))
  if (acts.length === 1) against.push(say('only-one', {}, at))
  if (slow > acts.length / 2) against.push(say('not-at-once', { slow }, at))
  const read = acts.filter(hadRead).length
  if (read === acts.length) return readAndClosed(acts, because, against, served)
  const likely =
    acts.length > 1 && (served > 0 || (fins > 0 && resets > 0)) && slow * 2 <= acts.length
  return verdictOf(acts, because, against, likely)
}

/** Closing with the request unread gives RST (RFC 2525 §2.17): after a FIN that acknowledges it, it had been read. */
function hadRead({ connection, how, atMs }: Act): boolean {
  const { firstDataMs, ackedOctets } = connection.sides.client
  return how === 'fin' && firstDataMs !== null && firstDataMs < atMs && ackedOctets > 0
}

/** All had been read: no lack of descriptors or workers, but a decision about the request, or a crash over it. */
function readAndClosed(
  acts: readonly Act[],
  because: readonly Reason[],
  against: readonly Reason[],
  served: number,
): Verdict {
  const { connection, frame } = acts[0]!
  const read = say('had-read', { times: acts.length }, atFrame(frame, connection))
  const likely = acts.length > 1 && served > 0
  return { ...verdictOf(acts, [...because, read], against, likely), variant: 'read-and-closed' }
}

/**
 * Closed in order where the answer was due, some time after the request: a handler or a worker that died over it, a proxy
 * that lost its backend, an order to end the session. Which of them packets do not tell; that no answer came they do.
 */
function closedLater(all: readonly ClosedUnanswered[], evidence: Evidence): Verdict {
  const first = all[0]!
  const { connection, frame } = first
  const { endpoint } = connection.server
  const served = evidence.endpoints.get(endpoint)?.served ?? 0
  const waits = all.map((a) => a.waitedMs)
  const at = atFrame(frame, connection)
  const values = { times: all.length, from: Math.min(...waits), to: Math.max(...waits) }
  const because = [say(values.times === 1 ? 'read-once' : 'read-later', values, at)]
  const count = served - all.filter((a) => a.connection.sides.server.payloadOctets > 0).length
  if (count > 0) {
    because.push(
      say('others-served', { served: count, server: endpoint }, connectionRef(connection)),
    )
  }
  const sure = all.filter((a) => a.due === 'yes').length
  const likely = sure * 2 > all.length
  const verdict = verdictOf(all, because, likely ? [] : [doubtOf(all, at)], likely)
  return { ...verdict, variant: 'read-and-closed', weight: likely ? 50 : 40 }
}

function doubtOf(all: readonly ClosedUnanswered[], at: Reason['at']): Reason {
  return say(all.some((a) => a.due === 'one-way') ? 'one-way' : 'perhaps-none-due', {}, at)
}

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  return values[values.length >> 1] ?? 0
}
