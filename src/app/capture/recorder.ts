import type { RecordBatch } from '../../capture/types.ts'
import { PcapngEncoder, type SectionInfo } from '../../capture/write/pcapng-encoder.ts'
import type { TcpdumpCounts } from './tcpdump-words.ts'

/** https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: the interface's index is at octet 4. */
const LINKTYPE_SLL2 = 276
const SLL2_INDEX_AT = 4
const SLL2_HEADER = 20

export interface RecorderOptions {
  section: SectionInfo
  /** As tcpdump was told: "any" or a name. */
  interface: string
  snapLen: number
  filter: string
  /** The name of an interface index in the target's network namespace; null when it is not known. */
  nameOf: (index: number) => string | null
}

/** tcpdump's records -> blocks of a pcapng file, with an interface description for each interface that packets came by. */
export class Recorder {
  private readonly options: RecorderOptions
  private readonly encoder = new PcapngEncoder()
  private readonly interfaces: { link: number; name: string }[] = []
  /** Index of the interface (ONLY: tcpdump does not tell which) -> its number in the file. */
  private readonly ids = new Map<number, number>()
  private originNs: bigint | null = null

  constructor(options: RecorderOptions) {
    this.options = options
  }

  /** Begins a file or a piece of one: the section and all interfaces known so far. */
  header(): Uint8Array {
    const header = new PcapngEncoder(4096)
    header.section(this.options.section)
    for (const one of this.interfaces) header.interface(this.describe(one))
    return header.take()
  }

  /** @returns descriptions of interfaces that this batch is the first to come by; null when there are none */
  newInterfaces(batch: RecordBatch): Uint8Array | null {
    const from = this.interfaces.length
    for (let i = 0; i < batch.count; i++) {
      const index = interfaceIndex(batch, i)
      if (!this.ids.has(index)) this.addInterface(index, batch.links[i]!)
    }
    return this.interfaces.length === from ? null : this.descriptions(from)
  }

  /** @returns the description of the interface when no packet came by any */
  onlyInterface(link: number | null): Uint8Array | null {
    if (link === null || this.interfaces.length > 0) return null
    this.addInterface(ONLY, link)
    return this.descriptions(0)
  }

  /**
   * @param originNs   time zero of the batch
   * @param commentOn  asked for every packet, in order
   * @returns its packets as blocks; valid until the next call
   */
  encode(
    batch: RecordBatch,
    originNs: bigint,
    commentOn: ((i: number) => string | undefined) | null,
  ): Uint8Array {
    if (originNs !== this.originNs) {
      this.originNs = originNs
      this.encoder.setOrigin(originNs)
    }
    const { count, times, bytes, starts, capLens, wireLens } = batch
    const packet = { bytes, start: 0, capLen: 0, wireLen: 0 }
    for (let i = 0; i < count; i++) {
      packet.start = starts[i]!
      packet.capLen = capLens[i]!
      packet.wireLen = wireLens[i]!
      const id = this.ids.get(interfaceIndex(batch, i))!
      this.encoder.packet(id, times[i]!, packet, commentOn?.(i))
    }
    return this.encoder.take()
  }

  /** The end of a file: what was received and lost, all interfaces together. */
  trailer(counts: TcpdumpCounts, of: { startNs: bigint; endNs: bigint }): Uint8Array {
    const trailer = new PcapngEncoder(1024)
    if (this.interfaces.length === 0) return trailer.take()
    trailer.statistics(0, {
      startNs: of.startNs,
      endNs: of.endNs,
      received: counts.received,
      droppedByInterface: counts.droppedByInterface,
      droppedBySystem: counts.droppedByKernel,
      delivered: counts.captured,
      ...(this.interfaces.length > 1 ? { comment: 'All interfaces together.' } : {}),
    })
    return trailer.take()
  }

  private descriptions(from: number): Uint8Array {
    const blocks = new PcapngEncoder(4096)
    for (const one of this.interfaces.slice(from)) blocks.interface(this.describe(one))
    return blocks.take()
  }

  private addInterface(index: number, link: number): void {
    const { interface: asked, nameOf } = this.options
    const name = index === ONLY ? asked : (nameOf(index) ?? `interface ${index}`)
    this.ids.set(index, this.interfaces.length)
    this.interfaces.push({ link, name })
  }

  private describe({ link, name }: { link: number; name: string }) {
    const { snapLen, filter } = this.options
    return { link, name, snapLen, filter }
  }
}

const ONLY = -1

function interfaceIndex(batch: RecordBatch, i: number): number {
  if (batch.links[i] !== LINKTYPE_SLL2 || batch.capLens[i]! < SLL2_HEADER) return ONLY
  return batch.view.getUint32(batch.starts[i]! + SLL2_INDEX_AT)
}
