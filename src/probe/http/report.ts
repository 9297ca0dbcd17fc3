import type { ProbeHead, TargetSeen } from '../report.ts'

/** Result of `tcpwhy probe http`. */
export interface HttpReport extends ProbeHead {
  probe: 'http'
  targets: TargetSeen[]
  path: string
  /** The first request; null: it was not answered, see `conclusion`. */
  first: { status: number; server: string | null; ms: number } | null
  keepAlive: {
    /** By the answer: HTTP/1.1 without Connection: close. */
    offered: boolean
    /** Really: a second request on the same connection was answered; null = not tried. */
    kept: boolean | null
    /** Keep-Alive: timeout=N, max=N. */
    saysTimeoutS: number | null
    saysMaxRequests: number | null
  }
  /** The shortest handshake: so long a request and a FIN can cross; null = there was none. */
  roundTripMs: number | null
  /** Idle connections after their first answer. */
  idle: {
    /** As we saw it, of several the middle one. Null: still open after `waitedMs`. */
    closedAfterMs: number | null
    how: 'fin' | 'reset' | null
    waitedMs: number
    /** Of those that were not closed: whether a request after `waitedMs` was answered. Null: all were closed, or none was asked. */
    answered: boolean | null
    /** The first and the last of those that were closed. */
    closed: { connections: number; leastMs: number; mostMs: number } | null
  } | null
  /** Many requests on one connection, one after the other. */
  requests: {
    answered: number
    /** How it ended before all were sent: the answer said so, or it just did. */
    ended: 'announced' | 'fin' | 'reset' | 'timeout' | null
  } | null
  /** Requests that were sent about when the server closes an idle connection, earliest first; null: it did not close one. */
  race: RaceAttempt[] | null
  /** Our FIN directly behind the request. */
  earlyClose: 'answered' | 'reset' | 'closed' | 'timeout' | null
  /** With --post: bodies that the server may not want to read; null: not tried. */
  uploads: Upload[] | null
}

export interface RaceAttempt {
  /** Sent so long after `idle.closedAfterMs`; negative = before. */
  offsetMs: number
  /** 'in-time': the FIN was here before the request would have left, nothing was lost; 'closed': no answer but a FIN, or 408. */
  outcome: 'answered' | 'in-time' | 'reset' | 'closed' | 'timeout'
}

export interface Upload {
  /** 'small': it fits the socket buffers; 'large': the server has to read or refuse it. */
  size: 'small' | 'large'
  bodyOctets: number
  sentOctets: number
  status: number | null
  /** 'kept': the connection stays; 'lost': reset before the whole answer was read. */
  ended: 'kept' | 'fin' | 'reset' | 'timeout' | 'lost'
}
