import { type Packet, resetRareFields } from '../../packet/packet.ts'
import { PACKET_AT, PACKET_FIELDS, PACKET_TIME_AT } from './layout.ts'

// The one packet in the core's memory <-> a Packet. The places are those of PACKET_FIELDS, written out because every one counts.

/** First word of the packet, and the place of `rare` in it. */
export const PACKET = PACKET_AT >> 2
export const RARE = PACKET_FIELDS.indexOf('rare')

export function writePacket(p: Packet, ints: Int32Array, floats: Float64Array): void {
  const at = PACKET
  floats[PACKET_TIME_AT >> 3] = p.tNs
  ints[at] = p.kind
  ints[at + 1] = p.frame
  ints[at + 2] = p.family
  ints[at + 3] = p.src
  ints[at + 4] = p.dst
  ints[at + 5] = p.srcPort
  ints[at + 6] = p.dstPort
  ints[at + 7] = p.seq
  ints[at + 8] = p.ack
  ints[at + 9] = p.flags
  ints[at + 10] = p.wnd
  ints[at + 11] = p.dataLen
  ints[at + 12] = p.dataStart
  ints[at + 13] = p.dataCap
  ints[at + 14] = p.ttl
  ints[at + 15] = p.ipId
  ints[at + 16] = p.df
  ints[at + 17] = p.optionsLen
  ints[at + 18] = p.hasTimestamps
  ints[at + 19] = p.tsVal
  ints[at + 20] = p.tsEcr
  ints[at + 21] = p.linkSource
  ints[at + 22] = p.direction
  const plain = p.rare === 0 && ints[at + RARE] === 0
  ints[at + RARE] = p.rare
  if (plain) return
  ints[at + 24] = p.mss
  ints[at + 25] = p.windowScale
  ints[at + 26] = p.sackPermitted
  ints[at + 27] = p.sackBlocks
  ints[at + 28] = p.sackLeft
  ints[at + 29] = p.sackRight
  ints[at + 30] = p.sackHighest
  ints[at + 31] = p.fastOpenCookie
  ints[at + 32] = p.mptcp
  ints[at + 33] = p.fault
}

/** Of IPv4. `dataStart` alone is not told. */
export function readPacket(p: Packet, ints: Int32Array, floats: Float64Array): void {
  const at = PACKET
  p.tNs = floats[PACKET_TIME_AT >> 3]!
  p.kind = ints[at]!
  p.frame = ints[at + 1]!
  p.family = 4
  p.src = ints[at + 3]!
  p.dst = ints[at + 4]!
  p.srcPort = ints[at + 5]!
  p.dstPort = ints[at + 6]!
  p.seq = ints[at + 7]!
  p.ack = ints[at + 8]!
  p.flags = ints[at + 9]!
  p.wnd = ints[at + 10]!
  p.dataLen = ints[at + 11]!
  p.dataCap = ints[at + 13]!
  p.ttl = ints[at + 14]!
  p.ipId = ints[at + 15]!
  p.df = ints[at + 16]!
  p.optionsLen = ints[at + 17]!
  p.hasTimestamps = ints[at + 18]!
  p.tsVal = ints[at + 19]!
  p.tsEcr = ints[at + 20]!
  p.linkSource = ints[at + 21]!
  p.direction = ints[at + 22]!
  if (ints[at + RARE] === 0) {
    if (p.rare !== 0) resetRareFields(p)
    return
  }
  p.rare = 1
  p.mss = ints[at + 24]!
  p.windowScale = ints[at + 25]!
  p.sackPermitted = ints[at + 26]!
  p.sackBlocks = ints[at + 27]!
  p.sackLeft = ints[at + 28]!
  p.sackRight = ints[at + 29]!
  p.sackHighest = ints[at + 30]!
  p.fastOpenCookie = ints[at + 31]!
  p.mptcp = ints[at + 32]!
  p.fault = ints[at + 33]!
}
