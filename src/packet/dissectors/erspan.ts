// draft-foschiano-erspan-03 §4.2 (type II), §4.3 (type III)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'

const TYPE_2_HEADER = 8
const TYPE_3_HEADER = 12
const TYPE_3_SUBHEADER = 8
const TRANSPARENT_BRIDGING = 0x6558

export const erspan: Dissector = {
  id: 'erspan',
  title: 'ERSPAN types II and III: a mirrored port',
  etherTypes: [0x88be, 0x22eb],
  dissect(walk, at) {
    if (!walk.has(at, TYPE_2_HEADER)) return KIND_OTHER
    const version = walk.view.getUint8(at) >> 4
    if (version === 1) return walk.etherType(TRANSPARENT_BRIDGING, at + TYPE_2_HEADER)
    if (version !== 2 || !walk.has(at, TYPE_3_HEADER)) return KIND_OTHER
    const hasSubheader = (walk.view.getUint8(at + 11) & 1) === 1
    const length = TYPE_3_HEADER + (hasSubheader ? TYPE_3_SUBHEADER : 0)
    return walk.etherType(TRANSPARENT_BRIDGING, at + length)
  },
}
