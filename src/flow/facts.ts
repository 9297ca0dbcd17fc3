/** What was seen of a connection: one of these. Public ids, see docs/vocabulary.md; never renamed. */
export type Ending =
  | 'clean'
  | 'half-closed'
  | 'handshake-incomplete'
  | 'handshake-reset'
  | 'open'
  | 'refused'
  | 'reset'
  | 'reset-after-close'
  | 'reset-after-fin'
  | 'timed-out'
  | 'unanswered'
  | 'unreachable'

/** The two ends: the client sent the first SYN (or is the best guess, then `clientGuessed`). */
export type Side = 'client' | 'server'

/** What the flow layer thought of a segment when it passed. Shown in ladders; causes may rely on it. */
export const segmentNotes = [
  'none',
  'retransmission-rto',
  'retransmission-fast',
  'retransmission-spurious',
  'retransmission-syn',
  'retransmission-syn-ack',
  'retransmission-fin',
  'keepalive',
  'keepalive-ack',
  'zero-window-probe',
  'zero-window-probe-ack',
  'duplicate-ack',
  'out-of-order',
  'window-update',
  'zero-window',
  'after-gap',
  'challenge-ack',
  'reset-not-accepted',
  'port-reused',
] as const
export type SegmentNote = (typeof segmentNotes)[number]

/** One segment of a connection, kept because it is among the first, the last, or notable. */
export interface Segment {
  /** Running frame number over the joined input (see SourceFacts for the number in its own file). */
  frame: number
  /** Milliseconds since the start of the capture. */
  tMs: number
  from: Side
  /** Bits FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32. */
  flags: number
  /** Relative, as Wireshark shows: SYN is 0, the first data octet 1. Without a SYN the first seen octet is 1. */
  seq: number
  /** Relative to the other side's start; 0 when ACK is not set. */
  ack: number
  /** Payload octets on the wire. */
  len: number
  /** Window in octets, scaled where the scale is known. */
  wnd: number
  /** 0 = not told by the source. */
  ttl: number
  /** -1 = not told or IPv6. */
  ipId: number
  tsVal: number | null
  tsEcr: number | null
  /** Whether the TCP header carried any options. */
  options: boolean
  note: SegmentNote
}

/** One RST, with its exact relation to sequence space and to what came before it. */
export interface ResetFacts extends Segment {
  /**
   * Linux: 'active' = RST|ACK by tcp_send_active_reset (close with unread data, linger 0, kill, keep-alive failure);
   * 'stateless' = bare RST, window 0, no options: the reply to one segment by tcp_v4_send_reset (or by a filter);
   * 'syn-reply' = RST|ACK, seq 0, ack SYN+1, window 0: the reply to a SYN; 'other' = none of these shapes.
   */
  shape: 'active' | 'stateless' | 'syn-reply' | 'other'
  /** Would the receiver accept it: seq == its RCV.NXT (RFC 5961 §3; one below once the sender's FIN is in). */
  accepted: boolean | 'unknown'
  /** seq minus the next sequence number the sender was expected to use (octets); 0 = exactly in order. */
  seqOffset: number
  /** The last segment of the other side before it whose ack (or SYN+1) equals the reset's seq: what it answers. */
  trigger: Segment | null
  /** Milliseconds from the trigger, or else from the last segment of the other side; null when there was none. */
  afterTriggerMs: number | null
  /** Milliseconds without any segment of this connection before the trigger (or before the reset if spontaneous). */
  silenceBeforeMs: number
  /** TTL differs from every other TTL this side used in this connection (false when unknown); the usual one. */
  ttlUnusual: boolean
  ttlUsual: number | null
  /** Whether the IP-ID fits the sender's habit: for a counting sender near the last one; null = cannot tell. */
  ipIdFits: boolean | null
  /** Timestamps: the connection uses them and the reset has them / lacks them; null = connection has none. */
  timestampsKept: boolean | null
}

export interface FinFacts {
  frame: number
  tMs: number
  seq: number
  /** When the other side acknowledged it, null = never seen. */
  ackedMs: number | null
  ackedFrame: number | null
  /** How many times it was sent. */
  times: number
}

