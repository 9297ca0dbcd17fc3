// RFC 3032 §2.1 (label stack), RFC 4385 §3 (control word), RFC 4448 (Ethernet pseudowire)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { looksLikeEthernet } from './ethernet.ts'

const LABEL = 4
const MAX_LABELS = 16
const CONTROL_WORD = 4
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const TRANSPARENT_BRIDGING = 0x6558

export const mpls: Dissector = {
  id: 'mpls',
  title: 'MPLS label stack, over it IP or an Ethernet pseudowire',
  etherTypes: [0x8847, 0x8848],
  pppProtocols: [0x0281, 0x0283],
  ipProtocols: [137],
  dissect(walk, at) {
    for (let labels = 0; labels < MAX_LABELS; labels++) {
      if (!walk.has(at, LABEL + 1)) return KIND_OTHER
      const bottom = walk.view.getUint8(at + 2) & 1
      at += LABEL
      if (bottom === 1) return dissectPayload(walk, at)
    }
    return KIND_OTHER
  },
}

// The label stack does not say what it carries. RFC 4928 §3: the first nibble tells IPv4 and IPv6 from the rest.
const dissectPayload: Dissector['dissect'] = (walk, at) => {
  const nibble = walk.view.getUint8(at) >> 4
  if (nibble === 0 && looksLikeEthernet(walk, at + CONTROL_WORD)) {
    return walk.etherType(TRANSPARENT_BRIDGING, at + CONTROL_WORD)
  }
  if (looksLikeEthernet(walk, at)) return walk.etherType(TRANSPARENT_BRIDGING, at)
  if (nibble === 4) return walk.etherType(ETHERTYPE_IPV4, at)
  if (nibble === 6) return walk.etherType(ETHERTYPE_IPV6, at)
  return KIND_OTHER
}
