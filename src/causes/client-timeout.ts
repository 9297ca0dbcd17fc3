import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { leftInTheMiddle } from './client-cancelled.ts'
import { type Constant, closeTime, densest, unseenOctets } from './closing.ts'
import { answersMayBeTooLong } from './path-mtu-black-hole.ts'
import { roundSeconds } from './round.ts'
import { stoppedAnswers } from './stopped-answers.ts'
import { weighLoads, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('client-timeout')

const MIN_WAIT_MS = 200
const ENOUGH = 3
const DOUBTS: readonly string[] = ['long-unseen', 'answer-unseen']
/** The client gives up a constant time after its request. */
export const clientTimeout = {
  id: 'client-timeout',
  needs: ['packets', 'application'],
  refs: ['RFC 9293 §3.10.4', 'RFC 9110 §15.6.5'],
  confusedWith: ['server-stalled', 'client-cancelled', 'close-with-unread-data'],
  judge,
} as const satisfies Cause

/** A client that closed, by FIN or RST, while its answer was due. */
export interface GivenUp {
  connection: ConnectionFacts
  requestFrame: number
  waitedMs: number
  closedMs: number
  closeFrame: number
}

function judge(evidence: Evidence): Judgement {
  const left = evidence.connections
    .flatMap((c) => givenUp(c) ?? [])
    .filter(({ waitedMs }) => waitedMs >= MIN_WAIT_MS)
  const byServer = groupBy(left, ({ connection }) => connection.server.endpoint)
  const overflows = overflowsOf(evidence)
  const verdicts = [...byServer.values()].flatMap((all) => {
    const constant = densest(all, (g) => g.waitedMs)
    const certainty = constant === null ? null : certaintyOf(constant)
    if (constant === null || certainty === null) return []
    const unseen = constant.members.some((g) => unseenOctets(g.connection, 'server') > 0)
    const doubtful =
      unseen || constant.members.every((g) => answersMayBeTooLong(g.connection, evidence))
    const { endpoint } = constant.members[0]!.connection.server
    const queue = overflows.get(endpoint) ?? []
    const stands = standsStill(all, evidence)
    const loads = weighLoads('client-timeout', endpoint, evidence, 'receive-timeout')
    return constant.members.map((found) => ({
      ...withExperiments(
        verdictOf(found, constant, { certainty: doubtful ? 'possible' : certainty, doubtful }),
        loads,
        evidence,
      ),
      ...(queue.some((q) => q.fromMs < found.closedMs && q.toMs > askedMs(found))
        ? { consequenceOf: 'accept-queue-overflow' as const }
        : stands && !answersMayBeTooLong(found.connection, evidence)
          ? { consequenceOf: 'server-stalled' as const }
          : {}),
    }))
  })
  verdicts.push(...inTheMiddle(evidence), ...stoppedAnswers(evidence))
  const doubt = verdicts.find((v) => v.against.some((r) => DOUBTS.includes(r.key)))
  if (doubt === undefined) return { verdicts }
  const { address } = doubt.connections[0]!.server
  return {
    verdicts,
    unknown: {
      missing: [`whether ${address} sent answers that were lost on the way: a capture taken there`],
      ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  }
}

/** Of so many requests nearly none answered in time: it is the server that stands still, whatever its clients' limits. */
const MANY = 20
const NEARLY_ALL = 4

function standsStill(all: readonly GivenUp[], evidence: Evidence): boolean {
  const weight = (some: readonly GivenUp[]) => some.reduce((sum, g) => sum + g.connection.weight, 0)
  const late = all.filter(({ connection }) => connection.response !== null)
  const served = evidence.endpoints.get(all[0]!.connection.server.endpoint)?.served ?? 0
  // Where nothing is known of the protocol and no answer was ever seen, perhaps none is due.
  const answers = all.some((g) => isKnown(g, evidence))
  if (served === 0 && !answers) return false
  const inTime = Math.max(0, served - weight(late))
  return weight(all) >= MANY && weight(all) >= NEARLY_ALL * inTime
}

function isKnown({ connection }: GivenUp, { application }: Evidence): boolean {
  return (application.get(connection.id)?.protocol ?? 'unknown') !== 'unknown'
}

/** Clients whose limit is on the whole exchange: they leave at one age of the request, the answer still coming. */
function inTheMiddle(evidence: Evidence): Verdict[] {
  const left = leftInTheMiddle(evidence).byTimer.flatMap(({ connection, atMs, frame }) => {
    const { request } = connection
    if (request === null || atMs - request.startMs < MIN_WAIT_MS) return []
    const waitedMs = atMs - request.startMs
    const requestFrame = request.lastFrame
    return [{ connection, requestFrame, waitedMs, closedMs: atMs, closeFrame: frame }]
  })
  const byServer = groupBy(left, ({ connection }) => connection.server.endpoint)
  return [...byServer.values()].flatMap((all) => {
    const constant = densest(all, (g) => g.waitedMs)
    const certainty = constant === null ? null : certaintyOf(constant)
    if (constant === null || certainty === null) return []
    return constant.members.map((found) => ({
      ...verdictOf(found, constant, { certainty, doubtful: false }),
      variant: 'response-too-slow',
    }))
  })
}

function askedMs(found: GivenUp): number {
  return found.closedMs - found.waitedMs
}

/**
 * When SYNs of an endpoint went unanswered because its accept queue was full, by endpoint. What is merely possible for
 * each (text has no TTL, so nobody knows where it was captured) counts where it is possible for several.
 */
function overflowsOf(evidence: Evidence): Map<string, { fromMs: number; toMs: number }[]> {
  const overflows = new Map<string, { fromMs: number; toMs: number }[]>()
  const { verdicts } = acceptQueueOverflow.judge(evidence)
  const alike = new Map<string, number>()
  for (const { variant, group } of verdicts) {
    if (variant === 'syn-dropped') alike.set(group, (alike.get(group) ?? 0) + 1)
  }
  for (const { certainty, connections, group } of verdicts) {
    if (certainty === 'possible' && (alike.get(group) ?? 0) < ENOUGH) continue
    const spans = overflows.get(group) ?? []
    for (const c of connections) spans.push({ fromMs: c.startMs, toMs: c.lastMs })
    overflows.set(group, spans)
  }
  return overflows
}

/** null unless the request was delivered and the client closed before any octet of the answer reached it. */
export function givenUp(connection: ConnectionFacts): GivenUp | null {
  const { request, response, sides } = connection
  // Where the server's packets are not captured, nobody knows what had come before the client closed.
  if (connection.seen !== 'both') return null
  const closedMs = closeTime(connection, 'client')
  const serverClosed = closeTime(connection, 'server')
  if (request === null || closedMs === null || sides.client.inFlightOctets > 1) return null
  if (serverClosed !== null && serverClosed < closedMs) return null
  const late = response !== null && response.startMs > closedMs
  if ((!connection.requestPending && !late) || request.lastMs >= closedMs) return null
  const reset = connection.resets.find((r) => r.from === 'client')
  const closeFrame = sides.client.fin?.frame ?? reset?.frame ?? connection.lastFrame
  return {
    connection,
    requestFrame: request.lastFrame,
    waitedMs: closedMs - request.lastMs,
    closedMs,
    closeFrame,
  }
}

function certaintyOf(constant: Constant<GivenUp>): Certainty | null {
  const { members, of } = constant
  const round = roundSeconds(constant.ms) !== null
  const most = members.length * 2 > of
  if (members.length >= ENOUGH && most)
    return round || differentTimes(members) ? 'likely' : 'possible'
  if (members.length === 2 && most && round) return 'likely'
  return round && most ? 'possible' : null
}

/** Closed in one instant, equal waits say only that the requests came together. */
function differentTimes(members: readonly GivenUp[]): boolean {
  const times = members.map((m) => m.closedMs)
  return Math.max(...times) - Math.min(...times) > 100
}

function verdictOf(
  found: GivenUp,
  constant: Constant<GivenUp>,
  { certainty, doubtful }: { certainty: Certainty; doubtful: boolean },
): Verdict {
  const { connection } = found
  const at = connectionRef(connection)
  return {
    connections: [connection],
    certainty,
    severity: 'problem',
    weight: certainty === 'likely' ? 72 : 55,
    culprit:
      unseenOctets(connection, 'server') > 0
        ? { side: 'network' }
        : { side: 'server', host: connection.server.address },
    because: becauseOf(found, constant),
    against: [
      ...(constant.members.length === 1 ? [say('single', {}, at)] : []),
      ...(constant.members.length >= ENOUGH && !differentTimes(constant.members)
        ? [say('one-instant', { count: constant.members.length }, at)]
        : []),
      ...(doubtful ? [doubtOf(connection)] : []),
    ],
    values: { timeout: constant.ms },
    experiment: { patienceMs: constant.ms },
    group: connection.server.endpoint,
  }
}

/** The answer went out and did not come, or answers as long as that never do. */
function doubtOf(connection: ConnectionFacts): Reason {
  const octets = unseenOctets(connection, 'server')
  const last = connection.sides.server.lastFrame ?? connection.lastFrame
  return octets > 0
    ? say('answer-unseen', { octets }, atFrame(last, connection))
    : say('long-unseen', {}, connectionRef(connection))
}

function gaveUp({ connection, waitedMs, closedMs, closeFrame }: GivenUp): Reason {
  const at = atFrame(closeFrame, connection)
  const { response } = connection
  if (response === null || response.startMs > closedMs)
    return say('gave-up', { waited: waitedMs }, at)
  return say('left-in-answer', { waited: waitedMs, got: response.octets }, at)
}

function becauseOf(found: GivenUp, constant: Constant<GivenUp>): Reason[] {
  const { connection } = found
  const because = [say('request', {}, atFrame(found.requestFrame, connection)), gaveUp(found)]
  if (constant.members.length >= 2) {
    const values = { count: constant.members.length, of: constant.of }
    because.push(
      say(
        'constant',
        { ...values, timeout: constant.ms, spread: constant.spreadMs },
        connectionRef(connection),
      ),
    )
  }
  const round = roundSeconds(constant.ms)
  if (round !== null) because.push(say('round', { s: round }, connectionRef(connection)))
  const { response } = connection
  if (response !== null && response.startMs > found.closedMs) {
    const later = response.startMs - found.closedMs
    because.push(say('too-late', { later }, atFrame(response.startFrame, connection)))
  }
  return because
}
