import type { ProbeHead, TargetSeen } from '../report.ts'
import type { Outcome } from './types.ts'

/** Result of `tcpwhy probe idle`. */
export interface IdleReport extends ProbeHead {
  probe: 'idle'
  settings: IdleSettings
  targets: IdleTarget[]
  /** What the conclusion takes for granted. */
  assumed: string[]
  /** Values for the clients and servers of this path, chosen below what was found. Empty where no limit was found. */
  advice: IdleAdvice[]
}

export interface IdleSettings {
  maxMs: number
  precisionMs: number
  /** "60/60/5" as given; null = chosen when the limit was known. */
  keepalive: string | null
  /** What was said before and after each silence. */
  request: 'http' | 'file' | 'octet' | 'mysql-ping' | 'keepalive-probe'
}

export interface IdleTarget extends TargetSeen {
  /** What it says of itself: the Server field of its first answer, the version in a MySQL greeting; null = nothing. */
  banner: string | null
  /** By which proxies its answers came: their Via field. */
  via: string | null
  /** What its answers promise, seconds: Keep-Alive: timeout=N. */
  promisedS: number | null
  runs: IdleRun[]
}

/** One way to be silent, tried for many silences, each on a connection of its own. */
export interface IdleRun {
  /** 'off', or TCP_KEEPIDLE/TCP_KEEPINTVL/TCP_KEEPCNT: "60/60/5". */
  keepalive: string
  traffic: 'none' | 'heartbeat'
  /** The limit is longer than this; 0 when no silence was survived. */
  longestSurvivedMs: number
  /** And not longer than this; null when nothing died. */
  shortestDiedMs: number | null
  flavour: 'reset' | 'silent' | 'fin' | null
  by: 'server' | 'middlebox' | 'unknown' | null
  /** Shortest silence first. */
  attempts: IdleAttempt[]
}

export interface IdleAttempt {
  silenceMs: number
  outcome: Outcome
  /** It ended at the first packet after the silence, not by itself. */
  onSend?: boolean
  /** The system's words, or why it was unusable. */
  code?: string
}

export interface IdleAdvice {
  /** As `--for-client` takes it: "undici". */
  id: string
  who: string
  side: 'client' | 'server' | 'host'
  speaks: 'http' | 'sql' | 'any'
  /** A line to copy. */
  setting: string
  /** Why it is taken to be in use here; null = it may be. */
  inUse: string | null
}
