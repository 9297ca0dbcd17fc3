// https://www.tcpdump.org/linktypes.html (LINKTYPE_NULL: the writer's byte order; LINKTYPE_LOOP: network byte order)
import type { Dissector } from '../dissector.ts'
import { KIND_OTHER } from '../packet.ts'
import { dissectIp } from './raw.ts'

const HEADER = 4
// AF_INET is 2 everywhere, AF_INET6 is 10 (Linux), 23 (Windows), 24 (NetBSD, OpenBSD), 28 (FreeBSD) or 30 (Darwin).
const INTERNET_FAMILIES: readonly number[] = [2, 10, 23, 24, 28, 30]

export const nullLink: Dissector = {
  id: 'null',
  title: 'BSD loopback, either byte order',
  links: [0, 108],
  dissect(walk, at) {
    if (!walk.has(at, HEADER)) return KIND_OTHER
    const isIp =
      INTERNET_FAMILIES.includes(walk.view.getUint32(at)) ||
      INTERNET_FAMILIES.includes(walk.view.getUint32(at, true))
    return isIp ? dissectIp(walk, at + HEADER) : KIND_OTHER
  },
}
