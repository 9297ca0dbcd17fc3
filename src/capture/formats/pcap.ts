// Format: draft-ietf-opsawg-pcap-06 (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/), libpcap 1.10 sf-pcap.c.
import type { ChunkInput } from '../chunks.ts'
import { BATCH_RECORDS, RecordColumns } from '../record-columns.ts'
import { countBatch, type SourceState } from '../source-state.ts'
import type { RecordBatch } from '../types.ts'
import type { CaptureFormat, RecordStream } from './format.ts'
import { linkTypeOf } from './link-types.ts'

const FILE_HEADER = 24
/** No record is larger in practice: MAXIMUM_SNAPLEN of libpcap, WTAP_MAX_PACKET_SIZE_STANDARD of Wireshark. */
export const MAX_RECORD_OCTETS = 262_144
const MAX_WIRE_OCTETS = 0x7fff_ffff
/** How far to look for the next believable record after a broken one. */
const RESYNC_OCTETS = 4 * 1024 * 1024
/** A believable record is this close in time to the last good one. */
const RESYNC_S = 86_400

interface Flavour {
  little: boolean
  /** Nanoseconds in one unit of the second time field. */
  fractionNs: number
  /** 16, or 24 for the one that Alexey Kuznetzov's patched libpcap wrote (Red Hat 6). */
  recordHeader: number
}

/** What to do after a look at the octets at hand: a batch is ready, look again, or get more octets. */
type Step = 'records' | 'again' | 'more'

export const pcap: CaptureFormat = {
  id: 'pcap',
  title: 'pcap (tcpdump -w, libpcap)',
  sniff: (head) => flavourOf(head) !== null,
  read: (input, state) => new PcapStream(input, state),
}

function flavourOf(head: Uint8Array): Flavour | null {
  if (head.length < 4) return null
  const view = new DataView(head.buffer, head.byteOffset, 4)
  for (const little of [false, true]) {
    const magic = view.getUint32(0, little)
    if (magic === 0xa1b2c3d4) return { little, fractionNs: 1000, recordHeader: 16 }
    if (magic === 0xa1b23c4d) return { little, fractionNs: 1, recordHeader: 16 }
    if (magic === 0xa1b2cd34) return { little, fractionNs: 1000, recordHeader: 24 }
  }
  return null
}

class PcapStream implements RecordStream {
  private readonly input: ChunkInput
  private readonly state: SourceState
  private readonly columns: RecordColumns
  private flavour: Flavour = { little: true, fractionNs: 1000, recordHeader: 16 }
  private capLenAt = 8
  private wireLenAt = 12
  private at = 0
  private begun = false
  /** Another file begins at `at`. */
  private appended = false
  private done = false
  /** Seconds field of the last good record, to judge what comes after a broken one. */
  private lastSec = 0
  /** Octets looked through since a broken record; -1 = in step. */
  private lost = -1
  /** Where a record begins that reaches beyond the end of the file; -1 = none. */
  private cutAt = -1

  constructor(input: ChunkInput, state: SourceState) {
    this.input = input
    this.state = state
    this.columns = new RecordColumns(state.index, input.arena)
  }

  async next(): Promise<RecordBatch | null> {
    if (!this.begun) await this.begin()
    while (!this.done) {
      const step = this.lost < 0 ? this.fill() : this.resync()
      if (step === 'records') return this.publish()
      if (step === 'more' && !(await this.more())) this.finish()
    }
    return null
  }

  private async begin(): Promise<void> {
    this.begun = true
    const { input, state } = this
    while (input.bytes.length < FILE_HEADER && (await input.advance(input.bytes.length)));
    this.flavour = flavourOf(input.bytes) ?? this.flavour
    if (input.bytes.length < FILE_HEADER) {
      state.faults.note('cut-header', { frame: 0, offset: 0 }, 'The file ends in its header.')
      this.done = true
      return
    }
    this.readFileHeader(0)
    this.at = FILE_HEADER
  }

