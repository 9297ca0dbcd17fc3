// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html
import type { Dissector } from '../dissector.ts'
import { readSll2Fields } from '../fields.ts'
import { KIND_OTHER } from '../packet.ts'

const HEADER = 20

export const sll2: Dissector = {
  id: 'sll2',
  title: 'Linux cooked capture v2',
  links: [276],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    readSll2Fields(walk.view, at, walk.packet)
    return walk.etherType(walk.view.getUint16(at), at + HEADER)
  },
}
