import type { LoadFailure } from '../load/report.ts'
import type { ProbeHead, TargetSeen } from '../report.ts'

/** Result of `tcpwhy probe backlog`. */
export interface BacklogReport extends ProbeHead {
  probe: 'backlog'
  targets: TargetSeen[]
  timeoutMs: number
  /** Smallest burst first. */
  bursts: Burst[]
  /** The target is an address of this host. */
  isHere: boolean
  /** The listener as this kernel tells; null: it is not on this host, or cannot be read. */
  listener: { local: string; limit: number | null } | null
}

/** So many connections at the same moment, one request each. */
export interface Burst {
  connections: number
  answered: number
  failed: number
  failures: LoadFailure[]
  /** Handshakes that took a SYN retransmission or longer (0.9 s). */
  slowHandshakes: number
  slowestHandshakeMs: number | null
  durationMs: number
  /** What the listener's kernel counted meanwhile; null where it is another host's. */
  counted: Counted | null
}

export interface Counted {
  /** Longest accept queue that was seen, every few milliseconds. */
  deepest: number
  /** Rise of the listener's own drops (skmem d); null: not told. */
  drops: number | null
  /** Rise of TcpExtListenOverflows and TcpExtListenDrops, of the whole network namespace. */
  listenOverflows: number
  listenDrops: number
}

/** A look at the listener. */
export interface ListenerLook {
  local: string
  depth: number
  limit: number | null
  drops: number | null
  listenOverflows: number
  listenDrops: number
}