  private readFileHeader(at: number): void {
    const { input, state, columns } = this
    const { little } = this.flavour
    const major = input.view.getUint16(at + 4, little)
    const minor = input.view.getUint16(at + 6, little)
    // sf-pcap.c: files older than 2.3, and those of "543.0", have the two lengths the other way round.
    const swapped = major === 543 || (major === 2 && minor < 3)
    ;[this.capLenAt, this.wireLenAt] = swapped ? [12, 8] : [8, 12]
    state.info.snapLen = Math.max(state.info.snapLen, input.view.getUint32(at + 16, little))
    const link = linkTypeOf(input.view.getUint32(at + 20, little))
    state.info.interfaces.push({ name: null, link, dropped: null, received: null })
    columns.links.fill(link)
  }

  private publish(): RecordBatch {
    const { columns, input, state } = this
    columns.bytes = input.bytes
    columns.view = input.view
    columns.firstFrame = state.info.records + 1
    columns.fileOffset = input.seekable ? input.offset : -1
    countBatch(state, columns)
    return columns
  }

  /** The hot loop: every record that is whole in the octets at hand, up to a batch of them. */
  private fill(): Step {
    const { columns, at: first } = this
    const { starts, capLens, wireLens, times } = columns
    const view = this.input.view
    const end = view.byteLength
    const { little, fractionNs, recordHeader } = this.flavour
    const { capLenAt, wireLenAt } = this
    if (this.state.clock.originNs === null && first + recordHeader <= end) this.setOrigin(first)
    const { originSec, originSubNs } = this.state.clock
    let count = this.walk(first, end)
    let at = count === 0 ? first : starts[count - 1]! + capLens[count - 1]!
    let bad = false
    while (count < BATCH_RECORDS && at + recordHeader <= end) {
      let capLen = view.getUint32(at + capLenAt, little)
      if (capLen === 0 && this.isFileHeader(at)) {
        this.appended = true
        break
      }
      if (capLen > MAX_RECORD_OCTETS) {
        bad = true
        break
      }
      const start = at + recordHeader
      if (start + capLen > end) break
      let wireLen = view.getUint32(at + wireLenAt, little)
      if (wireLen < capLen || wireLen > MAX_WIRE_OCTETS) {
        capLen = this.likelyCapLen(start, { capLen, wireLen })
        wireLen = this.mendWireLen(count, at, capLen)
      }
      starts[count] = start
      capLens[count] = capLen
      wireLens[count] = wireLen
      times[count] =
        (view.getUint32(at, little) - originSec) * 1e9 +
        (view.getUint32(at + 4, little) * fractionNs - originSubNs)
      count++
      at = start + capLen
    }
    columns.count = count
    this.at = at
    if (count > 0) this.lastSec = view.getUint32(starts[count - 1]! - recordHeader, little)
    if (count > 0) return 'records'
    if (this.appended) return this.beginAppended()
    if (bad) this.loseStep()
    return bad ? 'again' : 'more'
  }

  /** Whether another file begins here: `cat a.pcap b.pcap`. Its version stands where a record has its microseconds. */
  private isFileHeader(at: number): boolean {
    const { bytes, view } = this.input
    const flavour = flavourOf(bytes.subarray(at))
    if (flavour === null || at + 8 > bytes.length) return false
    return (
      view.getUint16(at + 4, flavour.little) === 2 && view.getUint16(at + 6, flavour.little) <= 4
    )
  }

  private beginAppended(): Step {
    const { input, state } = this
    if (this.at + FILE_HEADER > input.bytes.length) return 'more'
    this.appended = false
    const where = { frame: state.info.records, offset: input.offset + this.at }
    state.faults.note(
      'appended-file',
      where,
      'Another capture was appended to this file: it was read, too.',
    )
    this.flavour = flavourOf(input.bytes.subarray(this.at)) ?? this.flavour
    this.readFileHeader(this.at)
    this.at += FILE_HEADER
    return 'again'
  }

  /** The same by the arena, as far as it goes. @returns records */
  private walk(first: number, end: number): number {
    const { arena, view } = this.input
    const { walkRecords } = arena
    const { little, fractionNs, recordHeader } = this.flavour
    if (walkRecords === null || !arena.owns(view.buffer) || !little || this.capLenAt !== 8) return 0
    const { starts, capLens, wireLens, times } = this.columns
    const { originSec, originSubNs } = this.state.clock
    const base = view.byteOffset
    return walkRecords(
      base + first,
      base + end,
      base,
      recordHeader,
      MAX_RECORD_OCTETS,
      fractionNs,
      originSec,
      originSubNs,
      starts.byteOffset >> 2,
      capLens.byteOffset >> 2,
      wireLens.byteOffset >> 2,
      times.byteOffset >> 3,
      BATCH_RECORDS,
    )
  }

