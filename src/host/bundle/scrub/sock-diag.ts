// Linux include/uapi/linux/inet_diag.h, v6.18: struct inet_diag_msg and the attributes behind it.
import type { MapAddress } from './types.ts'

const NLMSG_HDR = 16
const DIAG_MSG = 72
const SOCK_DIAG_BY_FAMILY = 20
const AF_INET = 2
const NLA_HDR = 4
const NLA_TYPE_MASK = 0x3fff
const SOURCE = 8
const DESTINATION = 24

/**
 * Attributes that are kept: MEMINFO, INFO, VEGASINFO, CONG, TOS, TCLASS, SKMEMINFO, SHUTDOWN, DCTCPINFO, PROTOCOL, SKV6ONLY, PAD,
 * MARK, BBRINFO, CLASS_ID, CGROUP_ID, SOCKOPT. Not LOCALS and PEERS, which are addresses; not MD5SIG, which is the keys of
 * TCP-MD5 (BGP) that the kernel tells to CAP_NET_ADMIN; not ULP_INFO and SK_BPF_STORAGES, which can be anything.
 */
const KEPT = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 21, 22])

/**
 * Clears what is not kept, and maps addresses, in these very octets.
 * @param octets  answers of sock_diag; from where they cannot be understood on they are cleared
 */
export function scrubSockDiag(octets: Uint8Array, littleEndian: boolean, map?: MapAddress): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  let at = 0
  while (at + NLMSG_HDR <= octets.length) {
    const length = view.getUint32(at, littleEndian)
    if (length < NLMSG_HDR || at + length > octets.length) break
    if (view.getUint16(at + 4, littleEndian) === SOCK_DIAG_BY_FAMILY) {
      scrubSocket({ octets, view, littleEndian }, at + NLMSG_HDR, at + length, map)
    }
    at += (length + 3) & ~3
  }
  octets.fill(0, Math.min(at, octets.length))
}

interface Source {
  octets: Uint8Array
  view: DataView
  littleEndian: boolean
}

function scrubSocket(from: Source, at: number, end: number, map: MapAddress | undefined): void {
  const { octets, view, littleEndian } = from
  if (at + DIAG_MSG > end) {
    octets.fill(0, at, end)
    return
  }
  if (map !== undefined) {
    const size = octets[at] === AF_INET ? 4 : 16
    for (const field of [SOURCE, DESTINATION]) map(octets, at + field, size)
  }
  let next = at + DIAG_MSG
  while (next + NLA_HDR <= end) {
    const length = view.getUint16(next, littleEndian)
    if (length < NLA_HDR || next + length > end) break
    const type = view.getUint16(next + 2, littleEndian) & NLA_TYPE_MASK
    if (!KEPT.has(type)) octets.fill(0, next + NLA_HDR, next + length)
    next += (length + 3) & ~3
  }
  if (next < end) octets.fill(0, next, end)
}
