// https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { dissectIp } from './raw.ts'

const HEADER = 4
const ATTRIBUTE_HEADER = 4
const MAX_ATTRIBUTES = 64
const NFULA_PAYLOAD = 9

export const nflog: Dissector = {
  id: 'nflog',
  title: 'Linux netfilter log',
  links: [239],
  dissect(walk, at) {
    at += HEADER
    for (let n = 0; n < MAX_ATTRIBUTES && walk.has(at, ATTRIBUTE_HEADER); n++) {
      // Attributes are in the byte order of the host that captured: in practice little-endian.
      const length = walk.view.getUint16(at, true)
      const type = walk.view.getUint16(at + 2, true) & 0x7fff
      if (length < ATTRIBUTE_HEADER) return KIND_OTHER
      if (type === NFULA_PAYLOAD) {
        walk.limit(at + length)
        return dissectIp(walk, at + ATTRIBUTE_HEADER)
      }
      at += (length + 3) & ~3
    }
    return KIND_OTHER
  },
}
