import { readOptions, readPorts, readSegmentFields } from './dissectors/tcp.ts'
import { KIND_ICMP_ERROR, KIND_OTHER, type Packet } from './packet.ts'
import type { Walk } from './walk.ts'

/** Ports and sequence number: all that RFC 792 promises. */
const PROMISED = 8
/** Up to the window: the segment's story is complete. */
const FULL = 16
const HEADER = 20

/** What the error says of itself. To be called while the packet's addresses are still those of the error. */
export function quoteIcmpError(packet: Packet, type: number, code: number, mtu: number): void {
  packet.icmpFrom = packet.src
  packet.icmpFromFamily = packet.family
  packet.icmpType = type
  packet.icmpCode = code
  packet.icmpMtu = mtu
}

/**
 * The TCP header that an error quotes at `at`, as much of it as there is.
 * @param quotedEnd  where the quoted IP packet ended before it was shortened: gives dataLen, -1 when that is not known
 */
export function readQuotedTcp(walk: Walk, at: number, quotedEnd: number): number {
  const packet = walk.packet
  if (!walk.has(at, PROMISED)) return KIND_OTHER
  readPorts(walk.view, at, packet)
  packet.seq = walk.view.getInt32(at + 4)
  packet.ack = -1
  packet.flags = -1
  packet.wnd = -1
  packet.dataLen = -1
  packet.optionsLen = -1
  if (walk.has(at, FULL)) readFullQuote(walk, at, quotedEnd)
  return KIND_ICMP_ERROR
}

function readFullQuote(walk: Walk, at: number, quotedEnd: number): void {
  const packet = walk.packet
  readSegmentFields(walk.view, at, packet)
  packet.quotedFull = 1
  const dataStart = at + (walk.view.getUint8(at + 12) >> 4) * 4
  if (dataStart < at + HEADER || dataStart > quotedEnd) return
  packet.dataLen = quotedEnd - dataStart
  packet.dataStart = Math.min(dataStart, walk.end)
  packet.dataCap = Math.max(0, Math.min(quotedEnd, walk.end) - dataStart)
  readOptions(walk, at + HEADER, dataStart)
}
