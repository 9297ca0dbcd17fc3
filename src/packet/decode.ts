import type { AddressBook } from '../base/addresses.ts'
import { dissectorTables } from './dissectors/index.ts'
import { hashMac, internAddress, readSll2Fields, readSllFields } from './fields.ts'
import { KIND_TCP, type Packet, resetPacket, resetRareFields } from './packet.ts'
import { readTcpOptions } from './tcp-options.ts'
import { Walk } from './walk.ts'

// https://www.tcpdump.org/linktypes.html: those of the straight path. dissectors/ knows these and all others.
const LINK_ETHERNET = 1
const LINK_RAW = 101
const LINK_SLL = 113
const LINK_IPV4 = 228
const LINK_IPV6 = 229
const LINK_SLL2 = 276

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_VLAN = 0x8100
// The first octet of an IPv4 header without options.
export const VERSION_4_LENGTH_20 = 0x45
// An EtherType and the beginning of the IP header behind it, as the upper bits of the word they begin.
const TYPE_AND_VERSION_4 = 0x080045
const TYPE_AND_VERSION_6 = 0x86dd6
// NOP, NOP, kind 8, length 10: the layout of RFC 7323 appendix A, sent by every common stack.
const ALIGNED_TIMESTAMPS = 0x0101080a
const IPV4_AND_TCP = 40
const IPV6_AND_TCP = 60
const PROTOCOL_TCP = 6

/**
 * One record -> the reusable Packet. Never throws, never reads outside the record, allocates nothing unless a new IPv6
 * address is met. Plain TCP is read straight away here; everything else walks through dissectors/, and gives the
 * same for plain packets (decode.test.ts holds the two against each other).
 */
export class Decoder {
  private readonly addresses: AddressBook
  /** Made when first needed. */
  private walk: Walk | null = null

  constructor(addresses: AddressBook) {
    this.addresses = addresses
  }

  /**
   * @param view     over exactly the octets of `bytes`
   * @param start    first octet of the record; its captured octets are [start, start + capLen), all inside `bytes`
   * @param wireLen  octets on the wire, >= capLen
   * @param link     LINKTYPE_ number
   * @returns KIND_*, also in packet.kind
   */
  decode(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    capLen: number,
    wireLen: number,
    link: number,
    packet: Packet,
  ): number {
    const ip = straightIp(view, start, capLen, link)
    if (ip >= 0 && this.readPlain(view, bytes, ip, start + capLen, start + wireLen, packet)) {
      readLinkFields(view, start, link, packet)
      return KIND_TCP
    }
    return this.decodeAny(view, bytes, start, capLen, wireLen, link, packet)
  }

  /** As decode(), by the dissectors only. Apart from it for the test that holds the two against each other. */
  decodeAny(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    capLen: number,
    wireLen: number,
    link: number,
    packet: Packet,
  ): number {
    this.walk ??= new Walk(this.addresses, dissectorTables(), packet)
    resetPacket(packet)
    packet.rare = 1
    this.walk.begin(view, bytes, start + capLen, start + Math.max(wireLen, capLen), packet)
    packet.kind = this.walk.link(link, start)
    return packet.kind
  }

  private readPlain(
    view: DataView,
    bytes: Uint8Array,
    ip: number,
    end: number,
    wireEnd: number,
    packet: Packet,
  ): boolean {
    const version = view.getUint8(ip)
    if (version === VERSION_4_LENGTH_20) return readPlainIpv4(view, bytes, ip, end, wireEnd, packet)
    if (version >> 4 !== 6) return false
    return readPlainIpv6(view, bytes, ip, end, wireEnd, packet, this.addresses)
  }
}

/** @returns where an IPv4 header without options, or an IPv6 header, begins when it does so in the plain place; else -1 */
export function straightIp(view: DataView, start: number, capLen: number, link: number): number {
  switch (link) {
    case LINK_ETHERNET:
      return behindType(view, start + 12, start + capLen)
    case LINK_SLL:
      return behindType(view, start + 14, start + capLen)
    case LINK_SLL2:
      // The type stands first and not last: left to the dissectors unless it is IPv4.
      if (capLen < 20 + IPV4_AND_TCP || view.getUint16(start) !== ETHERTYPE_IPV4) return -1
      return view.getUint8(start + 20) === VERSION_4_LENGTH_20 ? start + 20 : -1
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
      return capLen < IPV4_AND_TCP ? -1 : start
    default:
      return -1
  }
}

/** @param at  of an EtherType, behind it IP or one VLAN tag and IP */
function behindType(view: DataView, at: number, end: number): number {
  if (at + 2 + IPV4_AND_TCP > end) return -1
  const word = view.getInt32(at)
  if (isPlainIp(word)) return at + 2
  if (word >>> 16 !== ETHERTYPE_VLAN || at + 6 + IPV4_AND_TCP > end) return -1
  return isPlainIp(view.getInt32(at + 4)) ? at + 6 : -1
}

