import type { ProbeHead, TargetSeen } from '../report.ts'
import type { Visit } from '../visit.ts'

/** Result of `tcpwhy probe connect`. */
export interface ConnectReport extends ProbeHead {
  probe: 'connect'
  /** How long the name took, and all its addresses; null for an address. */
  dns: { ms: number; addresses: string[] } | null
  /** One an address family, side by side. */
  targets: ConnectTarget[]
  /** What is missing to say more. */
  missing: string[]
}

export interface ConnectTarget extends TargetSeen {
  family: 4 | 6
  verdict: ConnectVerdict
  visit: Visit
  /** Null: nothing of TTLs is known. */
  hops: Hops | null
  /** The SYN was answered by an ICMP error, and by whom; null: by none, or it was not watched. */
  icmp: { from: string | null } | null
}

/** What became of it. 'connected': the handshake is done and nothing was asked. */
export type ConnectVerdict =
  | 'served'
  | 'connected'
  | 'refused'
  | 'filtered'
  | 'unreachable'
  | 'reset-in-handshake'
  | 'reset-on-request'
  | 'closed-on-request'
  | 'not-acknowledged'
  | 'never-served'
  | 'tls-failed'
  | 'no-local-resource'
  | 'broken-answer'
  | 'failed'

/** Who answers SYNs that may go so many hops. */
export interface Hops {
  /** Routers that said that the TTL was used up, nearest first; null where one said nothing. */
  routers: { ttl: number; from: string | null; ms: number | null }[]
  /** The first TTL with which the SYN was answered, and by what. */
  answered: { ttl: number; by: 'syn-ack' | 'rst' | 'unreachable'; from: string | null } | null
  /** TTL of that answer as it came in, and the hops that it has behind it if it began at 64, 128 or 255. */
  answerTtl: number | null
  answerHops: number | null
}
