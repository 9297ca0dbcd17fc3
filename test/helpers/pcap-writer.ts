// Capture files in memory, for tests. Formats: draft-ietf-opsawg-pcap-06, draft-ietf-opsawg-pcapng-03.

export interface PcapRecord {
  /** Nanoseconds since 1970. */
  timeNs: bigint
  data: Uint8Array
  /** Default: the length of `data`. */
  wireLen?: number
  /** What the file claims was captured, to write wrong files. Default: the length of `data`. */
  capLen?: number
}

export interface PcapOptions {
  ns?: boolean
  bigEndian?: boolean
  /** LINKTYPE_ number, default 1 = Ethernet. */
  link?: number
  snapLen?: number
  /** Magic number instead of the usual one. */
  magic?: number
  records: readonly PcapRecord[]
}

/** A classic pcap file. */
export function pcapFile(options: PcapOptions): Uint8Array {
  const { ns = false, bigEndian = false, link = 1, snapLen = 262_144, records } = options
  const magic = options.magic ?? (ns ? 0xa1b23c4d : 0xa1b2c3d4)
  const out = new Octets(!bigEndian)
  out.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(snapLen).u32(link)
  for (const record of records) {
    const { timeNs, data } = record
    const subNs = Number(timeNs % 1_000_000_000n)
    out.u32(Number(timeNs / 1_000_000_000n)).u32(ns ? subNs : Math.trunc(subNs / 1000))
    out.u32(record.capLen ?? data.length).u32(record.wireLen ?? data.length)
    if (magic === 0xa1b2cd34) out.u32(0).u32(0)
    out.bytes(data)
  }
  return out.done()
}

/** A growing buffer with the numbers of one byte order. */
export class Octets {
  private readonly little: boolean
  private buffer = new Uint8Array(1024)
  private length = 0

  constructor(little: boolean) {
    this.little = little
  }

  u16(value: number): this {
    const view = this.room(2)
    view.setUint16(0, value, this.little)
    return this
  }

  u32(value: number): this {
    const view = this.room(4)
    view.setUint32(0, value, this.little)
    return this
  }

  bytes(data: Uint8Array): this {
    this.room(data.length)
    this.buffer.set(data, this.length - data.length)
    return this
  }

  /** Zeros up to a multiple of 4. */
  pad(): this {
    this.room((4 - (this.length % 4)) % 4)
    return this
  }

  get size(): number {
    return this.length
  }

  done(): Uint8Array {
    return this.buffer.slice(0, this.length)
  }

  private room(octets: number): DataView {
    while (this.length + octets > this.buffer.length) {
      const grown = new Uint8Array(this.buffer.length * 2)
      grown.set(this.buffer)
      this.buffer = grown
    }
    this.length += octets
    return new DataView(this.buffer.buffer, this.length - octets, octets)
  }
}
