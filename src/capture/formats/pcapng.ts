// Format: draft-ietf-opsawg-pcapng-03 (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/).
import type { ChunkInput } from '../chunks.ts'
import { BATCH_RECORDS, RecordColumns } from '../record-columns.ts'
import { countBatch, type SourceState } from '../source-state.ts'
import type { RecordBatch } from '../types.ts'
import type { CaptureFormat, RecordStream } from './format.ts'
import { MAX_RECORD_OCTETS } from './pcap.ts'
import {
  type BlockView,
  DARWIN_PROCESS,
  ENHANCED_PACKET,
  eachOption,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  type Interface,
  NAME_RESOLUTION,
  OLD_PACKET,
  optionText,
  prepareClock,
  readInterface,
  readStatistics,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from './pcapng-blocks.ts'

/** Wireshark's MAX_BLOCK_SIZE; a larger one is a wrong length. */
const MAX_BLOCK_OCTETS = 16 * 1024 * 1024
/** Largest block that is held whole: a packet of the largest size with generous options. */
const MAX_HELD_OCTETS = MAX_RECORD_OCTETS + 128 * 1024
const MAX_WIRE_OCTETS = 0x7fff_ffff
const RESYNC_OCTETS = 4 * 1024 * 1024
const MAX_INTERFACES = 65_536
const MAX_LISTED_INTERFACES = 256
const MAX_COMMENTS = 1000
const MAX_PROCESSES = 10_000

type Step = 'records' | 'again' | 'more'

export const pcapng: CaptureFormat = {
  id: 'pcapng',
  title: 'pcapng (Wireshark, dumpcap, tshark)',
  sniff: (head) =>
    head.length >= 4 &&
    head[0] === 0x0a &&
    head[1] === 0x0d &&
    head[2] === 0x0d &&
    head[3] === 0x0a,
  read: (input, state) => new PcapngStream(input, state),
}

/**
 * Blocks without a packet that Wireshark numbers all the same (seen with tshark 4.0.17, wiretap/pcapng.c): custom
 * blocks, systemd journal entries and Sysdig events.
 */
function countsAsFrame(type: number): boolean {
  switch (type) {
    case 0x0000_0bad:
    case 0x4000_0bad:
    case 0x0000_0009:
    case 0x0000_0204:
    case 0x0000_0208:
    case 0x0000_0216:
    case 0x0000_0217:
    case 0x0000_0221:
    case 0x0000_0222:
      return true
    default:
      return false
  }
}

class PcapngStream implements RecordStream {
  private readonly input: ChunkInput
  private readonly state: SourceState
  private readonly columns: RecordColumns
  private little = true
  private interfaces: Interface[] = []
  private originNs: bigint | null = null
  private at = 0
  private done = false
  /** Number of the last frame counted. */
  private frame = 0
  /** Octets of a large block, of no use here, still to be passed over. */
  private skip = 0
  /** Octets looked through since a broken block; -1 = in step. */
  private lost = -1
  private lastNs = 0
  private readonly processes = new Set<string>()
  private readonly darwinNames: string[] = []

  constructor(input: ChunkInput, state: SourceState) {
    this.input = input
    this.state = state
    this.columns = new RecordColumns(state.index, input.arena)
  }

  async next(): Promise<RecordBatch | null> {
    while (!this.done) {
      const step = this.lost < 0 ? this.fill() : this.resync()
      if (step === 'records') return this.publish()
      if (step === 'more' && !(await this.more())) this.finish()
    }
    return null
  }

  private publish(): RecordBatch {
    const { columns, input } = this
    columns.bytes = input.bytes
    columns.view = input.view
    columns.fileOffset = input.seekable ? input.offset : -1
    columns.firstFrame = this.frame + 1
    countBatch(this.state, columns)
    this.frame += columns.count
    this.lastNs = columns.times[columns.count - 1]!
    return columns
  }

  /** The hot loop: packet blocks are read here, all others by `other`. */
  private fill(): Step {
    this.followOrigin()
    const { columns } = this
    const { starts, capLens, wireLens, times, links } = columns
    const view = this.input.view
    const end = view.byteLength
    let { at, little, interfaces } = this
    let count = 0
    let bad = false
    columns.count = 0
    while (count < BATCH_RECORDS && at + 12 <= end) {
      const type = view.getUint32(at, little)
      if (type === SECTION_HEADER && !this.readByteOrder(at)) {
        bad = true
        break
      }
      little = this.little
      const length = view.getUint32(at + 4, little)
      if (length < 12 || (length & 3) !== 0 || length > MAX_BLOCK_OCTETS) {
        bad = true
        break
      }
      const next = at + length
      if (type > ENHANCED_PACKET && countsAsFrame(type)) {
        if (count > 0) break
        if (next <= end || length > MAX_HELD_OCTETS) this.frame++
      }
      if (next > end) {
        if (length > MAX_HELD_OCTETS) bad = !this.skipsLarge(type)
        if (bad || length <= MAX_HELD_OCTETS) break
        this.skip = next - end
        at = end
        break
      }
      if (view.getUint32(next - 4, little) !== length) this.noteTrailer(count, at)
      if ((type === ENHANCED_PACKET || type === OLD_PACKET) && length >= 32) {
        const id =
          type === ENHANCED_PACKET ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little)
        const of = interfaces[id]
        if (of === undefined) {
          this.noteUnknownInterface(count, at)
          at = next
          continue
        }
        const hi = view.getUint32(at + 12, little)
        const lo = view.getUint32(at + 16, little)
        if (!of.ready) this.prepare(of, hi, lo)
        let capLen = view.getUint32(at + 20, little)
        if (capLen > length - 32) capLen = this.mendCapLen(count, at, length - 32)
        const wireLen = view.getUint32(at + 24, little)
        starts[count] = at + 28
        capLens[count] = capLen
        wireLens[count] =
          wireLen < capLen || wireLen > MAX_WIRE_OCTETS
            ? this.mendWireLen(count, at, capLen)
            : wireLen
        times[count] =
          ((hi - of.originHi) * 4294967296 + (lo - of.originLo)) * of.unitNs + of.restNs
        links[count] = of.link
        count++
        const options = at + 28 + ((capLen + 3) & ~3)
        if (options + 4 < next) this.packetOptions({ view, little, at, end: next }, options, count)
      } else if (type === SIMPLE_PACKET && length >= 16 && interfaces.length > 0) {
        this.simplePacket({ view, little, at, end: next }, count)
        count++
      } else {
        this.other(type, { view, little, at, end: next }, count)
        interfaces = this.interfaces
      }
      at = next
    }
    columns.count = count
    this.at = at
    if (count > 0) return 'records'
    if (bad) this.loseStep()
    return bad ? 'again' : 'more'
  }

  /** When the common time zero was decided after our first batch, the interfaces follow. */
  private followOrigin(): void {
    const { originNs } = this.state.clock
    if (originNs === this.originNs) return
    if (this.originNs !== null) this.lastNs += Number(this.originNs - originNs!)
    this.originNs = originNs
    for (const of of this.interfaces) of.ready = false
  }

  private prepare(of: Interface, hi: number, lo: number): void {
    prepareClock(of, this.state.clock, hi, lo)
    this.originNs = this.state.clock.originNs
  }

  private readByteOrder(at: number): boolean {
    const magic = this.input.view.getUint32(at + 8, true)
    if (magic !== 0x1a2b3c4d && magic !== 0x4d3c2b1a) return false
    this.little = magic === 0x1a2b3c4d
    return true
  }

  /** Whether a large block of this type is passed over; packets and descriptions of that size are broken. */
  private skipsLarge(type: number): boolean {
    return type === NAME_RESOLUTION || (type > ENHANCED_PACKET && type !== SECTION_HEADER)
  }

  private simplePacket(block: BlockView, index: number): void {
    const { view, little, at, end } = block
    const { columns, interfaces, state } = this
    const of = interfaces[0]!
    const wireLen = Math.min(view.getUint32(at + 8, little), MAX_WIRE_OCTETS)
    const held = end - at - 16
    const cut = of.snapLen === 0 ? held : Math.min(held, of.snapLen)
    if (state.clock.originNs === null) state.clock.set(0n)
    this.originNs = state.clock.originNs
    this.note(
      'no-times',
      index,
      at,
      'Simple packet blocks carry no time; that of the packet before is used.',
    )
    columns.starts[index] = at + 12
    columns.capLens[index] = Math.min(wireLen, cut)
    columns.wireLens[index] = wireLen
    columns.times[index] = index > 0 ? columns.times[index - 1]! : this.lastNs
    columns.links[index] = of.link
  }

  private other(type: number, block: BlockView, count: number): void {
    const length = block.end - block.at
    if (type === SECTION_HEADER) {
      this.interfaces = []
      if (length >= 28) this.keepComments(block, block.at + 24, 0)
    } else if (type === INTERFACE_DESCRIPTION && length >= 20) this.addInterface(block, count)
    else if (type === INTERFACE_STATISTICS && length >= 24) this.keepStatistics(block)
    else if (type === DARWIN_PROCESS && length >= 16) this.keepDarwinProcess(block)
  }

  private addInterface(block: BlockView, count: number): void {
    const { info } = this.state
    if (this.interfaces.length >= MAX_INTERFACES) {
      this.note(
        'too-many-interfaces',
        count,
        block.at,
        'More interfaces are described than are kept.',
      )
      return
    }
    const found = readInterface(block)
    for (const text of found.comments) this.comment(0, text)
    if (info.interfaces.length < MAX_LISTED_INTERFACES) {
      found.infoIndex = info.interfaces.length
      info.interfaces.push({ name: found.name, link: found.link, dropped: null, received: null })
    }
    info.snapLen = Math.max(info.snapLen, found.snapLen)
    this.interfaces.push(found)
  }

  private keepStatistics(block: BlockView): void {
    const of = this.interfaces[block.view.getUint32(block.at + 8, block.little)]
    const listed = this.state.info.interfaces[of?.infoIndex ?? -1]
    if (listed === undefined) return
    const { received, dropped } = readStatistics(block)
    listed.received = received ?? listed.received
    listed.dropped = dropped ?? listed.dropped
  }

  private keepComments(block: BlockView, options: number, frame: number): void {
    eachOption(block, options, (code, at, length) => {
      if (code === 1) this.comment(frame, optionText(block.view, at, length))
    })
  }

  private packetOptions(block: BlockView, options: number, count: number): void {
    const frame = this.frame + count
    const { view, little } = block
    eachOption(block, options, (code, at, length) => {
      if (code === 1) this.comment(frame, optionText(view, at, length))
      // epb_processid_threadid, and epb_darwin_dpeb_id: which process this packet belongs to.
      else if (code === 8 && length >= 4) this.process(frame, `${view.getUint32(at, little)}`)
      else if (code === 0x8001 && length >= 4) {
        const name = this.darwinNames[view.getUint32(at, little)]
        if (name !== undefined) this.process(frame, name)
      }
    })
  }

  private keepDarwinProcess(block: BlockView): void {
    const pid = block.view.getUint32(block.at + 8, block.little)
    let name = `${pid}`
    eachOption(block, block.at + 12, (code, at, length) => {
      if (code === 2) name = `${pid} ${optionText(block.view, at, length)}`
    })
    if (this.darwinNames.length < MAX_PROCESSES) this.darwinNames.push(name)
  }

  /** The first frame of every process is kept as a comment. */
  private process(frame: number, name: string): void {
    if (this.processes.has(name) || this.processes.size >= MAX_PROCESSES) return
    this.processes.add(name)
    this.comment(frame, `process ${name}`)
  }

  private comment(frame: number, text: string): void {
    const { comments } = this.state.info
    if (text !== '' && comments.length < MAX_COMMENTS) comments.push({ frame, text })
  }

  private note(name: string, count: number, at: number, text: string): void {
    const where = { frame: this.frame + count, offset: this.input.offset + at }
    this.state.faults.note(name, where, text)
  }

  private noteTrailer(count: number, at: number): void {
    this.note(
      'bad-block-trailer',
      count,
      at,
      'The two lengths of a block differ; the first was believed.',
    )
  }

  private noteUnknownInterface(count: number, at: number): void {
    const text = 'A packet belongs to an interface that was not described; it was left out.'
    this.note('unknown-interface', count, at, text)
  }

  private mendCapLen(count: number, at: number, held: number): number {
    const text = 'A packet claims more octets than its block holds; what the block holds was taken.'
    this.note('bad-record-length', count, at, text)
    return held
  }

  private mendWireLen(count: number, at: number, capLen: number): number {
    const text =
      'The length on the wire is smaller than the octets captured, or absurd; it was mended.'
    this.note('bad-wire-length', count, at, text)
    return capLen
  }

  private loseStep(): void {
    const text =
      'A block has an impossible length; what follows it was searched for the next block.'
    this.note('bad-block-length', 0, this.at, text)
    this.lost = 0
    this.at++
  }

  /** Looks for a block of a known type whose two lengths agree. */
  private resync(): Step {
    this.columns.count = 0
    const { bytes, ended } = this.input
    for (; this.lost < RESYNC_OCTETS; this.at++, this.lost++) {
      if (this.at + 12 > bytes.length) break
      const length = this.believableLength(this.at)
      if (length < 0) continue
      if (this.at + length > bytes.length) {
        if (!ended) return 'more'
        continue
      }
      if (this.input.view.getUint32(this.at + length - 4, this.little) !== length) continue
      this.lost = -1
      return 'again'
    }
    if (!ended && this.lost < RESYNC_OCTETS) return 'more'
    this.note(
      'lost-step',
      0,
      this.at,
      'No further block was found after a broken one: the rest of the file was not read.',
    )
    this.done = true
    return 'again'
  }

  private believableLength(at: number): number {
    const { view } = this.input
    const type = view.getUint32(at, this.little)
    if (type === SECTION_HEADER) {
      if (!this.readByteOrder(at)) return -1
    } else if (type === 0 || type > ENHANCED_PACKET) return -1
    const length = view.getUint32(at + 4, this.little)
    return length < 12 || (length & 3) !== 0 || length > MAX_HELD_OCTETS ? -1 : length
  }

  private async more(): Promise<boolean> {
    if (this.skip > 0) return this.passOver()
    const came = await this.input.advance(this.input.bytes.length - this.at)
    this.at = 0
    return came
  }

  private async passOver(): Promise<boolean> {
    if (!(await this.input.advance(0))) return false
    this.at = Math.min(this.skip, this.input.bytes.length)
    this.skip -= this.at
    return true
  }

  private finish(): void {
    if (this.lost >= 0) return
    this.done = true
    if (this.at === this.input.bytes.length && this.skip === 0) return
    this.note('cut-record', 0, this.at, 'The file ends in the middle of a block.')
  }
}