/** Data (or SYN, or FIN) that was sent again and again and never acknowledged until the capture or connection ended. */
export interface UnansweredFacts {
  what: 'data' | 'fin' | 'syn' | 'syn-ack'
  seq: number
  len: number
  firstFrame: number
  lastFrame: number
  firstMs: number
  lastMs: number
  /** Transmissions, the first included. */
  times: number
}

/** Everything about one direction: what this side SENT. */
export interface SideFacts {
  packets: number
  /** Distinct payload octets sent (retransmissions not counted), from sequence numbers. */
  payloadOctets: number
  /** Distinct payload octets of this side the other side acknowledged. */
  ackedOctets: number
  /** Sent, not acknowledged, at the end. */
  inFlightOctets: number
  /** Octets of this side that were acknowledged by the other but are not in the capture. */
  missingOctets: number
  /** Octets this side has received and acknowledged but (judging by its window) not read; null = cannot tell. */
  unreadOctets: number | null
  /** Last window this side announced (octets, scaled) and the largest. */
  lastWindow: number
  maxWindow: number
  retransmissions: {
    rto: number
    fast: number
    spurious: number
    syn: number
    synAck: number
    fin: number
  }
  duplicateAcks: number
  outOfOrder: number
  /**
   * Of `outOfOrder`: neither timestamps nor IP-IDs tell whether they were overtaken on the way or sent again, and the
   * receiver had reported holes. Absent = not told.
   */
  undecided?: number
  keepaliveProbes: number
  /** Keepalive probes at the end that got no answer, and the usual distance between probes. */
  keepaliveUnanswered: number
  keepaliveIntervalMs: number | null
  zeroWindowProbes: number
  zeroWindow: { times: number; ms: number; openAtEnd: boolean; firstFrame: number | null }
  resets: number
  fins: number
  fin: FinFacts | null
  /** Payload: first and last segment that carried any. */
  firstDataMs: number | null
  lastDataMs: number | null
  lastDataFrame: number | null
  lastMs: number | null
  lastFrame: number | null
  unanswered: UnansweredFacts | null
  /** Longest payload that was acknowledged, and the shortest that was retransmitted and never acknowledged. */
  largestAckedSegment: number
  smallestLostSegment: number | null
  /** TTL values used by segments other than RST, most used first; empty when not told. */
  ttls: number[]
  /** Values of the IP-ID field of non-RST segments. */
  ipIdHabit: 'zero' | 'counter' | 'scattered' | 'unknown'
  timestamps: boolean
  mss: number | null
  windowScale: number | null
  sackPermitted: boolean
  /** Initial sequence number (unsigned), null when the SYN was not seen. Sequence numbers elsewhere are relative to it. */
  isn: number | null
  /** Absolute sequence number (unsigned) that relative 0 stands for: the ISN, or one before the first octet seen. */
  seqBase?: number | null
  /** More than one link-layer source address was seen for this side, or its TTL/timestamp clock jumped, from this frame on. */
  changedHabitsFrame: number | null
}

export interface IcmpFacts {
  frame: number
  tMs: number
  from: string
  type: number
  code: number
  /** 'net-unreachable', 'host-unreachable', 'admin-prohibited', 'fragmentation-needed', 'time-exceeded', ... */
  meaning: string
  mtu: number | null
  /** Which side's segment it quotes. */
  quotes: Side
}

/** The last message of a side: consecutive payload without payload of the other side in between. */
export interface MessageFacts {
  startFrame: number
  startMs: number
  lastFrame: number
  lastMs: number
  octets: number
  /** Relative sequence number of its first octet. */
  seq: number
}

/** A silence: no segment of either side (keepalives count as segments; see `dataSilence` for payload only). */
export interface SilenceFacts {
  ms: number
  beforeFrame: number
  afterFrame: number
  /** Which side spoke first after it. */
  brokenBy: Side
  /** Whether that segment (or its retransmission) was answered by something other than a RST. */
  survived: boolean | 'unknown'
}

