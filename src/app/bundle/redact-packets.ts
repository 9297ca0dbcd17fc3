import type { MapAddress } from '../../host/bundle/scrub/types.ts'

// https://www.tcpdump.org/linktypes.html
const LINK_NULL = 0
const LINK_ETHERNET = 1
const LINK_RAW = 101
const LINK_SLL = 113
const LINK_IPV4 = 228
const LINK_IPV6 = 229
const LINK_SLL2 = 276

const TYPE_IPV4 = 0x0800
const TYPE_VLAN = 0x8100
const TYPE_QINQ = 0x88a8
const TYPE_IPV6 = 0x86dd

const ICMP = 1
const IPV4 = 4
const TCP = 6
const IPV6 = 41
const ICMPV6 = 58
/** Hop-by-hop, routing, destination options; not fragment, whose rest may be payload. */
const EXTENSIONS = new Set([0, 43, 60])
const ROUTING = 43
const MAX_LAYERS = 8

export interface PacketMap {
  address: MapAddress
  /** Puts a stand-in for a link-layer address of six octets. */
  mac: (octets: Uint8Array, at: number) => void
}

/**
 * Puts stand-ins for all addresses into the headers of a packet, in place, and sets checksums as if they had always been there.
 * @param record  headers of a TCP segment or of an ICMP error, cut where the payload began
 * @returns false when there is anything in it that is not understood: then it is to be thrown away
 */
export function mapPacket(record: Uint8Array, link: number, map: PacketMap): boolean {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const packet = { record, view, map }
  switch (link) {
    case LINK_ETHERNET:
      return mapEthernet(packet)
    case LINK_SLL:
      return record.length >= 16 && mapCooked(packet, { address: 6, type: 14, end: 16 })
    case LINK_SLL2:
      return record.length >= 20 && mapCooked(packet, { address: 12, type: 0, end: 20 })
    case LINK_NULL:
      return mapIp(packet, 4, 0)
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
      return mapIp(packet, 0, 0)
    default:
      return false
  }
}

interface Source {
  record: Uint8Array
  view: DataView
  map: PacketMap
}

function mapEthernet(packet: Source): boolean {
  const { record, view, map } = packet
  if (record.length < 14) return false
  map.mac(record, 0)
  map.mac(record, 6)
  let at = 12
  while (at + 4 <= record.length && isTag(view.getUint16(at))) at += 4
  return at + 2 <= record.length && isIp(view.getUint16(at)) && mapIp(packet, at + 2, 0)
}

/** Linux cooked: an address of up to eight octets, and an EtherType. */
function mapCooked(packet: Source, of: { address: number; type: number; end: number }): boolean {
  const { record, view, map } = packet
  map.mac(record, of.address)
  record.fill(0, of.address + 6, of.address + 8)
  let type = view.getUint16(of.type)
  let at = of.end
  while (isTag(type) && at + 4 <= record.length) {
    type = view.getUint16(at + 2)
    at += 4
  }
  return isIp(type) && mapIp(packet, at, 0)
}

function isTag(type: number): boolean {
  return type === TYPE_VLAN || type === TYPE_QINQ
}

function isIp(type: number): boolean {
  return type === TYPE_IPV4 || type === TYPE_IPV6
}

function mapIp(packet: Source, at: number, layer: number): boolean {
  const version = (packet.record[at] ?? 0) >> 4
  if (layer >= MAX_LAYERS) return false
  if (version === 4) return mapIpv4(packet, at, layer)
  return version === 6 && mapIpv6(packet, at, layer)
}

function mapIpv4(packet: Source, at: number, layer: number): boolean {
  const { record, view, map } = packet
  const header = ((record[at] ?? 0) & 15) * 4
  if (header < 20 || at + header > record.length) return false
  // Options may be a route; fragments that are not the first have no header behind.
  if (header > 20) record.fill(1, at + 20, at + header) // NOP
  if ((view.getUint16(at + 6) & 0x1fff) !== 0) return false
  const before = sumOf(record, at + 12, 8)
  map.address(record, at + 12, 4)
  map.address(record, at + 16, 4)
  const after = sumOf(record, at + 12, 8)
  view.setUint16(at + 10, 0)
  view.setUint16(at + 10, ~folded(sumOf(record, at, header)) & 0xffff)
  const next = { at: at + header, protocol: record[at + 9]!, before, after, layer }
  return mapBehindIp(packet, next)
}

function mapIpv6(packet: Source, at: number, layer: number): boolean {
  const { record, map } = packet
  if (at + 40 > record.length) return false
  const before = sumOf(record, at + 8, 32)
  map.address(record, at + 8, 16)
  map.address(record, at + 24, 16)
  const after = sumOf(record, at + 8, 32)
  let protocol = record[at + 6]!
  let next = at + 40
  while (EXTENSIONS.has(protocol)) {
    const length = ((record[next + 1] ?? 0) + 1) * 8
    if (next + length > record.length) return false
    // Segment routing has addresses in it.
    if (protocol === ROUTING) record.fill(0, next + 4, next + length)
    protocol = record[next]!
    next += length
  }
  return mapBehindIp(packet, { at: next, protocol, before, after, layer })
}

interface Behind {
  at: number
  protocol: number
  /** Sums of the addresses above, which are in the checksums of what follows. */
  before: number
  after: number
  layer: number
}

function mapBehindIp(packet: Source, { at, protocol, before, after, layer }: Behind): boolean {
  const { record, view } = packet
  if (protocol === IPV4 || protocol === IPV6) return mapIp(packet, at, layer + 1)
  if (protocol === TCP) {
    if (at + 18 <= record.length) adjust(view, at + 16, before, after)
    return true
  }
  if (protocol !== ICMP && protocol !== ICMPV6) return false
  if (at + 8 > record.length || !mapIp(packet, at + 8, layer + 1)) return false
  // Over a quote that is cut: it cannot be right, and says so.
  view.setUint16(at + 2, 0)
  return true
}

/** RFC 1624: HC' = ~(~HC + ~m + m') */
function adjust(view: DataView, at: number, before: number, after: number): void {
  const sum = (~view.getUint16(at) & 0xffff) + (~folded(before) & 0xffff) + folded(after)
  view.setUint16(at, ~folded(sum) & 0xffff)
}

function sumOf(octets: Uint8Array, at: number, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i += 2) sum += (octets[at + i]! << 8) | octets[at + i + 1]!
  return sum
}

function folded(sum: number): number {
  let left = sum
  while (left > 0xffff) left = (left & 0xffff) + (left >>> 16)
  return left
}
