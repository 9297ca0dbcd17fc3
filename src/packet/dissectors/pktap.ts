// https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html; xnu bsd/net/pktap.h struct pktap_header (little-endian)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'

const HEADER = 108
const DLT_AT = 8
const LINK_RAW = 101
const DLT_RAW = 12

export const pktap: Dissector = {
  id: 'pktap',
  title: 'Darwin packet tap',
  links: [258],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    const length = walk.view.getUint32(at, true)
    if (length < HEADER || !walk.has(at, length)) return KIND_OTHER
    const dlt = walk.view.getUint32(at + DLT_AT, true)
    return walk.link(dlt === DLT_RAW ? LINK_RAW : dlt, at + length)
  },
}
