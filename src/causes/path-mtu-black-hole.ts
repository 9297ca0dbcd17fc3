import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { holeAtReceiver, MIN_LOST } from './hole-at-receiver.ts'
import { connectionsBetween, countsBy, once } from './once.ts'
import { weighed, weighUploads } from './weigh-experiments.ts'
import { captureSide, fatesOf } from './where.ts'

const say = reasonsOf('path-mtu-black-hole')

const MIN_TIMES = 3
const ALIVE_MS = 1000 // an answer that was on its way when the loss began does not count

const ENDINGS = ['timed-out', 'open', 'reset', 'reset-after-fin', 'half-closed', 'clean'] as const

/** Long segments never arrive, short ones do: a narrow link whose ICMP message does not come back. */
export const pathMtuBlackHole = {
  id: 'path-mtu-black-hole',
  needs: ['packets', 'experiment'],
  refs: ['RFC 2923 §2.1', 'RFC 1191', 'RFC 8201', 'RFC 4821'],
  confusedWith: ['path-lost', 'packet-loss', 'middlebox-idle-timeout'],
  judge: (evidence) =>
    weighed(judgeEach(evidence, ENDINGS, judgeOne), evidence, (verdict, endpoint) => {
      const [first] = verdict.connections
      // Bodies go the way of the client's segments.
      if (verdict.values?.['sender'] !== first?.client.address) return []
      return weighUploads('path-mtu-black-hole', endpoint, evidence, 'stuck')
    }),
} as const satisfies Cause

interface Hole {
  side: Side
  lost: number
  passed: number
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const hole = holeOf(connection, evidence)
  if (hole === null) return judgeReceiver(connection, evidence)
  if (!isBlackHole(connection, evidence)) return null
  const alike = holes(evidence).get(holeKey(connection, hole)) ?? 0
  const heard = heardAfterLoss(connection, hole.side)
  const lost = lostBetween(connection, hole.side, evidence)
  const likely = (hole.passed > 0 && (heard || alike >= 2)) || lost > 0
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: lost > 0 ? 90 : likely ? 82 : 55,
    culprit: { side: 'network' },
    because: becauseOf(connection, hole, { alike, lost }),
    against:
      hole.passed === 0 && lost === 0 ? [say('no-short-data', {}, connectionRef(connection))] : [],
    values: {
      lost: hole.lost,
      passed: hole.passed,
      sender: connection[hole.side].address,
      receiver: connection[otherSide(hole.side)].address,
    },
    group: `${connection[hole.side].address} ${connection[otherSide(hole.side)].address}`,
  }
}

/** Connections with such a hole, by the ends and the direction. */
const holes = once((evidence) =>
  countsBy(evidence.connections, (c) => {
    const hole = holeOf(c, evidence)
    return hole === null ? null : holeKey(c, hole)
  }),
)

function holeKey({ client, server }: ConnectionFacts, { side }: { side: Side }): string {
  return `${side} ${client.address} ${server.address}`
}

const holesAtReceiver = once((evidence) =>
  countsBy(evidence.connections, (c) => {
    const hole = holeAtReceiver(c, evidence)
    return hole === null ? null : senderKey(c, hole)
  }),
)

function senderKey(connection: ConnectionFacts, { side }: { side: Side }): string {
  return `${side} ${connection[side].address}`
}

/** From the end at which the long segments do not arrive: nobody sees them, only that their octets are missing. */
function judgeReceiver(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const hole = holeAtReceiver(connection, evidence)
  if (hole === null) return null
  const { side, full, missing, segments, passed } = hole
  const sender = connection[side].address
  const receiver = connection[otherSide(side)].address
  const alike = holesAtReceiver(evidence).get(senderKey(connection, hole)) ?? 0
  const likely = segments !== null && passed > 0 && hole.heardMs >= ALIVE_MS
  const ref = connectionRef(connection)
  const at = atFrame(hole.frame, connection)
  const because = [say('hole', { who: side, missing, for: hole.forMs }, at)]
  if (segments !== null) because.push(say('full-segments', { segments, full }, at))
  if (passed > 0) because.push(say('short-came', { passed, full }, ref))
  if (hole.heardMs >= ALIVE_MS) because.push(say('heard-after', { after: hole.heardMs }, ref))
  if (alike >= 2) because.push(say('several', { count: alike }, ref))
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 82 : 58,
    culprit: { side: 'network' },
    because,
    against: [
      say('sender-unseen', {}, ref),
      ...(passed > 0 ? [] : [say('no-short-data', {}, ref)]),
    ],
    values: { lost: full, passed, sender, receiver },
    group: `${sender} ${receiver}`,
  }
}

/** Long segments are lost and the path as such works: the peer is heard, here or from the same address elsewhere. */
export function isBlackHole(connection: ConnectionFacts, evidence: Evidence): boolean {
  const hole = holeOf(connection, evidence)
  if (hole === null || passesElsewhere(connection, hole, evidence)) return false
  if (heardAfterLoss(connection, hole.side)) return true
  const fromMs = connection.sides[hole.side].unanswered?.firstMs ?? 0
  for (const endpoint of evidence.endpoints.values()) {
    if (endpoint.address !== connection.server.address) continue
    if ((endpoint.lastAnswerMs ?? 0) > fromMs + ALIVE_MS) return true
  }
  return false
}

