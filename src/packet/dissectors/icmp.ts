// RFC 792, RFC 1191 §4 (next-hop MTU), RFC 1812 §4.3.2.3 (how much is quoted), RFC 4884 §4 (extensions behind the quote)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { quoteIcmpError, readQuotedTcp } from '../quoted.ts'
import { readIpv4Fields } from './ipv4.ts'

const HEADER = 8
const IP_HEADER = 20
const PROTOCOL_TCP = 6
const DESTINATION_UNREACHABLE = 3
const FRAGMENTATION_NEEDED = 4
// Destination unreachable, source quench, time exceeded, parameter problem.
const ERRORS: readonly number[] = [3, 4, 11, 12]

export const icmp: Dissector = {
  id: 'icmp',
  title: 'ICMP errors that quote TCP',
  ipProtocols: [1],
  dissect(walk, at) {
    const quoted = at + HEADER
    if (!walk.has(quoted, IP_HEADER)) return KIND_OTHER
    const view = walk.view
    const type = view.getUint8(at)
    const version = view.getUint8(quoted)
    const headerLength = (version & 15) * 4
    if (!ERRORS.includes(type) || version >> 4 !== 4 || headerLength < IP_HEADER) return KIND_OTHER
    if (view.getUint8(quoted + 9) !== PROTOCOL_TCP) return KIND_OTHER
    if ((view.getUint16(quoted + 6) & 0x1fff) !== 0) return KIND_OTHER

    const code = view.getUint8(at + 1)
    const tellsMtu = type === DESTINATION_UNREACHABLE && code === FRAGMENTATION_NEEDED
    // Routers older than RFC 1191 leave the MTU 0.
    const mtu = tellsMtu ? view.getUint16(at + 6) || -1 : -1
    quoteIcmpError(walk.packet, type, code, mtu)
    readIpv4Fields(view, quoted, walk.packet)
    return readQuotedTcp(walk, quoted + headerLength, quoted + view.getUint16(quoted + 2))
  },
}
