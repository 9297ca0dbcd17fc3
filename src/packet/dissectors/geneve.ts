// RFC 8926 §3.4
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { looksLikeEthernet } from './ethernet.ts'

const HEADER = 8
const CONTROL_PACKET = 0x80
const TRANSPARENT_BRIDGING = 0x6558

export const geneve: Dissector = {
  id: 'geneve',
  title: 'Geneve',
  udpPorts: [6081],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    const versionAndLength = walk.view.getUint8(at)
    if (versionAndLength >> 6 !== 0) return KIND_OTHER
    if ((walk.view.getUint8(at + 1) & CONTROL_PACKET) !== 0) return KIND_OTHER
    const type = walk.view.getUint16(at + 2)
    const inner = at + HEADER + (versionAndLength & 0x3f) * 4
    if (type === TRANSPARENT_BRIDGING && !looksLikeEthernet(walk, inner)) return KIND_OTHER
    return walk.etherType(type, inner)
  },
}
