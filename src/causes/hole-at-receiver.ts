import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { otherSide } from './cause.ts'
import { unseenOctets } from './closing.ts'
import { captureSide } from './where.ts'

/** No path drops less: IPv4 hosts take 576 octets (RFC 791). */
export const MIN_LOST = 500
/** A lost segment is sent again after 200 ms, 400 ms, 800 ms: what is missing for longer was lost each time. */
const MISSING_MS = 1500
/** Room that the timestamp option takes of each segment (RFC 7323 §3). */
const TIMESTAMPS_OCTETS = 12

/** Octets that a side has sent, by its later sequence numbers, and that never came, seen from the other end. */
export interface HoleAtReceiver {
  side: Side
  /** Payload of a full segment of that side, as the handshake allows. */
  full: number
  /** Octets missing, and how many full segments they are if they are that exactly. */
  missing: number
  segments: number | null
  /** Longest payload of that side that came, on this connection or another of the two hosts. */
  passed: number
  forMs: number
  /** A segment of that side that shows the hole. */
  frame: number
  /** That side was heard again so long after the hole was first seen. */
  heardMs: number
}

/**
 * Seen from the receiver alone, a narrow path is a hole that is never filled while shorter segments of the sender still
 * come. null: nothing is missing, it came after all, or such segments pass.
 */
export function holeAtReceiver(
  connection: ConnectionFacts,
  evidence: Evidence,
): HoleAtReceiver | null {
  if (evidence.vantage !== null || connection.seen !== 'both') return null
  for (const side of ['server', 'client'] as const) {
    const hole = holeOf(connection, side, evidence)
    if (hole !== null) return hole
  }
  return null
}

function holeOf(
  connection: ConnectionFacts,
  side: Side,
  evidence: Evidence,
): HoleAtReceiver | null {
  if (captureSide(connection, evidence) === side) return null
  const { missingOctets, timestamps, lastMs } = connection.sides[side]
  const missing = unseenOctets(connection, side)
  // What the receiver acknowledged has come, and is only not in the capture.
  if (missing < MIN_LOST || missingOctets > 0) return null
  const { mss } = connection.sides[otherSide(side)]
  if (mss === null) return null
  const full = mss - (timestamps ? TIMESTAMPS_OCTETS : 0)
  const passed = longestPassed(connection, side, evidence)
  const own = [...connection.head, ...connection.tail].filter((s) => s.from === side)
  const first = own.find((s) => s.note === 'after-gap') ?? own.at(-1)
  if (first === undefined || passed >= Math.min(full, missing)) return null
  const since = firstMissed(connection, side, first.tMs)
  const forMs = connection.captureEndMs - since
  if (forMs < MISSING_MS) return null
  return {
    side,
    full,
    missing,
    segments: missing % full === 0 ? missing / full : null,
    passed,
    forMs,
    frame: first.frame,
    heardMs: (lastMs ?? since) - since,
  }
}

/** When the sender began to send what did not come: its answer is as old as the request it acknowledged. */
function firstMissed(connection: ConnectionFacts, side: Side, shownMs: number): number {
  const own = connection.sides[side]
  const peer = connection.sides[otherSide(side)]
  const asked = side === 'server' && own.payloadOctets === 0 ? peer.lastDataMs : null
  return asked === null ? shownMs : Math.min(asked, shownMs)
}

function longestPassed(connection: ConnectionFacts, side: Side, evidence: Evidence): number {
  const path = evidence.paths.get(`${connection.client.address} ${connection.server.address}`)
  const seen = [...connection.head, ...connection.tail].filter((s) => s.from === side)
  return Math.max(
    path?.largestDelivered?.[side] ?? 0,
    connection.sides[side].largestAckedSegment,
    ...seen.map((s) => s.len),
  )
}
