// RFC 2516 §4
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { dissectPppProtocol } from './ppp.ts'

const HEADER = 6
const VERSION_1_TYPE_1_SESSION_DATA = 0x1100

export const pppoe: Dissector = {
  id: 'pppoe',
  title: 'PPPoE session',
  links: [51],
  etherTypes: [0x8864],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    if (walk.view.getUint16(at) !== VERSION_1_TYPE_1_SESSION_DATA) return KIND_OTHER
    walk.limit(at + HEADER + walk.view.getUint16(at + 4))
    return dissectPppProtocol(walk, at + HEADER)
  },
}
