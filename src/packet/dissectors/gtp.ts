// 3GPP TS 29.281 §5.1 (GTP-U version 1), §5.2 (extension headers)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'
import { dissectIp } from './raw.ts'

const HEADER = 8
const OPTIONAL_FIELDS = 4
const VERSION_1_GTP = 0x30
const HAS_OPTIONAL_FIELDS = 0x07
const HAS_EXTENSION = 0x04
const G_PDU = 0xff
const MAX_EXTENSIONS = 8

export const gtp: Dissector = {
  id: 'gtp',
  title: 'GTP-U, the user plane of mobile networks',
  udpPorts: [2152],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    const flags = walk.view.getUint8(at)
    if ((flags & 0xf0) !== VERSION_1_GTP || walk.view.getUint8(at + 1) !== G_PDU) return KIND_OTHER
    walk.limit(at + HEADER + walk.view.getUint16(at + 2))
    if ((flags & HAS_OPTIONAL_FIELDS) === 0) return dissectIp(walk, at + HEADER)
    const inner = at + HEADER + OPTIONAL_FIELDS
    if ((flags & HAS_EXTENSION) === 0) return dissectIp(walk, inner)
    return dissectBehindExtensions(walk, inner)
  },
}

/** Every extension begins with its length in units of 4 octets and ends with the type of the next; 0 = none. */
function dissectBehindExtensions(walk: Walk, at: number): number {
  if (!walk.has(at - 1, 1)) return KIND_OTHER
  let type = walk.view.getUint8(at - 1)
  for (let n = 0; type !== 0; n++) {
    if (n === MAX_EXTENSIONS || !walk.has(at, 4)) return KIND_OTHER
    const length = walk.view.getUint8(at) * 4
    if (length === 0 || !walk.has(at, length)) return KIND_OTHER
    at += length
    type = walk.view.getUint8(at - 1)
  }
  return dissectIp(walk, at)
}
