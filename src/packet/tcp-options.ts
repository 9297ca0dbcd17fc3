import { seqMax } from '../base/seq.ts'
import { FAULT_BAD_OPTION, type Packet, SYN } from './packet.ts'

// RFC 9293 §3.2 and the IANA registry "TCP Option Kind Numbers".
const END_OF_LIST = 0
const NO_OPERATION = 1
const MSS = 2
const WINDOW_SCALE = 3
const SACK_PERMITTED = 4
const SACK = 5
const TIMESTAMPS = 8
const MPTCP = 30
const FAST_OPEN = 34
const EXPERIMENT_1 = 253
const EXPERIMENT_2 = 254
const FAST_OPEN_MAGIC = 0xf989 // RFC 7413 §4.1.1, before the option had a number of its own
const MAX_WINDOW_SCALE = 14 // RFC 7323 §2.3: a larger shift is used as 14

/**
 * Reads the options in [at, end) into `packet`, whose flags are already set (MSS, window scale and SACK-permitted count
 * only on a SYN). A malformed one sets FAULT_BAD_OPTION and ends the reading; what stood before it is kept.
 * @param cut  the list goes on behind `end`, which was not captured: an option that crosses it is not malformed
 */
export function readTcpOptions(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
  cut: boolean,
  packet: Packet,
): void {
  while (at < end) {
    const kind = bytes[at]!
    if (kind === NO_OPERATION) {
      at++
      continue
    }
    if (kind === END_OF_LIST) return
    const length = at + 1 < end ? bytes[at + 1]! : 0
    const incomplete = at + 1 >= end || at + length > end
    if (incomplete && cut) return
    if (incomplete || length < 2 || !readOption(view, kind, at, length, packet)) {
      packet.fault |= FAULT_BAD_OPTION
      packet.rare = 1
      return
    }
    at += length
  }
}

/** @returns false when the length is wrong for the kind; an unknown kind is skipped, RFC 9293 MUST-6 */
function readOption(
  view: DataView,
  kind: number,
  at: number,
  length: number,
  packet: Packet,
): boolean {
  switch (kind) {
    case TIMESTAMPS:
      if (length !== 10) return false
      packet.hasTimestamps = 1
      packet.tsVal = view.getInt32(at + 2)
      packet.tsEcr = view.getInt32(at + 6)
      return true
    case SACK:
      return readSack(view, at, length, packet)
    case MPTCP:
      packet.mptcp = 1
      packet.rare = 1
      return length >= 3
    case FAST_OPEN:
      packet.fastOpenCookie = length - 2
      packet.rare = 1
      return true
    case EXPERIMENT_1:
    case EXPERIMENT_2:
      if (length < 4 || view.getUint16(at + 2) !== FAST_OPEN_MAGIC) return true
      packet.fastOpenCookie = length - 4
      packet.rare = 1
      return true
    default:
      return (packet.flags & SYN) === 0 || readSynOption(view, kind, at, length, packet)
  }
}

function readSynOption(
  view: DataView,
  kind: number,
  at: number,
  length: number,
  packet: Packet,
): boolean {
  switch (kind) {
    case MSS:
      if (length !== 4) return false
      packet.mss = view.getUint16(at + 2)
      break
    case WINDOW_SCALE:
      if (length !== 3) return false
      packet.windowScale = Math.min(view.getUint8(at + 2), MAX_WINDOW_SCALE)
      break
    case SACK_PERMITTED:
      if (length !== 2) return false
      packet.sackPermitted = 1
      break
    default:
      return true
  }
  packet.rare = 1
  return true
}

/** RFC 2018 §3: pairs of left and right edges. */
function readSack(view: DataView, at: number, length: number, packet: Packet): boolean {
  if (length < 10 || (length - 2) % 8 !== 0) return false
  packet.rare = 1
  packet.sackBlocks = (length - 2) >> 3
  packet.sackLeft = view.getInt32(at + 2)
  packet.sackRight = view.getInt32(at + 6)
  packet.sackHighest = packet.sackRight
  for (let block = at + 10; block < at + length; block += 8) {
    packet.sackHighest = seqMax(packet.sackHighest, view.getInt32(block + 4))
  }
  return true
}
