// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
import type { Dissector } from '../dissector.ts'
import { readSllFields } from '../fields.ts'
import { KIND_OTHER } from '../packet.ts'

const HEADER = 16

export const sll: Dissector = {
  id: 'sll',
  title: 'Linux cooked capture v1',
  links: [113],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    readSllFields(walk.view, at, walk.packet)
    return walk.etherType(walk.view.getUint16(at + 14), at + HEADER)
  },
}
