// RFC 4302 §2
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'

const SMALLEST = 12

export const ah: Dissector = {
  id: 'ah',
  title: 'IP authentication header',
  ipProtocols: [51],
  dissect(walk, at) {
    if (!walk.has(at, SMALLEST)) return KIND_OTHER
    const length = (walk.view.getUint8(at + 1) + 2) * 4
    return walk.ipProtocol(walk.view.getUint8(at), at + length)
  },
}
