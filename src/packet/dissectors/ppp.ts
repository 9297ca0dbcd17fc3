// RFC 1661 §2, RFC 1662 §3.1; https://www.tcpdump.org/linktypes.html (LINKTYPE_PPP, PPP_HDLC, C_HDLC)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'

const ADDRESS_AND_CONTROL = 0xff03
// LINKTYPE_PPP_HDLC also carries Cisco HDLC: unicast or multicast address, control 0, then an EtherType.
const CISCO_UNICAST = 0x0f00
const CISCO_MULTICAST = 0x8f00

export const ppp: Dissector = {
  id: 'ppp',
  title: 'PPP and Cisco HDLC',
  links: [9, 50, 104],
  etherTypes: [0x880b],
  dissect(walk, at) {
    if (!walk.has(at, 4)) return KIND_OTHER
    const first = walk.view.getUint16(at)
    if (first === CISCO_UNICAST || first === CISCO_MULTICAST) {
      return walk.etherType(walk.view.getUint16(at + 2), at + 4)
    }
    return dissectPppProtocol(walk, first === ADDRESS_AND_CONTROL ? at + 2 : at)
  },
}

/** The protocol field has two octets, or one (odd) when the field is compressed. RFC 1661 §6.5 */
export function dissectPppProtocol(walk: Walk, at: number): number {
  if (!walk.has(at, 2)) return KIND_OTHER
  const first = walk.view.getUint8(at)
  if ((first & 1) === 1) return walk.pppProtocol(first, at + 1)
  return walk.pppProtocol(walk.view.getUint16(at), at + 2)
}
