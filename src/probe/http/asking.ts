import type { OpenOptions, ProbePort } from '../port.ts'
import type { HttpOptions } from '../probes/http.ts'
import { Conversation, type HttpAnswer, type NoAnswer } from './conversation.ts'
import type { RaceAttempt } from './report.ts'

/** What every part of `probe http` works with. */
export interface Asking {
  options: HttpOptions
  to: OpenOptions
  port: ProbePort
  stop: AbortSignal
  get: Uint8Array
  /** Of every connection so far. */
  handshakesMs: number[]
  /** What is waited for, and until when at most, on the port's clock. */
  step: { is: 'idle' | 'race'; untilMs: number } | null
}

/** Told before: new connections, and requests, of all that goes on at the same time. */
export const PER_SECOND = 40
/** On the one connection that carries many, while others become idle. */
export const MANY_PER_SECOND = 25
/** Connections of the race: each asks twice, and may do so within one second. Timers may be late: not quite half. */
export const RACE_PER_SECOND = 18

export async function connected({ to, port, options, handshakesMs }: Asking) {
  const conversation = new Conversation(port)
  const failed = await conversation.open(to, options.timeoutMs)
  if (conversation.handshakeMs !== null) handshakesMs.push(conversation.handshakeMs)
  return { conversation, failed }
}

/** A server that says 408 has not read the request. */
const REQUEST_TIMEOUT = 408

export function outcomeOf(
  answer: HttpAnswer | NoAnswer,
): Exclude<RaceAttempt['outcome'], 'in-time'> {
  if (answer.is === 'answered') return answer.status === REQUEST_TIMEOUT ? 'closed' : 'answered'
  return answer.is === 'malformed' || answer.is === 'failed' ? 'reset' : answer.is
}

export function pause(port: ProbePort, ms: number): Promise<void> {
  return new Promise((done) => port.after(ms, done))
}
