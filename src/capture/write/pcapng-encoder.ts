// Format: draft-ietf-opsawg-pcapng-03 (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/).
import {
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  SECTION_HEADER,
} from '../formats/pcapng-blocks.ts'

const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** if_tsresol: nanoseconds. */
const NANOSECONDS = 9
const OPT_COMMENT = 1
/** An option's length has 16 bits; longer text is cut. */
const MAX_TEXT_OCTETS = 0xfffc
const TWO_32 = 4_294_967_296

export interface SectionInfo {
  hardware?: string
  os?: string
  application?: string
  comments?: readonly string[]
}

export interface InterfaceInfo {
  /** LINKTYPE_ number. */
  link: number
  /** Octets kept of a packet. */
  snapLen: number
  name?: string
  description?: string
  /** The filter as libpcap understands it. */
  filter?: string
}

/** Where a packet's octets are, as in a RecordBatch. */
export interface PacketOctets {
  bytes: Uint8Array
  start: number
  capLen: number
  wireLen: number
}

/** Sums over the whole capture; null where the capture program did not tell. */
export interface InterfaceStatistics {
  startNs: bigint
  endNs: bigint
  received: number | null
  droppedByInterface: number | null
  droppedBySystem: number | null
  delivered: number | null
  comment?: string
}

/**
 * Blocks of a pcapng file, little-endian, times in nanoseconds. What was encoded is taken with `take`; it always ends
 * with a whole block, so a file that got all of it is valid.
 */
export class PcapngEncoder {
  private buffer: Uint8Array
  private view: DataView
  private at = 0
  private baseHi = 0
  private baseLo = 0

  constructor(octets = 1 << 17) {
    this.buffer = new Uint8Array(octets)
    this.view = new DataView(this.buffer.buffer)
  }

  /** Octets that wait to be taken. */
  get length(): number {
    return this.at
  }

  /** Time zero of the packets to come: nanoseconds since 1970. */
  setOrigin(originNs: bigint): void {
    this.baseHi = Number(originNs >> 32n)
    this.baseLo = Number(originNs & 0xffff_ffffn)
  }

  section(info: SectionInfo): void {
    const from = this.begin(SECTION_HEADER)
    this.u32(BYTE_ORDER_MAGIC)
    this.u32(1) // version 1.0
    this.u32(0xffff_ffff) // the section's length: not known
    this.u32(0xffff_ffff)
    for (const comment of info.comments ?? []) this.text(OPT_COMMENT, comment)
    this.text(2, info.hardware)
    this.text(3, info.os)
    this.text(4, info.application)
    this.end(from)
  }

  interface(info: InterfaceInfo): void {
    const from = this.begin(INTERFACE_DESCRIPTION)
    this.u32(info.link) // 16 bits, and 16 reserved ones
    this.u32(info.snapLen)
    this.text(2, info.name)
    this.text(3, info.description)
    this.octets(9, Uint8Array.of(NANOSECONDS))
    // if_filter: 0 = a libpcap string.
    if (info.filter !== undefined && info.filter !== '') this.text(11, `\0${info.filter}`)
    this.end(from)
  }

  /** @param tNs  since `setOrigin`; may be negative (clocks go backwards) */
  packet(interfaceId: number, tNs: number, of: PacketOctets, comment?: string): void {
    const { bytes, start, capLen, wireLen } = of
    const padded = (capLen + 3) & ~3
    this.room(padded + 32)
    const { view, at } = this
    const low = this.baseLo + Math.round(tNs)
    const carry = Math.floor(low / TWO_32)
    view.setUint32(at + 24 + padded, 0, true) // padding: all other fields go over what is not
    view.setUint32(at, ENHANCED_PACKET, true)
    view.setUint32(at + 8, interfaceId, true)
    view.setUint32(at + 12, this.baseHi + carry, true)
    view.setUint32(at + 16, low - carry * TWO_32, true)
    view.setUint32(at + 20, capLen, true)
    view.setUint32(at + 24, wireLen, true)
    this.buffer.set(bytes.subarray(start, start + capLen), at + 28)
    this.at = at + 28 + padded
    if (comment !== undefined) {
      this.text(OPT_COMMENT, comment)
      this.endOptions()
    }
    this.close(at)
  }

  /** At the end of a section: what was received and lost. */
  statistics(interfaceId: number, of: InterfaceStatistics): void {
    const from = this.begin(INTERFACE_STATISTICS)
    this.u32(interfaceId)
    this.time(of.endNs)
    this.text(OPT_COMMENT, of.comment)
    this.timeOption(2, of.startNs)
    this.timeOption(3, of.endNs)
    this.counter(4, of.received)
    this.counter(5, of.droppedByInterface)
    this.counter(7, of.droppedBySystem)
    this.counter(8, of.delivered)
    this.end(from)
  }

  /** What was encoded since the last call. Valid until something is encoded again. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(0, this.at)
    this.at = 0
    return taken
  }

  private begin(type: number): number {
    const from = this.at
    this.u32(type)
    this.u32(0)
    return from
  }

  private end(from: number): void {
    this.endOptions()
    this.close(from)
  }

  private endOptions(): void {
    this.u32(0)
  }

  private close(from: number): void {
    const length = this.at + 4 - from
    this.u32(length)
    this.view.setUint32(from + 4, length, true)
  }

  private u32(value: number): void {
    this.room(4)
    this.view.setUint32(this.at, value, true)
    this.at += 4
  }

  private time(ns: bigint): void {
    this.u32(Number(ns >> 32n))
    this.u32(Number(ns & 0xffff_ffffn))
  }

  private timeOption(code: number, ns: bigint): void {
    this.u32(code | (8 << 16))
    this.time(ns)
  }

  private counter(code: number, value: number | null): void {
    if (value === null) return
    this.u32(code | (8 << 16))
    this.u32(value % TWO_32)
    this.u32(Math.floor(value / TWO_32))
  }

  private text(code: number, text: string | undefined): void {
    if (text === undefined) return
    const octets = utf8.encode(text)
    this.octets(code, octets.length > MAX_TEXT_OCTETS ? cut(octets) : octets)
  }

  private octets(code: number, octets: Uint8Array): void {
    const padded = (octets.length + 3) & ~3
    this.room(4 + padded)
    this.view.setUint16(this.at, code, true)
    this.view.setUint16(this.at + 2, octets.length, true)
    this.buffer.fill(0, this.at + 4, this.at + 4 + padded)
    this.buffer.set(octets, this.at + 4)
    this.at += 4 + padded
  }

  private room(octets: number): void {
    if (this.at + octets <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.at + octets))
    grown.set(this.buffer.subarray(0, this.at))
    this.buffer = grown
    this.view = new DataView(grown.buffer)
  }
}

const utf8 = new TextEncoder()

/** Not in the middle of a character. */
function cut(octets: Uint8Array): Uint8Array {
  let end = MAX_TEXT_OCTETS
  while ((octets[end]! & 0xc0) === 0x80) end--
  return octets.subarray(0, end)
}
