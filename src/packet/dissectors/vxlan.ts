// RFC 7348 §5; 8472 is the port of Linux before IANA gave one, and of flannel to this day.
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { looksLikeEthernet } from './ethernet.ts'

const HEADER = 8
const VNI_IS_VALID = 0x08
const TRANSPARENT_BRIDGING = 0x6558

export const vxlan: Dissector = {
  id: 'vxlan',
  title: 'VXLAN',
  udpPorts: [4789, 8472],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    if ((walk.view.getUint8(at) & VNI_IS_VALID) === 0) return KIND_OTHER
    if (!looksLikeEthernet(walk, at + HEADER)) return KIND_OTHER
    return walk.etherType(TRANSPARENT_BRIDGING, at + HEADER)
  },
}
