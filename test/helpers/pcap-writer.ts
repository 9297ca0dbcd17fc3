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

export interface PcapngInterface {
  link?: number
  snapLen?: number
  name?: string
  /** if_tsresol as written; default none, which means microseconds (6). */
  tsresol?: number
  /** if_tsoffset, seconds. */
  tsoffset?: number
}

type Option = readonly [code: number, value: Uint8Array]

/** A pcapng file built block by block: `new PcapngWriter().section().interface().packet(0, record).done()`. */
export class PcapngWriter {
  private readonly files: Uint8Array[] = []
  private little = true
  private interfaces: PcapngInterface[] = []

  section(options: { bigEndian?: boolean; comment?: string } = {}): this {
    this.little = !options.bigEndian
    this.interfaces = []
    const body = this.body().u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffff_ffff).u32(0xffff_ffff)
    return this.block(0x0a0d0d0a, this.options(body, textOptions(options.comment)))
  }

  interface(about: PcapngInterface = {}): this {
    this.interfaces.push(about)
    const options: Option[] = []
    if (about.name !== undefined) options.push([2, new TextEncoder().encode(about.name)])
    if (about.tsresol !== undefined) options.push([9, Uint8Array.of(about.tsresol)])
    if (about.tsoffset !== undefined) options.push([14, this.u64(BigInt(about.tsoffset))])
    const body = this.body()
      .u16(about.link ?? 1)
      .u16(0)
      .u32(about.snapLen ?? 0)
    return this.block(1, this.options(body, options))
  }

  /** Enhanced packet block; `old` writes the obsolete packet block instead. */
  packet(
    id: number,
    record: PcapRecord,
    about: { comment?: string; pid?: number; old?: boolean } = {},
  ): this {
    const units = this.units(id, record.timeNs)
    const body = this.body()
    if (about.old) body.u16(id).u16(0xffff)
    else body.u32(id)
    body.u32(Number(units >> 32n)).u32(Number(units & 0xffff_ffffn))
    body.u32(record.capLen ?? record.data.length).u32(record.wireLen ?? record.data.length)
    body.bytes(record.data).pad()
    const options = [...textOptions(about.comment)]
    if (about.pid !== undefined) options.push([8, this.body().u32(about.pid).u32(1).done()])
    return this.block(about.old ? 2 : 6, this.options(body, options))
  }

  simplePacket(record: PcapRecord): this {
    const body = this.body().u32(record.wireLen ?? record.data.length)
    return this.block(3, body.bytes(record.data).pad().done())
  }

  statistics(id: number, counts: { received: number; dropped: number }): this {
    const body = this.body().u32(id).u32(0).u32(0)
    const options: Option[] = [
      [4, this.u64(BigInt(counts.received))],
      [5, this.u64(BigInt(counts.dropped))],
    ]
    return this.block(5, this.options(body, options))
  }

  /** Any block; `length` writes a wrong block length in front. */
  block(type: number, body: Uint8Array, length?: number): this {
    const padded = (body.length + 3) & ~3
    const total = padded + 12
    const out = this.body()
      .u32(type)
      .u32(length ?? total)
      .bytes(body)
      .pad()
      .u32(total)
    this.files.push(out.done())
    return this
  }

  /** Where each block ends. */
  ends(): number[] {
    let end = 0
    return this.files.map((block) => {
      end += block.length
      return end
    })
  }

  done(): Uint8Array {
    const out = new Octets(true)
    for (const block of this.files) out.bytes(block)
    return out.done()
  }

  private units(id: number, timeNs: bigint): bigint {
    const { tsresol = 6, tsoffset = 0 } = this.interfaces[id] ?? {}
    const relative = timeNs - BigInt(tsoffset) * 1_000_000_000n
    if (tsresol & 0x80) return (relative << BigInt(tsresol & 0x7f)) / 1_000_000_000n
    return (relative * 10n ** BigInt(tsresol)) / 1_000_000_000n
  }

  private options(body: Octets, options: readonly Option[]): Uint8Array {
    for (const [code, value] of options) body.u16(code).u16(value.length).bytes(value).pad()
    if (options.length > 0) body.u16(0).u16(0)
    return body.done()
  }

  private u64(value: bigint): Uint8Array {
    const halves = [Number(value >> 32n) >>> 0, Number(value & 0xffff_ffffn)] as const
    const out = this.body()
    return this.little
      ? out.u32(halves[1]).u32(halves[0]).done()
      : out.u32(halves[0]).u32(halves[1]).done()
  }

  private body(): Octets {
    return new Octets(this.little)
  }
}

/** A pcapng file with one section and one interface. */
export function pcapngFile(
  options: PcapngInterface & { bigEndian?: boolean; records: readonly PcapRecord[] },
): Uint8Array {
  const { bigEndian = false, records, ...about } = options
  const writer = new PcapngWriter().section({ bigEndian }).interface(about)
  for (const record of records) writer.packet(0, record)
  return writer.done()
}

function textOptions(comment: string | undefined): Option[] {
  return comment === undefined ? [] : [[1, new TextEncoder().encode(comment)]]
}
