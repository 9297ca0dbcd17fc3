import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, MessageFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  judgeEach,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { givenUp } from './client-timeout.ts'
import { closeTime, toleranceMs, unseenOctets } from './closing.ts'
import { protocolOf } from './farewell.ts'
import { judgeStalled } from './machine/server-stalled.ts'
import { countsBy, once } from './once.ts'
import { answersMayBeTooLong } from './path-mtu-black-hole.ts'
import { roundSeconds } from './round.ts'
import { weighConnects, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('server-stalled')

/** A client's limit of 1 s, whose clock begins before the request is on the wire. */
const GAVE_UP_MS = 950
const WAITING_MS = 5000
const SEVERAL = 3
const UNPROMPTED_MS = 1000
const INSTANT_MS = 10
const LONGER = 2 // than the slowest answer that was seen: shorter may be an answer that is merely due

/** The request was acknowledged by the server's kernel; its application gives no answer. Not a fault of TCP. */
export const serverStalled = {
  id: 'server-stalled',
  needs: ['packets', 'kernel', 'application'],
  refs: ['RFC 9293 §3.8.4', 'RFC 9110 §15.6.5'],
  confusedWith: ['client-timeout', 'pool-starvation', 'descriptor-exhaustion', 'zero-window-stall'],
  judge,
  judgeMachine: judgeStalled,
} as const satisfies Cause

export interface Stall {
  connection: ConnectionFacts
  waitedMs: number
  /** How the wait ended: the client left, the server closed without an answer, or the capture ended. */
  until: 'client-left' | 'server-closed' | 'capture-end'
}

/** A delivered request without an octet of answer; null when the answer came or the request never arrived. */
export function stallOf(connection: ConnectionFacts): Stall | null {
  if (unseenOctets(connection, 'server') > 0) return null // it had answered, and that was lost
  const left = givenUp(connection)
  if (left !== null) {
    return left.waitedMs < GAVE_UP_MS
      ? null
      : { connection, waitedMs: left.waitedMs, until: 'client-left' }
  }
  const { request, sides } = connection
  if (!connection.requestPending || request === null) return null
  if (sides.client.inFlightOctets > 0 || sides.client.unanswered !== null) return null
  if (sides.server.zeroWindow.openAtEnd || sides.client.zeroWindow.openAtEnd) return null
  if (connection.seen !== 'both') return null
  const serverClosed = closedByServer(connection, request.startMs)
  const endMs = serverClosed ?? connection.captureEndMs
  const waitedMs = endMs - deliveredMs(connection, request)
  if (waitedMs < WAITING_MS) return null
  return { connection, waitedMs, until: serverClosed === null ? 'capture-end' : 'server-closed' }
}

/**
 * When the server had the whole request: its last octet may have been sent again and again until it got through. Taken from
 * the acknowledgement where anything was sent again, which is late by half a round trip at most.
 */
function deliveredMs({ head, tail, sides }: ConnectionFacts, request: MessageFacts): number {
  const { rto, fast } = sides.client.retransmissions
  if (rto + fast === 0) return request.lastMs
  const end = request.seq + request.octets
  const taken = [...head, ...tail].find((s) => s.from === 'server' && s.ack >= end)
  return Math.max(request.lastMs, taken?.tMs ?? 0)
}

/** Also by the reset of a stack that does not know the connection: that is an answer. */
function closedByServer(connection: ConnectionFacts, fromMs: number): number | null {
  const closed = closeTime(connection, 'server')
  const reset = connection.resets.find(
    (r) => r.from === 'server' && r.accepted !== false && r.tMs >= fromMs,
  )
  if (reset === undefined) return closed
  return closed === null ? reset.tMs : Math.min(closed, reset.tMs)
}

const ENDINGS = ['open', 'half-closed', 'clean', 'reset', 'reset-after-fin'] as const

function judge(evidence: Evidence): Judgement {
  const due: { stall: Stall; slowest: number }[] = []
  const answers = slowestAnswers(evidence)
  const { verdicts } = judgeEach(evidence, ENDINGS, (connection) => {
    const stall = stallOf(connection)
    if (stall === null) return null
    const atEnd = stall.until === 'capture-end'
    const slowest = atEnd ? (answers.get(connection.server.endpoint) ?? 0) : 0
    if (stall.waitedMs > slowest) return judgeOne(stall, slowest, evidence)
    due.push({ stall, slowest })
    return null
  })
  const longest = due.reduce((a, b) => (b.stall.waitedMs > a.stall.waitedMs ? b : a), due[0]!)
  if (verdicts.length > 0 || longest === undefined) return { verdicts }
  return { verdicts, unknown: stillDue(longest.stall, longest.slowest, due.length) }
}

/** The capture ends before the age at which other requests were answered. */
function stillDue({ connection, waitedMs }: Stall, slowest: number, count: number): Unknown {
  const [waited, usual] = [waitedMs, slowest].map((ms) => (ms / 1000).toFixed(2))
  const requests = count === 1 ? 'a request' : `${count} requests`
  return {
    missing: [
      `the answer to ${requests} to ${connection.server.endpoint}: the capture ends ${waited} s after it was asked, others were answered after up to ${usual} s`,
    ],
    ask: `tcpdump -i any -w longer.pcap 'tcp port ${connection.server.port}' # for longer`,
  }
}

/** By endpoint: the longest that it let a client wait and then answered, on any listed connection. */
function slowestAnswers(evidence: Evidence): Map<string, number> {
  const slowest = new Map<string, number>()
  for (const c of evidence.connections) {
    const { endpoint } = c.server
    slowest.set(endpoint, Math.max(slowest.get(endpoint) ?? 0, slowestAnswer(c)))
  }
  return slowest
}

function slowestAnswer({ head, tail, sides }: ConnectionFacts): number {
  const isWhole = head.length + tail.length === sides.client.packets + sides.server.packets
  let slowest = 0
  // Between the first and the last segments others may be left out, and with them the request that an answer is to.
  for (const run of isWhole ? [[...head, ...tail]] : [head, tail]) {
    const data = run.filter(({ len }) => len > 0)
    for (const [i, answer] of data.entries()) {
      const asked = data[i - 1]
      if (answer.from !== 'server' || asked?.from !== 'client') continue
      slowest = Math.max(slowest, answer.tMs - asked.tMs)
    }
  }
  return slowest
}

/**
 * How many requests the same client left in the same instant; null for fewer than three, or when they were equally old and
 * that a round time: a timeout of the client ends those together, and the server was slower than that.
 */
function leftTogether({ connection, waitedMs }: Stall, evidence: Evidence): number | null {
  const leftMs = closeTime(connection, 'client')
  if (leftMs === null) return null
  const ages = (leftWithRequest(evidence).get(connection.client.address) ?? [])
    .filter(({ closedMs }) => Math.abs(closedMs - leftMs) <= INSTANT_MS)
    .map(({ ageMs }) => ageMs)
  if (ages.length < SEVERAL) return null
  const sameAge = Math.max(...ages) - Math.min(...ages) <= toleranceMs(Math.min(...ages))
  return sameAge && roundSeconds(waitedMs) !== null ? null : ages.length
}

/** When clients left, and how old their last request was then, by the client's address. */
const leftWithRequest = once(({ connections }) =>
  groupBy(
    connections.flatMap((c) => {
      const closedMs = closeTime(c, 'client')
      if (closedMs === null || c.request === null) return []
      return [{ of: c.client.address, closedMs, ageMs: closedMs - c.request.lastMs }]
    }),
    ({ of }) => of,
  ),
)

/** Connections that stall, by the server's endpoint. */
const stalled = once(({ connections }) =>
  countsBy(connections, (c) => (stallOf(c) === null ? null : c.server.endpoint)),
)

function judgeOne(stall: Stall, slowest: number, evidence: Evidence): Verdict {
  const { connection } = stall
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  const alike = stalled(evidence).get(connection.server.endpoint) ?? 0
  const protocol = protocolOf(connection, evidence) ?? 'unknown'
  const oneWay = (endpoint?.served ?? 0) === 0 && protocol === 'unknown'
  // Under TLS the last record of a client may be one that nobody answers: an alert, a key update.
  const patient = stall.until === 'capture-end' && protocol === 'tls'
  const telling = stall.until !== 'capture-end' || alike >= SEVERAL || connection.exchanges > 1
  const doubtful = answersMayBeTooLong(connection, evidence)
  // Where either side may ask (tunnels, SIP, message buses), the last message of the client can be an answer.
  const prompted = protocol === 'unknown' ? promptedAfter(connection) : null
  const usual = slowest * LONGER > stall.waitedMs ? slowest : null
  const together = stall.until === 'client-left' ? leftTogether(stall, evidence) : null
  const sure = !oneWay && !patient && !doubtful && prompted === null
  const likely = telling && sure && usual === null && together === null
  const verdict: Verdict = {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 60 : 45,
    culprit: { side: 'server', host: connection.server.address },
    because: becauseOf(stall, alike),
    against: againstOf(stall, { oneWay, doubtful, prompted, usual, together }),
    values: { waited: stall.waitedMs },
    group: connection.server.endpoint,
  }
  // It asked by HTTP: silence of a server of something else says nothing.
  const sameQuestion = protocol === 'http'
  const experiments = weighConnects('server-stalled', verdict.group, evidence, ({ outcome }) => {
    if (outcome === 'never-served') return sameQuestion ? 'confirms' : 'supports'
    return outcome === 'served' ? 'contradicts' : null
  })
  return withExperiments(verdict, experiments, evidence)
}

/**
 * How long nothing had been sent when the server began to speak, if the client's last message followed that at once;
 * null when the client spoke of its own accord, or when earlier segments are not kept.
 */
function promptedAfter(connection: ConnectionFacts): number | null {
  const { request } = connection
  if (request === null) return null
  const data = [...connection.head, ...connection.tail].filter(({ len }) => len > 0)
  const before = data.filter(
    ({ tMs, frame }) => tMs <= request.startMs && frame < request.startFrame,
  )
  const lastAsked = before.findLastIndex(({ from }) => from === 'client')
  const spoke = before[lastAsked + 1]
  if (lastAsked < 0 || spoke === undefined) return null
  const idle = spoke.tMs - before[lastAsked]!.tMs
  const pause = request.startMs - before[before.length - 1]!.tMs
  return idle >= UNPROMPTED_MS && pause * 4 < idle ? idle : null
}

function becauseOf(stall: Stall, alike: number): Reason[] {
  const { connection, waitedMs, until } = stall
  const request = connection.request!
  const ref = connectionRef(connection)
  const because = [
    say('acknowledged', { octets: request.octets }, atFrame(request.lastFrame, connection)),
    say(`until-${until}`, { waited: waitedMs }, ref),
  ]
  if (connection.exchanges > 1) {
    because.push(say('answered-before', { count: connection.exchanges - 1 }, ref))
  }
  if (alike >= SEVERAL) because.push(say('several', { count: alike }, ref))
  return because
}

function againstOf(
  stall: Stall,
  told: {
    oneWay: boolean
    doubtful: boolean
    prompted: number | null
    usual: number | null
    together: number | null
  },
): Reason[] {
  const ref = connectionRef(stall.connection)
  if (told.oneWay) return [say('one-way', {}, ref)]
  const against = told.doubtful ? [say('long-unseen', {}, ref)] : []
  if (told.usual !== null) against.push(say('slow-answers', { slowest: told.usual }, ref))
  if (told.together !== null) against.push(say('left-together', { count: told.together }, ref))
  if (told.prompted !== null) return [...against, say('an-answer', { idle: told.prompted }, ref)]
  return stall.until === 'capture-end' ? [...against, say('may-answer', {}, ref)] : against
}