  private setOrigin(at: number): void {
    const { little, fractionNs } = this.flavour
    const { view } = this.input
    const sec = BigInt(view.getUint32(at, little)) * 1_000_000_000n
    this.state.clock.set(sec + BigInt(view.getUint32(at + 4, little) * fractionNs))
  }

  /** Of two lengths that contradict each other, the one behind which another record begins. */
  private likelyCapLen(start: number, of: { capLen: number; wireLen: number }): number {
    const { capLen, wireLen } = of
    if (wireLen >= capLen || start + capLen + this.flavour.recordHeader > this.input.bytes.length) {
      return capLen
    }
    const at = start - this.flavour.recordHeader
    this.lastSec = this.input.view.getUint32(at, this.flavour.little)
    const wrong = this.believableAt(start + capLen) < 0 && this.believableAt(start + wireLen) >= 0
    return wrong ? wireLen : capLen
  }

  private mendWireLen(index: number, at: number, capLen: number): number {
    const where = {
      frame: this.state.info.records + index + 1,
      offset: this.input.offset + at,
    }
    const text =
      'The length on the wire is smaller than the octets captured, or absurd; it was mended.'
    this.state.faults.note('bad-wire-length', where, text)
    return capLen
  }

  private loseStep(): void {
    this.noteBadLength(this.at)
    this.lost = 0
    this.at++
  }

  private noteBadLength(at: number): void {
    const where = { frame: this.state.info.records, offset: this.input.offset + at }
    const text =
      'A record claims more octets than any packet has; what follows it was searched for the next record.'
    this.state.faults.note('bad-record-length', where, text)
  }

  /** Looks for two believable record headers in a row (or one whose record ends the file). */
  private resync(): Step {
    const { bytes, ended } = this.input
    const { recordHeader } = this.flavour
    for (; this.lost < RESYNC_OCTETS; this.at++, this.lost++) {
      if (this.at + recordHeader > bytes.length) break
      const next = this.believableAt(this.at)
      if (next < 0) continue
      if (!ended && next + recordHeader > bytes.length) return 'more'
      if ((ended && next === bytes.length) || this.believableAt(next) >= 0) {
        this.lost = -1
        if (this.cutAt >= 0) this.noteBadLength(this.cutAt)
        this.cutAt = -1
        return 'again'
      }
    }
    if (!ended && this.lost < RESYNC_OCTETS) return 'more'
    this.giveUp()
    return 'again'
  }

  /** Where the record at `at` would end if its header is believable, else -1. */
  private believableAt(at: number): number {
    const { view } = this.input
    const { little, fractionNs, recordHeader } = this.flavour
    if (at + recordHeader > view.byteLength) return -1
    const capLen = view.getUint32(at + this.capLenAt, little)
    const wireLen = view.getUint32(at + this.wireLenAt, little)
    if (capLen === 0 || capLen > MAX_RECORD_OCTETS || wireLen < capLen || wireLen > 0xffff_ff)
      return -1
    if (view.getUint32(at + 4, little) * fractionNs >= 1e9) return -1
    if (Math.abs(view.getUint32(at, little) - this.lastSec) > RESYNC_S) return -1
    return at + recordHeader + capLen
  }

  private async more(): Promise<boolean> {
    const keep = this.input.bytes.length - this.at
    const came = await this.input.advance(keep)
    this.at = 0
    return came
  }

  private finish(): void {
    // While out of step, the search goes on: with the end known, a record that fills the file is believable too.
    if (this.lost >= 0) return
    if (this.at === this.input.bytes.length) {
      this.done = true
      return
    }
    // Cut, or a wrong length that reaches beyond the end: then there are records in what is left.
    this.cutAt = this.at
    this.lost = 0
    this.at++
  }

  private giveUp(): void {
    this.done = true
    if (this.cutAt >= 0) {
      const where = { frame: this.state.info.records, offset: this.input.offset + this.cutAt }
      this.state.faults.note('cut-record', where, 'The file ends in the middle of a record.')
      return
    }
    const where = { frame: this.state.info.records, offset: this.input.offset + this.at }
    const text =
      'No further record was found after a broken one: the rest of the file was not read.'
    this.state.faults.note('lost-step', where, text)
  }
}
