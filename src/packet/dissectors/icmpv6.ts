// RFC 4443 §3
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { quoteIcmpError, readQuotedTcp } from '../quoted.ts'
import { findIpv6Upper, readIpv6Fields } from './ipv6.ts'

const HEADER = 8
const IP_HEADER = 40
const PROTOCOL_TCP = 6
const PACKET_TOO_BIG = 2
const LAST_ERROR = 4 // 1 unreachable, 2 too big, 3 time exceeded, 4 parameter problem
const LARGEST_INT32 = 0x7fffffff

export const icmpv6: Dissector = {
  id: 'icmpv6',
  title: 'ICMPv6 errors that quote TCP',
  ipProtocols: [58],
  dissect(walk, at) {
    const quoted = at + HEADER
    if (!walk.has(quoted, IP_HEADER)) return KIND_OTHER
    const view = walk.view
    const type = view.getUint8(at)
    if (type === 0 || type > LAST_ERROR || view.getUint8(quoted) >> 4 !== 6) return KIND_OTHER
    const mtu = type === PACKET_TOO_BIG ? Math.min(view.getUint32(at + 4), LARGEST_INT32) : -1
    quoteIcmpError(walk.packet, type, view.getUint8(at + 1), mtu)
    readIpv6Fields(walk, quoted)
    const upper = findIpv6Upper(walk, view.getUint8(quoted + 6), quoted + IP_HEADER)
    if (upper === null || upper.protocol !== PROTOCOL_TCP || upper.isLaterFragment)
      return KIND_OTHER
    return readQuotedTcp(walk, upper.at, quoted + IP_HEADER + view.getUint16(quoted + 4))
  },
}
