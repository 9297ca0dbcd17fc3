/** What one record turned out to be. A number, because it is decided once a packet on the hot path. */
export const KIND_OTHER = 0
/** A TCP segment whose header was read in full. */
export const KIND_TCP = 1
/** An ICMP or ICMPv6 error that quotes a TCP segment. */
export const KIND_ICMP_ERROR = 2
/** A later IP fragment: no TCP header in it. Counted, not analysed. */
export const KIND_FRAGMENT = 3
/** TCP, but so much is cut or malformed that ports, seq or flags cannot be read; `fault` says what. */
export const KIND_UNREADABLE = 4

// TCP flags as on the wire, RFC 9293 §3.1.
export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10

/**
 * The one reusable record that the decoder fills for each packet: no allocation on the fast path. Sequence numbers and
 * addresses are int32 (see base/seq.ts, base/addresses.ts). Fields that the packet does not have are -1.
 */
export class Packet {
  kind: number = KIND_OTHER
  /** Set by whoever reads records: nanoseconds since the start, and the running frame number. A field, because a float64
   *  handed from function to function costs an allocation each. */
  tNs = 0.5
  frame = 0
  /** 4 or 6: of the innermost IP header that carries the TCP segment (tunnels are looked through). */
  family: 4 | 6 = 4
  /** IPv4: the address as int32. IPv6: index in the AddressBook given to the decoder. */
  src = 0
  dst = 0
  srcPort = 0
  dstPort = 0
  seq = 0
  ack = 0
  flags = 0
  /** Window field, unscaled. */
  wnd = 0
  /** TCP payload octets on the wire, from the IP length (for TSO frames with IP length 0: from the frame's length). */
  dataLen = 0
  /** Where the payload begins in the batch's bytes, and how many octets of it were captured. */
  dataStart = 0
  dataCap = 0
  /** TTL or hop limit; 0 when the source does not tell (tcpdump text). */
  ttl = 0
  /** IPv4 identification, -1 for IPv6 or when not told. */
  ipId = -1
  /** 1 = DF set, 0 = not, -1 IPv6. */
  df = -1
  /** Octets of TCP options, 0 = none; -1 = options cut off by the snap length. */
  optionsLen = 0
  /** Options of SYN segments; -1 absent. RFC 9293 §3.2, RFC 7323, RFC 2018. */
  mss = -1
  windowScale = -1
  sackPermitted = 0
  /** 1 when a timestamps option is there; then tsVal and tsEcr are int32. */
  hasTimestamps = 0
  tsVal = 0
  tsEcr = 0
  /** SACK blocks: how many, the edges of the first (a D-SACK lies below `ack`: RFC 2883), the highest right edge. */
  sackBlocks = 0
  sackLeft = 0
  sackRight = 0
  sackHighest = 0
  /** Fast open, option 34 (or 254) seen: cookie length; -1 absent. RFC 7413. */
  fastOpenCookie = -1
  /** 1 = option 30, MPTCP, RFC 8684. */
  mptcp = 0
  /** Hash (int32) of the outer link-layer source address, 0 when there is none: to notice that another box answers. */
  linkSource = 0
  /** SLL/SLL2 packet type (0 to us .. 4 from us), -1 elsewhere. */
  direction = -1
  /** Bits FAULT_*; 0 = none. */
  fault = 0

  // For KIND_ICMP_ERROR the fields above are those of the QUOTED segment (src = who sent the quoted segment; seq is
  // set, flags/ack/wnd only if quotedFull is 1), and these tell of the error itself. RFC 792, RFC 4443.
  icmpFrom = 0
  icmpFromFamily: 4 | 6 = 4
  icmpType = -1
  icmpCode = -1
  /** Next-hop MTU of "fragmentation needed"/"packet too big", -1 elsewhere. RFC 1191, RFC 8201. */
  icmpMtu = -1
  quotedFull = 0

  /**
   * 1 = fields are set that a plain segment does not have (everything but addresses, ports, numbers, lengths, TTL and
   * timestamps). The decoder resets those only when this is 1; whoever fills a Packet by other means sets it to 1.
   */
  rare = 0
}

/** Every field as in a new Packet, without a new one. */
export function resetPacket(packet: Packet): void {
  packet.kind = KIND_OTHER
  packet.family = 4
  packet.src = 0
  packet.dst = 0
  packet.srcPort = 0
  packet.dstPort = 0
  packet.seq = 0
  packet.ack = 0
  packet.flags = 0
  packet.wnd = 0
  packet.dataLen = 0
  packet.dataStart = 0
  packet.dataCap = 0
  packet.ttl = 0
  packet.ipId = -1
  packet.df = -1
  packet.optionsLen = 0
  packet.hasTimestamps = 0
  packet.tsVal = 0
  packet.tsEcr = 0
  packet.linkSource = 0
  packet.direction = -1
  resetRareFields(packet)
}

/** The fields that a plain IPv4 segment does not have, and `rare` itself. */
export function resetRareFields(packet: Packet): void {
  packet.mss = -1
  packet.windowScale = -1
  packet.sackPermitted = 0
  packet.sackBlocks = 0
  packet.sackLeft = 0
  packet.sackRight = 0
  packet.sackHighest = 0
  packet.fastOpenCookie = -1
  packet.mptcp = 0
  packet.fault = 0
  packet.icmpFrom = 0
  packet.icmpFromFamily = 4
  packet.icmpType = -1
  packet.icmpCode = -1
  packet.icmpMtu = -1
  packet.quotedFull = 0
  packet.rare = 0
}

export const FAULT_SHORT_IP = 1
export const FAULT_SHORT_TCP = 2
export const FAULT_BAD_IP_LENGTH = 4
export const FAULT_BAD_TCP_OFFSET = 8
export const FAULT_BAD_OPTION = 16
export const FAULT_UNKNOWN_LINK = 32
export const FAULT_TOO_DEEP = 64
/** Names of the fault bits, lowest bit first. Public: they appear in reports. */
export const faultNames = [
  'short-ip-header',
  'short-tcp-header',
  'bad-ip-length',
  'bad-tcp-offset',
  'bad-tcp-option',
  'unknown-link-type',
  'tunnel-too-deep',
] as const
