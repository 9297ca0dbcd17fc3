// RFC 768
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'

const HEADER = 8

export const udp: Dissector = {
  id: 'udp',
  title: 'UDP, for the tunnels in it',
  ipProtocols: [17],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    return walk.udpPort(walk.view.getUint16(at + 2), at + HEADER)
  },
}