function isPlainIp(word: number): boolean {
  return word >>> 8 === TYPE_AND_VERSION_4 || word >>> 12 === TYPE_AND_VERSION_6
}

/**
 * Reads an IPv4 header without options and the TCP header behind it, in words, because every read costs until the
 * compiler has woken up.
 * @param ip  20 octets of IPv4 and 20 of TCP are captured from here
 * @returns false, with `packet` half filled, when it is not a faultless TCP segment with its whole header
 */
export function readPlainIpv4(
  view: DataView,
  bytes: Uint8Array,
  ip: number,
  end: number,
  wireEnd: number,
  packet: Packet,
): boolean {
  const fragmentTtlProtocol = view.getInt32(ip + 6)
  if ((fragmentTtlProtocol & 0x1fff00ff) !== PROTOCOL_TCP) return false
  const lengthId = view.getInt32(ip + 2)
  // Length 0: a super-segment met before the network card cut it up (TSO, GRO); the frame tells.
  const ipEnd = ip + (lengthId >>> 16 || wireEnd - ip)
  if (ipEnd > wireEnd || !readPlainTcp(view, bytes, ip + 20, end, ipEnd, packet)) return false
  packet.family = 4
  packet.ipId = lengthId & 0xffff
  packet.df = (fragmentTtlProtocol >>> 30) & 1
  packet.ttl = (fragmentTtlProtocol >>> 8) & 0xff
  packet.src = view.getInt32(ip + 12)
  packet.dst = view.getInt32(ip + 16)
  return true
}

/** As readPlainIpv4, for IPv6 without extension headers. */
function readPlainIpv6(
  view: DataView,
  bytes: Uint8Array,
  ip: number,
  end: number,
  wireEnd: number,
  packet: Packet,
  addresses: AddressBook,
): boolean {
  const lengthNextHops = view.getInt32(ip + 4)
  if (((lengthNextHops >>> 8) & 0xff) !== PROTOCOL_TCP || ip + IPV6_AND_TCP > end) return false
  const length = lengthNextHops >>> 16
  const ipEnd = length === 0 ? wireEnd : ip + 40 + length
  if (ipEnd > wireEnd || !readPlainTcp(view, bytes, ip + 40, end, ipEnd, packet)) return false
  packet.family = 6
  packet.ipId = -1
  packet.df = -1
  packet.ttl = lengthNextHops & 0xff
  packet.src = internAddress(view, ip + 8, addresses)
  packet.dst = internAddress(view, ip + 24, addresses)
  return true
}

/**
 * @param tcp    20 octets are captured from here
 * @param ipEnd  where the IP packet ended on the wire
 */
function readPlainTcp(
  view: DataView,
  bytes: Uint8Array,
  tcp: number,
  end: number,
  ipEnd: number,
  packet: Packet,
): boolean {
  const offsetFlagsWnd = view.getInt32(tcp + 12)
  const headerLength = (offsetFlagsWnd >>> 26) & 0x3c
  const dataStart = tcp + headerLength
  if (headerLength < 20 || dataStart > end || dataStart > ipEnd) return false

  if (packet.rare !== 0) resetRareFields(packet)
  packet.kind = KIND_TCP
  const ports = view.getInt32(tcp)
  packet.srcPort = ports >>> 16
  packet.dstPort = ports & 0xffff
  packet.seq = view.getInt32(tcp + 4)
  packet.ack = view.getInt32(tcp + 8)
  packet.flags = (offsetFlagsWnd >>> 16) & 0xff
  packet.wnd = offsetFlagsWnd & 0xffff
  packet.dataLen = ipEnd - dataStart
  packet.dataStart = dataStart
  packet.dataCap = (ipEnd < end ? ipEnd : end) - dataStart
  packet.optionsLen = headerLength - 20
  if (headerLength === 32 && view.getInt32(tcp + 20) === ALIGNED_TIMESTAMPS) {
    packet.hasTimestamps = 1
    packet.tsVal = view.getInt32(tcp + 24)
    packet.tsEcr = view.getInt32(tcp + 28)
    return true
  }
  packet.hasTimestamps = 0
  packet.tsVal = 0
  packet.tsEcr = 0
  if (headerLength > 20) readTcpOptions(view, bytes, tcp + 20, dataStart, false, packet)
  return true
}

export function readLinkFields(view: DataView, start: number, link: number, packet: Packet): void {
  if (link === LINK_ETHERNET) {
    packet.linkSource = hashMac(view, start + 6)
    packet.direction = -1
  } else if (link === LINK_SLL) {
    readSllFields(view, start, packet)
  } else if (link === LINK_SLL2) {
    readSll2Fields(view, start, packet)
  } else {
    packet.linkSource = 0
    packet.direction = -1
  }
}
