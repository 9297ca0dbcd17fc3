import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'

/** A SYN that was answered by a bare ACK: the server still had a connection of these addresses and ports. */
export interface TupleReuse {
  ackFrame: number
  /** The client's RST that answers the unexpected ACK (RFC 9293 §3.5.1, figure 9). */
  reset: ResetFacts | null
  /** When the handshake succeeded in the end, in ms after the first SYN; null = never. */
  delayMs: number | null
  /** What the capture shows of the old connection: closed by FINs within TIME-WAIT, still there, or nothing. */
  old: 'closed' | 'alive' | 'unseen'
  sinceOldMs: number | null
}

const TIME_WAIT_MS = 60_000 // Linux TCP_TIMEWAIT_LEN
const TIME_WAIT_LONGEST_MS = 240_000 // 2 MSL of RFC 9293 §3.4.2; Windows' old default

export function tupleReuse(connection: ConnectionFacts): TupleReuse | null {
  const { answeredByAckFrame, synAckMs, synTimesMs } = connection.handshake
  if (answeredByAckFrame === null) return null
  const first = synTimesMs[0] ?? connection.startMs
  const { previous } = connection
  const sinceOldMs = previous === null ? null : first - previous.lastMs
  return {
    ackFrame: answeredByAckFrame,
    reset:
      connection.resets.find((r) => r.from === 'client' && r.frame > answeredByAckFrame) ?? null,
    delayMs: synAckMs === null ? null : synAckMs - first,
    old: oldState(previous, sinceOldMs, first),
    sinceOldMs,
  }
}

/** Beyond this a delay is felt: Linux before 6.x repeats the SYN only after 1 s (RFC 6298 (2.1)). */
const FELT_MS = 500

/** A collision that was overcome within a round trip or two is worth a notice, no more. */
export function severityOf(reuse: TupleReuse): 'problem' | 'notice' {
  return reuse.delayMs === null || reuse.delayMs >= FELT_MS ? 'problem' : 'notice'
}

const CLOSED: readonly string[] = ['clean', 'reset-after-close']

function oldState(
  previous: ConnectionFacts['previous'],
  sinceOldMs: number | null,
  firstSynMs: number,
): TupleReuse['old'] {
  // Unseen, but a TIME-WAIT from before the capture would be over: something older is still there.
  if (previous === null) return firstSynMs > TIME_WAIT_LONGEST_MS ? 'alive' : 'unseen'
  const closed = CLOSED.includes(previous.ending)
  return closed && (sinceOldMs ?? 0) <= TIME_WAIT_MS ? 'closed' : 'alive'
}
