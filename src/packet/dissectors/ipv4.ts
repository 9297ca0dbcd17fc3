// RFC 791 §3.1
import type { Dissector } from '../dissector.ts'
import {
  FAULT_BAD_IP_LENGTH,
  FAULT_SHORT_IP,
  KIND_FRAGMENT,
  KIND_OTHER,
  KIND_UNREADABLE,
  type Packet,
} from '../packet.ts'
import type { Walk } from '../walk.ts'

const HEADER = 20
const PROTOCOL_TCP = 6

export const ipv4: Dissector = {
  id: 'ipv4',
  title: 'IPv4, and IPv4 in IP',
  etherTypes: [0x0800],
  pppProtocols: [0x0021],
  ipProtocols: [4],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return walk.fail(FAULT_SHORT_IP)
    const version = walk.view.getUint8(at)
    const headerLength = (version & 15) * 4
    if (version >> 4 !== 4 || headerLength < HEADER) return walk.fail(FAULT_SHORT_IP)
    readIpv4Fields(walk.view, at, walk.packet)
    const protocol = walk.view.getUint8(at + 9)
    const length = walk.view.getUint16(at + 2)
    if (length !== 0 && length < headerLength) {
      return walk.fail(
        FAULT_BAD_IP_LENGTH,
        protocol === PROTOCOL_TCP ? KIND_UNREADABLE : KIND_OTHER,
      )
    }
    limitToLength(walk, at, headerLength)
    const fragmentOffset = walk.view.getUint16(at + 6) & 0x1fff
    if (fragmentOffset !== 0) return protocol === PROTOCOL_TCP ? KIND_FRAGMENT : KIND_OTHER
    return walk.ipProtocol(protocol, at + headerLength)
  },
}

/** Addresses, TTL, identification and DF of the header at `at` (20 octets captured). */
export function readIpv4Fields(view: DataView, at: number, packet: Packet): void {
  packet.family = 4
  packet.ipId = view.getUint16(at + 4)
  packet.df = (view.getUint8(at + 6) >> 6) & 1
  packet.ttl = view.getUint8(at + 8)
  packet.src = view.getInt32(at + 12)
  packet.dst = view.getInt32(at + 16)
}

/**
 * Ends the layer where the total length says. Length 0 is a super-segment met before the network card cut it up (TSO,
 * GRO): the frame tells. A length beyond the frame is a fault, and is believed when the header's checksum vouches for it.
 */
function limitToLength(walk: Walk, at: number, headerLength: number): void {
  const length = walk.view.getUint16(at + 2)
  if (length === 0) return
  walk.limit(at + length)
  if (at + length <= walk.wireEnd) return
  walk.fail(FAULT_BAD_IP_LENGTH)
  if (isChecksumRight(walk, at, headerLength)) walk.extend(at + length)
}

/** RFC 791 §3.1: the one's complement sum over the header, its checksum included, is all ones. */
function isChecksumRight(walk: Walk, at: number, headerLength: number): boolean {
  if (!walk.has(at, headerLength)) return false
  let sum = 0
  for (let i = at; i < at + headerLength; i += 2) sum += walk.view.getUint16(i)
  return (sum & 0xffff) + (sum >>> 16) === 0xffff
}
