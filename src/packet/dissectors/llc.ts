// IEEE 802.2 §3, IEEE 802-2014 §9.2.4 (SNAP), RFC 1042.
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'

const SNAP = 0xaaaa
const IP = 0x0606
const UNNUMBERED = 0x03
const ETHERTYPE_IPV4 = 0x0800
// Organisations under which SNAP carries EtherTypes: Ethernet itself, and 802.1H's bridge tunnel.
const OUI_ETHERNET = 0x000000
const OUI_BRIDGE_TUNNEL = 0x0000f8

export const llc: Dissector = {
  id: 'llc',
  title: '802.2 LLC and SNAP as in Linux cooked captures',
  etherTypes: [0x0004], // ETH_P_802_2
  dissect: dissectLlc,
}

export function dissectLlc(walk: Walk, at: number): number {
  if (!walk.has(at, 3) || walk.view.getUint8(at + 2) !== UNNUMBERED) return KIND_OTHER
  const access = walk.view.getUint16(at)
  if (access === IP) return walk.etherType(ETHERTYPE_IPV4, at + 3)
  if (access !== SNAP || !walk.has(at, 8)) return KIND_OTHER
  const oui = walk.view.getUint32(at + 2) & 0xffffff
  if (oui !== OUI_ETHERNET && oui !== OUI_BRIDGE_TUNNEL) return KIND_OTHER
  return walk.etherType(walk.view.getUint16(at + 6), at + 8)
}
