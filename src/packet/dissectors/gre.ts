// RFC 2784 §2, RFC 2890 §2 (key, sequence), RFC 2637 §4.1 (version 1, PPTP), RFC 7637 (NVGRE)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'

const HEADER = 4
const CHECKSUM = 0x8000
// Source routing and recursion control (RFC 1701), withdrawn in 2000. RFC 2784 §2.3: discard what still has them.
const WITHDRAWN = 0x4c00
const KEY = 0x2000
const SEQUENCE = 0x1000
const ACKNOWLEDGMENT = 0x0080 // version 1 only
const VERSION = 0x0007
const PPP = 0x880b
const ERSPAN_2 = 0x88be
const TRANSPARENT_BRIDGING = 0x6558

export const gre: Dissector = {
  id: 'gre',
  title: 'GRE, NVGRE, PPTP and ERSPAN',
  ipProtocols: [47],
  udpPorts: [4754], // RFC 8086
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    const flags = walk.view.getUint16(at)
    const type = walk.view.getUint16(at + 2)
    const inner = at + headerLength(flags)
    const version = flags & VERSION
    if ((flags & WITHDRAWN) !== 0 || version > 1) return KIND_OTHER
    if (version === 1 && type !== PPP) return KIND_OTHER
    // ERSPAN type I has no header of its own and, unlike type II, no sequence number. draft-foschiano-erspan-03 §4
    if (type === ERSPAN_2 && (flags & SEQUENCE) === 0) {
      return walk.etherType(TRANSPARENT_BRIDGING, inner)
    }
    return walk.etherType(type, inner)
  },
}

function headerLength(flags: number): number {
  let length = HEADER
  if ((flags & CHECKSUM) !== 0) length += 4
  if ((flags & KEY) !== 0) length += 4
  if ((flags & SEQUENCE) !== 0) length += 4
  if ((flags & VERSION) === 1 && (flags & ACKNOWLEDGMENT) !== 0) length += 4
  return length
}
