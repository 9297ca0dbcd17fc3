import { AddressBook } from '../../base/addresses.ts'
import type { ByteSource } from '../../capture/byte-source.ts'
import { openCaptures } from '../../capture/open.ts'
import type { RecordBatch } from '../../capture/types.ts'
import { PcapngEncoder } from '../../capture/write/pcapng-encoder.ts'
import { Decoder } from '../../packet/decode.ts'
import { KIND_ICMP_ERROR, KIND_TCP, Packet } from '../../packet/packet.ts'
import { HEADER_OCTETS } from '../capture/defaults.ts'

export interface HeadersOnly {
  /** A pcapng file. */
  octets: Uint8Array
  packets: number
  about: HeadersAbout
  /** Records that are not in it, because where their headers end is not known (or an address could not be mapped). */
  withheld: number
}

export interface HeadersAbout {
  application: string
  comment: string
  /** What was lost before it could be read; null: not told. */
  dropped: number | null
  startMs: number
  endMs: number
  /** Puts stand-ins into the record's octets, in place. @returns false: not all of it was understood */
  map?: (record: Uint8Array, link: number) => boolean
}

/** TCP segments and the errors about them without a single octet of payload, whatever the capture kept. */
export async function headersOnly(source: ByteSource, about: HeadersAbout): Promise<HeadersOnly> {
  const reader = await openCaptures([{ name: 'capture', bytes: source }])
  try {
    const writer = new HeaderWriter(about, reader.clock.originNs)
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      writer.add(batch)
    }
    return writer.done()
  } finally {
    await reader.close()
  }
}

class HeaderWriter {
  private packets = 0
  private withheld = 0
  private readonly encoder = new PcapngEncoder()
  private readonly decoder = new Decoder(new AddressBook())
  private readonly packet = new Packet()
  /** Interface of the file by link type. */
  private readonly interfaces = new Map<number, number>()
  private readonly about: HeadersAbout

  constructor(about: HeadersAbout, originNs: bigint) {
    const { application, comment } = about
    this.about = about
    this.encoder.section({ application, comments: [comment] })
    this.encoder.setOrigin(originNs)
  }

  add(batch: RecordBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const link = batch.links[i]!
      const record = this.headersOf(batch, i)
      if (record === null || this.about.map?.(record, link) === false) {
        this.withheld++
        continue
      }
      this.packets++
      const { length: capLen } = record
      const of = { bytes: record, start: 0, capLen, wireLen: batch.wireLens[i]! }
      this.encoder.packet(this.interfaceOf(link), batch.times[i]!, of)
    }
  }

  done(): HeadersOnly {
    const { encoder, about, packets, withheld } = this
    const ns = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n
    for (const id of this.interfaces.values()) {
      encoder.statistics(id, {
        startNs: ns(about.startMs),
        endNs: ns(about.endMs),
        received: null,
        droppedByInterface: null,
        droppedBySystem: id === 0 ? about.dropped : null,
        delivered: null,
      })
    }
    return { octets: encoder.take(), packets, withheld, about }
  }

  /** A copy, up to where the payload begins. */
  private headersOf(batch: RecordBatch, i: number): Uint8Array | null {
    const { view, bytes } = batch
    const start = batch.starts[i]!
    const capLen = batch.capLens[i]!
    const { packet, decoder } = this
    const kind = decoder.decode(
      view,
      bytes,
      start,
      capLen,
      batch.wireLens[i]!,
      batch.links[i]!,
      packet,
    )
    if (kind !== KIND_TCP && kind !== KIND_ICMP_ERROR) return null
    // A short quote has no payload to begin anywhere: ports and sequence number are all.
    const end = packet.dataStart > start ? packet.dataStart : start + capLen
    return bytes.slice(start, Math.min(end, start + capLen))
  }

  private interfaceOf(link: number): number {
    const known = this.interfaces.get(link)
    if (known !== undefined) return known
    const id = this.interfaces.size
    this.interfaces.set(link, id)
    this.encoder.interface({ link, snapLen: HEADER_OCTETS, name: 'any' })
    return id
  }
}
