import type { ApplicationFacts } from './application.ts'
import type { ConnectionFacts } from './connection.ts'
import type { Ending } from './endings.ts'

/** One capture (later: host, bundle, log, probe) the facts came from. */
export interface SourceFacts {
  id: string
  kind: 'capture'
  name: string
  at: 'client' | 'server' | 'router' | null
  fromMs: number
  toMs: number
  frames: number
  tcpFrames: number
  snapLen: number
  /** Packets the kernel dropped before the capture saw them, null = not told. */
  dropped: number | null
  headerFieldsKnown: boolean
  /** Both directions of at least one connection are in it. */
  bothDirections: boolean
}

/** All connections to one server address and port, healthy ones included. */
export interface EndpointFacts {
  endpoint: string
  address: string
  port: number
  connections: number
  byEnding: Partial<Record<Ending, number>>
  /** Completed handshakes, and connections on which the server sent payload. */
  established: number
  served: number
  /** Connections on which the server's first payload came before any of the client's (SMTP, SSH, MySQL). */
  serverFirst: number
  /** Connections whose SYN had to be sent more than once, and handshakes whose SYN-ACK was. */
  synRetried: number
  synAckRetried: number
  /** First and last time the server answered any connection on this endpoint (SYN-ACK or payload). */
  firstAnswerMs: number | null
  lastAnswerMs: number | null
  /** Longest silence after which a connection to it went on normally, and the connection. */
  survivedSilenceMs: number
  survivedSilenceId: number | null
  /** Distinct client addresses (counted up to 1,000). */
  clients: number
  /** Times (ms) of SYN-ACKs per second bucket are not kept; handshake RTT statistics in ms. */
  handshakeRttMs: { median: number; p90: number; count: number } | null
}

/** All that was seen of one IP address as a sender. */
export interface HostFacts {
  address: string
  /** TTLs of its non-RST segments and how many packets each had, most used first, at most 4. */
  ttls: { ttl: number; packets: number }[]
  packets: number
}

/** All traffic between two addresses, whichever side was client. */
export interface PathFacts {
  client: string
  server: string
  connections: number
  packets: number
  dataPackets: number
  retransmissions: number
  /** Connections with at least one retransmission. */
  lossyConnections: number
  survivedSilenceMs: number
  survivedSilenceId: number | null
  missingOctets: number
  /** Time of first and last retransmission, to see an outage. */
  firstLossMs: number | null
  lastLossMs: number | null
  /** Longest time in which neither side's packets were answered on any connection although something was sent. */
  outageMs: number
  outageFromMs: number | null
}

/** Facts that two captures of the same connection prove together (see app/vantage). */
export interface VantageFacts {
  /** Capture ids: the nearer to the client first. */
  client: string | null
  server: string | null
  router: string | null
  offsetMs: number
  driftPpm: number
  /** By connection id: what happened to its decisive segments. */
  fates: ReadonlyMap<number, readonly SegmentFate[]>
}

export interface SegmentFate {
  /** The segment's frame in the capture where it was seen first (running frame number). */
  frame: number
  kind: 'reset' | 'syn' | 'syn-ack' | 'data' | 'fin' | 'ack'
  from: 'client' | 'server'
  /**
   * 'delivered': seen at both ends; 'lost': left its sender, never arrived; 'altered': arrived changed (`what`);
   * 'injected': arrived, but its alleged sender never sent it; 'never-sent' is the same seen from the sender.
   */
  fate: 'delivered' | 'lost' | 'altered' | 'injected'
  what: string | null
  seenAt: 'client' | 'server' | 'router'
  tMs: number
}

/** Everything causes may know. Later sources (kernel, processes, pools, probes) are further optional members. */
export interface Evidence {
  sources: readonly SourceFacts[]
  /** Troubled connections in order of their first frame. Clean ones are in the aggregates only. */
  connections: readonly ConnectionFacts[]
  endpoints: ReadonlyMap<string, EndpointFacts>
  hosts: ReadonlyMap<string, HostFacts>
  /** Key `${client} ${server}`, addresses. */
  paths: ReadonlyMap<string, PathFacts>
  totals: { connections: number; byEnding: Record<Ending, number>; packets: number }
  /** By connection id, only where payload was read again. */
  application: ReadonlyMap<number, ApplicationFacts>
  vantage: VantageFacts | null
  startMs: number
  endMs: number
}
