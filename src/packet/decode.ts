import type { AddressBook } from '../base/addresses.ts'
import { dissectorTables } from './dissectors/index.ts'
import { hashMac, readSll2Fields, readSllFields } from './link-fields.ts'
import { KIND_TCP, type Packet, resetPacket, resetRareFields } from './packet.ts'
import { readTcpOptions } from './tcp-options.ts'
import { Walk } from './walk.ts'

// https://www.tcpdump.org/linktypes.html: those of the straight path. dissectors/ knows these and all others.
const LINK_ETHERNET = 1
const LINK_RAW = 101
const LINK_SLL = 113
const LINK_IPV4 = 228
const LINK_SLL2 = 276

// The first octet of an IPv4 header without options.
const VERSION_4_LENGTH_20 = 0x45
// EtherType IPv4 and that octet, as the upper 24 bits of the word they begin.
const ETHERTYPE_AND_VERSION = 0x080045
const ETHERTYPE_VLAN = 0x8100
// NOP, NOP, kind 8, length 10: the layout of RFC 7323 appendix A, sent by every common stack.
const ALIGNED_TIMESTAMPS = 0x0101080a
const IP_AND_TCP = 40
const PROTOCOL_TCP = 6

/**
 * One record -> the reusable Packet. Never throws, never reads outside the record, allocates nothing unless a new IPv6
 * address is met. Plain IPv4/TCP is read straight away here; everything else walks through dissectors/, and gives the
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
    const ip = straightIpv4(view, start, capLen, link)
    if (ip >= 0 && readPlainTcp(view, bytes, ip, start + capLen, start + wireLen, packet)) {
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
}

/** @returns where an IPv4 header of 20 octets begins when it is there and 40 octets were captured from it; else -1 */
function straightIpv4(view: DataView, start: number, capLen: number, link: number): number {
  let skip = 0
  switch (link) {
    case LINK_ETHERNET:
      skip = 14
      break
    case LINK_SLL:
      skip = 16
      break
    case LINK_SLL2:
      if (capLen < 20 + IP_AND_TCP) return -1
      if (view.getUint16(start) !== 0x0800) return -1
      return view.getUint8(start + 20) === VERSION_4_LENGTH_20 ? start + 20 : -1
    case LINK_RAW:
    case LINK_IPV4:
      if (capLen < IP_AND_TCP) return -1
      return view.getUint8(start) === VERSION_4_LENGTH_20 ? start : -1
    default:
      return -1
  }
  if (capLen < skip + IP_AND_TCP) return -1
  const word = view.getInt32(start + skip - 2)
  if (word >>> 8 === ETHERTYPE_AND_VERSION) return start + skip
  if (word >>> 16 !== ETHERTYPE_VLAN || capLen < skip + 4 + IP_AND_TCP) return -1
  const inner = view.getInt32(start + skip + 2)
  return inner >>> 8 === ETHERTYPE_AND_VERSION ? start + skip + 4 : -1
}

/**
 * Reads an IPv4 header without options and the TCP header behind it, in words, because every read costs until the
 * compiler has woken up.
 * @param ip  20 octets of IPv4 and 20 of TCP are captured from here
 * @returns false, with `packet` half filled, when it is not a whole, unfragmented, faultless TCP segment
 */
function readPlainTcp(
  view: DataView,
  bytes: Uint8Array,
  ip: number,
  end: number,
  wireEnd: number,
  packet: Packet,
): boolean {
  const fragmentTtlProtocol = view.getInt32(ip + 6)
  if ((fragmentTtlProtocol & 0x3fff00ff) !== PROTOCOL_TCP) return false
  const lengthId = view.getInt32(ip + 2)
  // Length 0: a super-segment met before the network card cut it up (TSO, GRO); the frame tells.
  const length = lengthId >>> 16 || wireEnd - ip
  const offsetFlagsWnd = view.getInt32(ip + 32)
  const tcpLength = (offsetFlagsWnd >>> 26) & 0x3c
  const dataStart = ip + 20 + tcpLength
  const dataEnd = ip + length
  if (tcpLength < 20 || dataStart > end || dataStart > dataEnd || dataEnd > wireEnd) return false

  if (packet.rare !== 0) resetRareFields(packet)
  packet.kind = KIND_TCP
  packet.family = 4
  packet.ipId = lengthId & 0xffff
  packet.df = (fragmentTtlProtocol >>> 30) & 1
  packet.ttl = (fragmentTtlProtocol >>> 8) & 0xff
  packet.src = view.getInt32(ip + 12)
  packet.dst = view.getInt32(ip + 16)
  const ports = view.getInt32(ip + 20)
  packet.srcPort = ports >>> 16
  packet.dstPort = ports & 0xffff
  packet.seq = view.getInt32(ip + 24)
  packet.ack = view.getInt32(ip + 28)
  packet.flags = (offsetFlagsWnd >>> 16) & 0xff
  packet.wnd = offsetFlagsWnd & 0xffff
  packet.dataLen = dataEnd - dataStart
  packet.dataStart = dataStart
  packet.dataCap = (dataEnd < end ? dataEnd : end) - dataStart
  packet.optionsLen = tcpLength - 20
  if (tcpLength === 32 && view.getInt32(ip + 40) === ALIGNED_TIMESTAMPS) {
    packet.hasTimestamps = 1
    packet.tsVal = view.getInt32(ip + 44)
    packet.tsEcr = view.getInt32(ip + 48)
    return true
  }
  packet.hasTimestamps = 0
  packet.tsVal = 0
  packet.tsEcr = 0
  if (tcpLength > 20) readTcpOptions(view, bytes, ip + 40, dataStart, false, packet)
  return true
}

function readLinkFields(view: DataView, start: number, link: number, packet: Packet): void {
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
