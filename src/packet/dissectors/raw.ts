// https://www.tcpdump.org/linktypes.html (LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6; 12 and 14 are DLT_RAW of some BSDs)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd

export const raw: Dissector = {
  id: 'raw',
  title: 'IP without a link layer',
  links: [12, 14, 101, 228, 229],
  dissect: dissectIp,
}

/** IPv4 or IPv6, whichever the version field says. */
export function dissectIp(walk: Walk, at: number): number {
  if (!walk.has(at, 1)) return KIND_OTHER
  const version = walk.view.getUint8(at) >> 4
  if (version === 4) return walk.etherType(ETHERTYPE_IPV4, at)
  if (version === 6) return walk.etherType(ETHERTYPE_IPV6, at)
  return KIND_OTHER
}
