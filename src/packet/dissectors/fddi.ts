// ISO 9314-2, https://www.tcpdump.org/linktypes.html (LINKTYPE_FDDI)
import type { Dissector } from '../dissector.ts'
import { hashMac } from '../fields.ts'
import { KIND_OTHER } from '../packet.ts'
import { dissectLlc } from './llc.ts'

const HEADER = 13

export const fddi: Dissector = {
  id: 'fddi',
  title: 'FDDI with LLC/SNAP',
  links: [10],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    if (walk.isOutermost()) walk.packet.linkSource = hashMac(walk.view, at + 7)
    return dissectLlc(walk, at + HEADER)
  },
}