/**
 * Seen from the client alone, an answer of long segments that are all lost is no answer at all. That can be so where the
 * handshake allows long ones and none of this server has ever arrived.
 */
export function answersMayBeTooLong(connection: ConnectionFacts, evidence: Evidence): boolean {
  if (evidence.vantage !== null || captureSide(connection, evidence) === 'server') return false
  const { client, server } = connection
  const path = evidence.paths.get(`${client.address} ${server.address}`)
  const largest = path?.largestDelivered?.server ?? null
  if (largest === null || largest >= MIN_LOST) return false
  // A server that still had an answer, or a FIN of its own, for a client that had left was slow and nothing else.
  const { fin, payloadOctets } = connection.sides.server
  return fin === null && payloadOctets === 0
}

/** The side whose long segments were repeated and never acknowledged, while everything shorter was, here or elsewhere on the path. */
function holeOf(connection: ConnectionFacts, evidence: Evidence): Hole | null {
  if (connection.seen !== 'both') return null
  for (const side of ['client', 'server'] as const) {
    const { unanswered, smallestLostSegment: lost, largestAckedSegment } = connection.sides[side]
    const own = largestAckedSegment ?? 0
    if (unanswered === null || unanswered.what !== 'data' || unanswered.times < MIN_TIMES) continue
    if (lost === null || lost < MIN_LOST || lost <= own || unanswered.len < lost) continue
    const passed = own > 0 ? own : passedOnPath(connection, side, { lost, evidence })
    // Neither long nor short data ever passed and the peer is mute: the path is lost, not narrow.
    if (passed === 0 && !heardAfterLoss(connection, side)) continue
    return { side, lost, passed }
  }
  return null
}

/** Two captures: the long segments left and did not arrive, while the side's bare acknowledgments did. */
function lostBetween(connection: ConnectionFacts, side: Side, evidence: Evidence): number {
  if (connection.sides[otherSide(side)].ackedOctets === 0) return 0
  const data = fatesOf(connection, evidence).filter((f) => f.kind === 'data' && f.from === side)
  const fromMs = connection.sides[side].unanswered?.firstMs ?? Infinity
  const late = data.filter((f) => f.tMs >= fromMs)
  return late.every((f) => f.fate === 'lost') ? late.length : 0
}

/** Short data of that side on other connections of the path: that compares as well. 0: none, or long ones passed, too. */
function passedOnPath(
  connection: ConnectionFacts,
  side: Side,
  { lost, evidence }: { lost: number; evidence: Evidence },
): number {
  const path = evidence.paths.get(`${connection.client.address} ${connection.server.address}`)
  const largest = path?.largestDelivered?.[side] ?? 0
  return largest < lost ? largest : 0
}

/** The peer was heard while the long segments were being repeated: the path as such works. */
function heardAfterLoss(connection: ConnectionFacts, side: Side): boolean {
  const unanswered = connection.sides[side].unanswered
  const heard = connection.sides[otherSide(side)].lastMs
  return unanswered !== null && heard !== null && heard > unanswered.firstMs
}

function passesElsewhere(connection: ConnectionFacts, hole: Hole, evidence: Evidence): boolean {
  const { client, server } = connection
  const between = { client: client.address, server: server.address }
  return connectionsBetween(between, evidence).some(
    (c) => c.id !== connection.id && (c.sides[hole.side].largestAckedSegment ?? 0) >= hole.lost,
  )
}

function becauseOf(
  connection: ConnectionFacts,
  hole: Hole,
  { alike, lost: between }: { alike: number; lost: number },
): Reason[] {
  const { side, lost, passed } = hole
  const own = connection.sides[side]
  const unanswered = own.unanswered!
  const span = unanswered.lastMs - unanswered.firstMs
  const ref = connectionRef(connection)
  const because = [
    say(
      'long-lost',
      { who: side, octets: unanswered.len, times: unanswered.times, span },
      atFrame(unanswered.firstFrame, connection),
    ),
  ]
  if (between > 0) {
    because.push(say('lost-between', { who: side, segments: between }, ref))
  }
  if (passed > 0)
    because.push(
      say(
        own.largestAckedSegment > 0 ? 'short-passed' : 'short-passed-elsewhere',
        { passed, lost },
        ref,
      ),
    )
  if (heardAfterLoss(connection, side))
    because.push(say('peer-heard', { who: otherSide(side) }, ref))
  if (alike >= 2) because.push(say('several', { count: alike }, ref))
  const mss = connection.sides[otherSide(side)].mss
  if (mss !== null && mss >= lost) because.push(say('mss-allows', { mss }, ref))
  const icmp = connection.icmp.find((i) => i.meaning === 'fragmentation-needed' || i.mtu !== null)
  because.push(
    icmp === undefined
      ? say('no-icmp', {}, ref)
      : say('icmp', { mtu: icmp.mtu ?? 0, from: icmp.from }, atFrame(icmp.frame, connection)),
  )
  return because
}
