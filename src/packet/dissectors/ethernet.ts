// IEEE 802.3-2022 §3.2.6, IEEE 802-2014 §9 (SNAP), https://www.tcpdump.org/linktypes/LINKTYPE_ETHERNET.html
import type { Dissector } from '../dissector.ts'
import { hashMac } from '../fields.ts'
import { KIND_OTHER } from '../packet.ts'
import type { Walk } from '../walk.ts'
import { dissectLlc } from './llc.ts'

const HEADER = 14
const LARGEST_LENGTH = 1500
const SMALLEST_TYPE = 0x0600
/** GRE's and Geneve's number for "an Ethernet frame follows". */
const TRANSPARENT_BRIDGING = 0x6558

export const ethernet: Dissector = {
  id: 'ethernet',
  title: 'Ethernet II and 802.3 with LLC/SNAP',
  links: [1],
  etherTypes: [TRANSPARENT_BRIDGING],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    // Of several Ethernet headers the outermost tells which box sent the frame.
    if (walk.isOutermost()) walk.packet.linkSource = hashMac(walk.view, at + 6)
    return dissectTypeOrLength(walk, at + 12)
  },
}

/** @param at  of the two octets that are an EtherType, or the length of an LLC frame */
export function dissectTypeOrLength(walk: Walk, at: number): number {
  if (!walk.has(at, 2)) return KIND_OTHER
  const type = walk.view.getUint16(at)
  if (type >= SMALLEST_TYPE) return walk.etherType(type, at + 2)
  if (type > LARGEST_LENGTH) return KIND_OTHER
  walk.limit(at + 2 + type)
  return dissectLlc(walk, at + 2)
}

/** Whether the octets at `at` may be an Ethernet frame that leads to IP: for layers that do not say what they carry. */
export function looksLikeEthernet(walk: Walk, at: number): boolean {
  if (!walk.has(at, HEADER + 1)) return false
  const type = walk.view.getUint16(at + 12)
  const version = walk.view.getUint8(at + HEADER) >> 4
  if (type === 0x0800) return version === 4
  if (type === 0x86dd) return version === 6
  return type >= SMALLEST_TYPE && walk.knowsEtherType(type)
}
