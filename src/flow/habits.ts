import type { Packet } from '../packet/packet.ts'
import {
  S_CHANGED,
  S_IPID,
  S_IPID_FAR,
  S_IPID_NEAR,
  S_IPID_ZERO,
  S_LINK,
  S_PACKETS,
  S_RSTS,
  S_TTL_COUNTS,
  S_TTLS,
} from './layout.ts'

/**
 * A segment whose TTL is not the one its side used first. At most four TTLs are kept, one a byte of S_TTLS, with their
 * packet counts. A new TTL together with a new link-layer sender means that another box speaks for this address.
 */
export function noteHabits(ints: Int32Array, o: number, p: Packet, frame: number): void {
  const first = ints[o + S_PACKETS] === 1
  if (p.linkSource !== 0) {
    const moved = !first && ints[o + S_LINK] !== 0 && ints[o + S_LINK] !== p.linkSource
    if (moved && ints[o + S_CHANGED] === 0) ints[o + S_CHANGED] = frame
    ints[o + S_LINK] = p.linkSource
  }
  const ttl = p.ttl
  if (ttl === 0) return
  const ttls = ints[o + S_TTLS]!
  for (let i = 0; i < 4; i++) {
    const known = (ttls >>> (i * 8)) & 255
    if (known === ttl) {
      if (i > 0) ints[o + S_TTL_COUNTS + i]!++
      return
    }
    if (known === 0) {
      ints[o + S_TTLS] = ttls | (ttl << (i * 8))
      if (i > 0) ints[o + S_TTL_COUNTS + i] = 1
      return
    }
  }
}

/** Packets of a side with its i-th TTL, RSTs aside. The first one's are all that had none of the others. */
export function ttlCount(ints: Int32Array, o: number, i: number): number {
  if (i > 0) return ints[o + S_TTL_COUNTS + i]!
  const others =
    ints[o + S_TTL_COUNTS + 1]! + ints[o + S_TTL_COUNTS + 2]! + ints[o + S_TTL_COUNTS + 3]!
  return Math.max(0, ints[o + S_PACKETS]! - ints[o + S_RSTS]! - others)
}

/** IP-ID habits are learnt from this many packets of a side. */
export const HABIT_PACKETS = 64

/** IP-ID habits: always 0, a counter (small steps), or scattered. */
export function noteIpId(ints: Int32Array, o: number, p: Packet, packets: number): void {
  const id = p.ipId
  if (id < 0) return
  if (id === 0) ints[o + S_IPID_ZERO]!++
  else if (packets > 0) {
    const step = (id - ints[o + S_IPID]!) & 0xffff
    // A busy host's shared counter moves on between two packets of one connection; 4,096 is generous.
    if (step > 0 && step < 4096) ints[o + S_IPID_NEAR]!++
    else ints[o + S_IPID_FAR]!++
  }
  ints[o + S_IPID] = id
}
