// RFC 8200 §3, §4; RFC 2675 (jumbo payload), RFC 4302 (AH), RFC 8754 (segment routing)
import type { Dissector } from '../dissector.ts'
import { internAddress } from '../fields.ts'
import { FAULT_BAD_IP_LENGTH, FAULT_SHORT_IP, KIND_FRAGMENT, KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'

const HEADER = 40
const PROTOCOL_TCP = 6
const MAX_EXTENSIONS = 16

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60
const MOBILITY = 135
const HIP = 139
const SHIM6 = 140

export const ipv6: Dissector = {
  id: 'ipv6',
  title: 'IPv6 with extension headers, and IPv6 in IP',
  etherTypes: [0x86dd],
  pppProtocols: [0x0057],
  ipProtocols: [41],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return walk.fail(FAULT_SHORT_IP)
    if (walk.view.getUint8(at) >> 4 !== 6) return walk.fail(FAULT_SHORT_IP)
    readIpv6Fields(walk, at)
    limitToLength(walk, at)
    const next = walk.view.getUint8(at + 6)
    if (!isExtension(next)) return walk.ipProtocol(next, at + HEADER)
    return dissectBehindExtensions(walk, next, at + HEADER)
  },
}

/** Addresses and hop limit of the fixed header at `at` (40 octets captured). */
export function readIpv6Fields(walk: Walk, at: number): void {
  const packet = walk.packet
  packet.family = 6
  packet.ipId = -1
  packet.df = -1
  packet.ttl = walk.view.getUint8(at + 7)
  packet.src = internAddress(walk.view, at + 8, walk.addresses)
  packet.dst = internAddress(walk.view, at + 24, walk.addresses)
}

/**
 * Payload length 0: a jumbogram, or a super-segment (Linux BIG TCP); the frame tells. A length beyond the frame is a
 * fault, and believed: there is no checksum to ask.
 */
function limitToLength(walk: Walk, at: number): void {
  const length = walk.view.getUint16(at + 4)
  const end = at + HEADER + length
  if (length === 0) return
  walk.limit(end)
  if (end <= walk.wireEnd) return
  walk.fail(FAULT_BAD_IP_LENGTH)
  walk.extend(end)
}

function dissectBehindExtensions(walk: Walk, next: number, at: number): number {
  const upper = findIpv6Upper(walk, next, at)
  if (upper === null) return walk.fail(FAULT_SHORT_IP)
  if (!upper.isLaterFragment) return walk.ipProtocol(upper.protocol, upper.at)
  return upper.protocol === PROTOCOL_TCP ? KIND_FRAGMENT : KIND_OTHER
}

/**
 * What stands behind the extension headers that begin at `at` with the one named `next`. Notes the final destination and
 * the jumbo length in passing.
 * @returns null when an extension header is cut, or there are more than any sender makes
 */
export function findIpv6Upper(
  walk: Walk,
  next: number,
  at: number,
): { protocol: number; at: number; isLaterFragment: boolean } | null {
  let protocol = next
  let offset = at
  for (let extensions = 0; extensions < MAX_EXTENSIONS; extensions++) {
    if (!isExtension(protocol)) return { protocol, at: offset, isLaterFragment: false }
    if (!walk.has(offset, 8)) return null
    const following = walk.view.getUint8(offset)
    if (protocol === FRAGMENT && walk.view.getUint16(offset + 2) >> 3 !== 0) {
      return { protocol: following, at: offset + 8, isLaterFragment: true }
    }
    if (protocol === ROUTING) readFinalDestination(walk, offset)
    if (protocol === HOP_BY_HOP) limitToJumboLength(walk, offset)
    offset += extensionLength(protocol, walk.view.getUint8(offset + 1))
    protocol = following
  }
  return null
}

function isExtension(next: number): boolean {
  switch (next) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return true
    default:
      return false
  }
}

function extensionLength(kind: number, field: number): number {
  if (kind === FRAGMENT) return 8
  if (kind === AUTHENTICATION) return (field + 2) * 4 // RFC 4302 §2.2
  return (field + 1) * 8
}

/**
 * While segments are left the header's destination is the next waypoint, and the connection's is in the routing header:
 * first in a segment list (type 4, RFC 8754 §2), last in types 0 and 2.
 */
function readFinalDestination(walk: Walk, at: number): void {
  const addresses = walk.view.getUint8(at + 1) >> 1
  const type = walk.view.getUint8(at + 2)
  const segmentsLeft = walk.view.getUint8(at + 3)
  if (segmentsLeft === 0 || addresses === 0) return
  const isList = type === 4
  if (!isList && type !== 0 && type !== 2) return
  const address = isList ? at + 8 : at + 8 + (addresses - 1) * 16
  if (walk.has(address, 16)) walk.packet.dst = internAddress(walk.view, address, walk.addresses)
}

/** RFC 2675 §2: the option gives the length behind the fixed header. Only where it stands first, as it always does. */
function limitToJumboLength(walk: Walk, at: number): void {
  if (walk.view.getUint16(at + 2) !== 0xc204) return
  walk.limit(at + walk.view.getUint32(at + 4))
}
