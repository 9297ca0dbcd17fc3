import type { Keepalive, PacketSeen } from '../port.ts'
import type { MysqlLogin } from './mysql.ts'

/** One connection that is to be silent for a while: what is tried. */
export interface Trial {
  /** How long nothing of ours is sent. */
  silenceMs: number
  keepalive: Keepalive | null
  /** The request again and again, so often. */
  heartbeatMs: number | null
}

/**
 * What became of it. 'ok': it still worked after the silence. 'fin', 'reset': it was ended, by itself during the silence or in answer to
 * what was sent after it (`onSend`). 'silent': what was sent after it had no answer. 'unusable': it never worked, so that it says
 * nothing about silences.
 */
export type Outcome = 'ok' | 'fin' | 'reset' | 'silent' | 'unusable'

export interface TrialResult extends Trial {
  outcome: Outcome
  /** The silence was at least and at most so long: its beginning is somewhere in the last exchange. */
  fromMs: number
  toMs: number
  /** It ended in answer to what was sent after the silence, not by itself. */
  onSend: boolean
  /** Of 'unusable' and 'reset': the system's words. */
  code: string | null
  /** Our port: by it the packets of this connection are found. */
  localPort: number | null
  /** What the wire showed of this connection, where it was watched. */
  seen: readonly PacketSeen[]
  /** What the server said of itself. */
  banner?: string | null
  /** By which proxies its answer came: the Via field. */
  via?: string | null
  /** Of Keep-Alive: timeout=N in its last answer, seconds. */
  promisedS?: number | null
}

/** How far the search of one target is. */
export interface SearchState {
  step: 'ladder' | 'fan'
  /** Trials of this step of which is told what became of them, and how many it has. */
  told: number
  of: number
  /** Connections of this target that are silent now. */
  silent: number
  /** What is known so far: the longest silence that was survived, 0 = none; the shortest that one died of. */
  survivedMs: number
  diedMs: number | null
  /** On the port's clock: when it is over, as far as can be told; before anything has died: if nothing does. */
  overAtMs: number
}

/** What is said on the connection: before the silence, after it, and as a heartbeat. */
export type Talk =
  /** A request that is answered. */
  | { is: 'http'; request: Uint8Array }
  /** Octets; that they were acknowledged is enough, an answer is not waited for. */
  | { is: 'octets'; octets: Uint8Array }
  /** A login, then COM_PING; its OK is waited for. */
  | { is: 'mysql'; login: MysqlLogin }
  /** Nothing: a keepalive probe after the silence. */
  | { is: 'keepalive-probe' }