/** All that is known about one connection; causes judge this and nothing below it. */
export interface ConnectionFacts {
  /** Position in the report's order; ConnectionSummary.id is this as a string. */
  id: number
  client: { address: string; port: number; endpoint: string }
  server: { address: string; port: number; endpoint: string }
  clientGuessed: boolean
  sawStart: boolean
  seen: 'both' | 'client-only' | 'server-only'
  ending: Ending
  endedBy: Side | 'middlebox' | null
  startMs: number
  /** Last segment of the connection, and the last frame of the capture it is in (how long silence was watched). */
  lastMs: number
  captureEndMs: number
  firstFrame: number
  lastFrame: number
  handshake: {
    /** Times of the SYNs, at most 8, and how many there were. */
    synTimesMs: number[]
    syns: number
    synFrame: number | null
    synAckMs: number | null
    synAckFrame: number | null
    synAcks: number
    ackMs: number | null
    ackFrame: number | null
    rttMs: number | null
    /** SYN-ACK sent again although the client's ACK (or data) had been seen before it. */
    synAckAfterAck: number
    /** The SYN was answered by a bare ACK (old connection, challenge ACK), its frame. */
    answeredByAckFrame: number | null
    fastOpen: boolean
  }
  sides: Record<Side, SideFacts>
  /** First segments (at most 6) and last ones (at most 16), each in order, no overlap. */
  head: Segment[]
  tail: Segment[]
  resets: ResetFacts[]
  icmp: IcmpFacts[]
  longestSilence: SilenceFacts | null
  /** Longest time without payload from either side, and the silence that the end came out of. */
  silenceBeforeEndMs: number
  /** The last messages in conversation order: the client's request, and the server's answer to it if any came. */
  request: MessageFacts | null
  response: MessageFacts | null
  /** The request is the last message and no payload of the server followed it. */
  requestPending: boolean
  /** Number of request/response turns seen (changes of direction of payload from client to server). */
  exchanges: number
  /** The longest silence after which traffic went on normally, with the frame that broke it. */
  survivedSilenceMs: number
  /**
   * The connection that used the same two addresses and ports before, in this capture: how and when it ended (its last
   * segment). null when there was none.
   */
  previous: { ending: Ending; lastMs: number } | null
  /** Frames that were the same packet captured twice (not counted anywhere else). */
  duplicateFrames: number
  /** Whether TTL, IP-ID and link addresses are known (false for tcpdump text without -v). */
  headerFieldsKnown: boolean
  /** How many connections like this one it stands for (sampling of very large groups); usually 1. */
  weight: number
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
  /** Its last SYN-ACK on any connection; null = none, absent = not told. */
  lastAcceptMs?: number | null
  /** Longest silence after which a connection to it went on normally, and the connection. */
  survivedSilenceMs: number
  survivedSilenceId: number | null
  /** Distinct client addresses (counted up to 1,000). */
  clients: number
  /**
   * When finished handshakes waited for the server's application, from the handshake's last ACK to its first octet or FIN: the
   * longest up to 1,024 of all connections, in no order; they tell who was in its accept queue. Absent = not told.
   */
  waits?: readonly { fromMs: number; toMs: number }[]
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
  /** Segments that filled a hole of which nobody can tell whether they were overtaken or sent again (see SideFacts). */
  undecided?: number
  /**
   * Connections of which only this side's packets are in the capture although it acknowledges the other's; absent = not told.
   */
  oneSided?: Record<Side, number>
  /** Connections of which only SYNs are in the capture: whether answers are missing in it they cannot tell; absent = not told. */
  loneSyns?: number
  survivedSilenceMs: number
  survivedSilenceId: number | null
  missingOctets: number
  /** Longest payload of each end that the other acknowledged, over all connections; absent = not told. */
  largestDelivered?: Record<Side, number>
  /** Time of first and last retransmission, to see an outage. */
  firstLossMs: number | null
  lastLossMs: number | null
  /** Longest time in which neither side's packets were answered on any connection although something was sent. */
  outageMs: number
  outageFromMs: number | null
}
