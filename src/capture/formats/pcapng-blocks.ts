// Format: draft-ietf-opsawg-pcapng-03 (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/); the Darwin block:
// Apple libpcap-129 pcap/pcap-ng.h. What is decided once a block, not once a packet.
import type { SourceClock } from '../source-state.ts'
import { linkTypeOf } from './link-types.ts'

export const SECTION_HEADER = 0x0a0d0d0a
export const INTERFACE_DESCRIPTION = 1
/** Obsolete Packet Block, written until 2009. */
export const OLD_PACKET = 2
export const SIMPLE_PACKET = 3
export const NAME_RESOLUTION = 4
export const INTERFACE_STATISTICS = 5
export const ENHANCED_PACKET = 6
/** Darwin Process Event Block: pid and name that Darwin's packets point at. */
export const DARWIN_PROCESS = 0x80000001

const NS_PER_S = 1_000_000_000n
const LOW_32 = 0xffff_ffffn
/** A tsresol of 10^-18 or 2^-63 is as fine as 64 bits can say; more is nonsense in the input. */
const MAX_RESOLUTION = 63

/** An interface of a section, with how its timestamps become nanoseconds since time zero. */
export interface Interface {
  link: number
  snapLen: number
  name: string | null
  comments: string[]
  /** Index in CaptureSourceInfo.interfaces, -1 beyond those kept there. */
  infoIndex: number
  /** Nanoseconds of one unit of its timestamps. */
  unitNs: number
  /** Time zero in its units: high and low half, and what is left in nanoseconds. Valid when `ready`. */
  originHi: number
  originLo: number
  restNs: number
  ready: boolean
  /** if_tsresol as written: exponent, and 10 or 2 as its base; if_tsoffset in seconds. */
  exponent: number
  base: 2 | 10
  offsetSec: bigint
}

/** A block's octets, with the byte order of its section. */
export interface BlockView {
  view: DataView
  little: boolean
  /** Where the block begins and ends in `view`. */
  at: number
  end: number
}

/** Calls `visit` for every whole option from `at` on; stops at the end mark or where a length does not fit. */
export function eachOption(
  block: BlockView,
  at: number,
  visit: (code: number, at: number, length: number) => void,
): void {
  const { view, little } = block
  const end = block.end - 4
  while (at + 4 <= end) {
    const code = view.getUint16(at, little)
    const length = view.getUint16(at + 2, little)
    if (code === 0 || at + 4 + length > end) return
    visit(code, at + 4, length)
    at += 4 + ((length + 3) & ~3)
  }
}

const utf8 = new TextDecoder('utf-8')

/** Text of an option, without the NUL that some writers put behind it. */
export function optionText(view: DataView, at: number, length: number): string {
  const octets = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(length, 4096))
  const text = utf8.decode(octets)
  const nul = text.indexOf('\0')
  return nul < 0 ? text : text.slice(0, nul)
}

/** An Interface Description Block, of at least 20 octets. */
export function readInterface(block: BlockView): Interface {
  const { view, little, at } = block
  const found: Interface = {
    link: linkTypeOf(view.getUint16(at + 8, little)),
    snapLen: view.getUint32(at + 12, little),
    name: null,
    comments: [],
    infoIndex: -1,
    unitNs: 1000,
    originHi: 0,
    originLo: 0,
    restNs: 0,
    ready: false,
    exponent: 6,
    base: 10,
    offsetSec: 0n,
  }
  eachOption(block, at + 16, (code, where, length) => {
    if (code === 1) found.comments.push(optionText(view, where, length))
    else if (code === 2) found.name = optionText(view, where, length)
    else if (code === 9 && length >= 1) setResolution(found, view.getUint8(where))
    else if (code === 14 && length >= 8) found.offsetSec = view.getBigInt64(where, little)
  })
  return found
}

function setResolution(of: Interface, octet: number): void {
  of.base = octet & 0x80 ? 2 : 10
  of.exponent = Math.min(octet & 0x7f, MAX_RESOLUTION)
  of.unitNs = of.base === 2 ? 1e9 / 2 ** of.exponent : Number(`1e${9 - of.exponent}`)
}

/** Puts an interface on the source's time zero; the first packet of all makes it. */
export function prepareClock(of: Interface, clock: SourceClock, hi: number, lo: number): void {
  const offsetNs = of.offsetSec * NS_PER_S
  if (clock.originNs === null) {
    clock.set(unitsToNs(of, (BigInt(hi) << 32n) | BigInt(lo)) + offsetNs)
  }
  const relativeNs = clock.originNs! - offsetNs
  const units = nsToUnits(of, relativeNs)
  of.originHi = Number(units >> 32n)
  of.originLo = Number(units & LOW_32)
  of.restNs = Number(unitsToNs(of, units) - relativeNs)
  of.ready = true
}

function unitsToNs(of: Interface, units: bigint): bigint {
  const perSecond = BigInt(of.base) ** BigInt(of.exponent)
  return (units * NS_PER_S) / perSecond
}

function nsToUnits(of: Interface, ns: bigint): bigint {
  const perSecond = BigInt(of.base) ** BigInt(of.exponent)
  return (ns * perSecond) / NS_PER_S
}

/** Packets that an Interface Statistics Block says were received and lost; null where it does not tell. */
export function readStatistics(block: BlockView): {
  received: number | null
  dropped: number | null
} {
  let received: number | null = null
  let dropped: number | null = null
  eachOption(block, block.at + 20, (code, at, length) => {
    if (length < 8) return
    const value = Number(block.view.getBigUint64(at, block.little))
    if (code === 4) received = value
    // isb_ifdrop and isb_osdrop: lost by the interface, and by the system for want of room.
    else if (code === 5 || code === 7) dropped = (dropped ?? 0) + value
  })
  return { received, dropped }
}
