// Format: what tcpdump prints, see tcpdump-text-lines.ts for its definition.
import type { ChunkInput } from '../chunks.ts'
import { isText } from '../not-a-capture.ts'
import { RecordColumns } from '../record-columns.ts'
import { countBatch, type SourceState } from '../source-state.ts'
import type { RecordBatch } from '../types.ts'
import type { CaptureFormat, RecordStream } from './format.ts'
import { LINKTYPE_RAW } from './link-types.ts'
import { clockMeaning } from './tcpdump-text-clock.ts'
import {
  INDENTED,
  plainLine,
  readHead,
  readIcmp,
  readIp,
  readSegment,
} from './tcpdump-text-lines.ts'
import { PastedLines } from './tcpdump-text-paste.ts'
import { type TextRecord, TextRecords } from './tcpdump-text-records.ts'

const BATCH_RECORDS = 1024
/** Headers of IPv6 with full options, quoted by ICMPv6: 40 + 8 + 40 + 60. */
const RECORD_OCTETS = 160
/** No line of tcpdump's that matters is longer; the rest of one is passed over. */
const MAX_LINE_OCTETS = 64 * 1024

export const tcpdumpText: CaptureFormat = {
  id: 'tcpdump-text',
  title: 'text printed by tcpdump',
  sniff: beginsWithPackets,
  read: (input, state) => new TextStream(input, state),
}

/** What the clock times mean is told by many lines, so that many are waited for. */
const FIRST_OCTETS = 64 * 1024
const CLOCK_LINES = 500

const latin1 = new TextDecoder('latin1')

function linesOf(octets: Uint8Array): string[] {
  if (octets.length === 0) return []
  const lines = latin1.decode(octets).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Whether some whole line is a packet and all up to it is text: the same answer however the octets arrive. */
function beginsWithPackets(head: Uint8Array, ended: boolean): boolean {
  const pasted = new PastedLines()
  let from = 0
  for (;;) {
    const newline = head.indexOf(10, from)
    const isLast = newline < 0
    if (isLast && !ended) return false
    const end = isLast ? head.length : newline
    const lines = from === head.length ? [] : pasted.read([latin1.decode(head.subarray(from, end))])
    if (isLast) lines.push(...pasted.finish())
    if (lines.some(isPacketLine)) return isText(head.subarray(0, end))
    if (isLast) return false
    from = end + 1
  }
}

/** Whether a line alone shows that tcpdump printed this. */
function isPacketLine(line: string): boolean {
  const plain = plainLine(line)
  if (readSegment(plain) !== null || readIcmp(plain) !== null) return true
  const { time } = readHead(plain, INDENTED.test(line))
  return time !== null && (readIp(plain) !== null || /\bIP6? \S+ > \S+: /.test(plain))
}

class TextStream implements RecordStream {
  private readonly input: ChunkInput
  private readonly state: SourceState
  private readonly columns: RecordColumns
  private readonly bytes = new Uint8Array(BATCH_RECORDS * RECORD_OCTETS)
  private readonly pasted = new PastedLines()
  private records: TextRecords | null = null
  private queue: TextRecord[] = []
  private at = 0
  private done = false

  constructor(input: ChunkInput, state: SourceState) {
    this.input = input
    this.state = state
    this.columns = new RecordColumns(state.index)
    this.columns.bytes = this.bytes
    this.columns.view = new DataView(this.bytes.buffer)
    this.columns.links.fill(LINKTYPE_RAW)
    state.info.interfaces.push({ name: null, link: LINKTYPE_RAW, dropped: null, received: null })
  }

  async next(): Promise<RecordBatch | null> {
    while (this.queue.length === this.at) {
      if (this.done) return null
      await this.readLines()
    }
    return this.publish()
  }

  /** Parses all whole lines at hand, then asks for more; at the end the last line is whole too. */
  private async readLines(): Promise<void> {
    const { input } = this
    if (this.records === null && !input.ended && input.bytes.length < FIRST_OCTETS) {
      await input.advance(input.bytes.length)
      return
    }
    const end = input.ended ? input.bytes.length : input.bytes.lastIndexOf(10) + 1
    this.queue = []
    this.at = 0
    this.parse(this.pasted.read(linesOf(input.bytes.subarray(0, end))))
    if (input.ended) {
      this.parse(this.pasted.finish())
      this.records?.finish()
      this.done = true
    } else {
      const left = input.bytes.length - end
      await input.advance(left > MAX_LINE_OCTETS ? 0 : left)
    }
    this.keepInfo()
  }

  private keepInfo(): void {
    const { info } = this.state
    info.headerFieldsMissing = this.records?.fieldsMissing ?? true
    const names = [...(this.records?.names ?? [])]
    if (names.length > 0) info.names = names.map(([address, name]) => ({ address, name }))
  }

  private parse(lines: readonly string[]): void {
    if (lines.length === 0) return
    this.records ??= new TextRecords(this.state, clockMeaning(clockTimes(lines)))
    this.records.sink = (record) => this.queue.push(record)
    for (const line of lines) {
      const plain = plainLine(line)
      if (plain !== '') this.records.line(plain, INDENTED.test(line))
    }
  }

  /** As many records as follow each other in number. */
  private publish(): RecordBatch {
    const { columns, queue, state } = this
    const first = queue[this.at]!
    if (state.clock.originNs === null) state.clock.set(first.timeNs)
    const originNs = state.clock.originNs!
    let count = 0
    let start = 0
    while (this.at < queue.length && count < BATCH_RECORDS) {
      const record = queue[this.at]!
      if (record.frame !== first.frame + count) break
      this.bytes.set(record.bytes, start)
      columns.starts[count] = start
      columns.capLens[count] = record.bytes.length
      columns.wireLens[count] = record.wireLen
      columns.times[count] = Number(record.timeNs - originNs)
      start += record.bytes.length
      count++
      this.at++
    }
    columns.count = count
    columns.firstFrame = first.frame
    countBatch(state, columns)
    return columns
  }
}

/** The clock times of the packets in these lines. */
function clockTimes(lines: readonly string[]): bigint[] {
  const times: bigint[] = []
  for (const line of lines) {
    const { time } = readHead(plainLine(line), INDENTED.test(line))
    if (time?.is === 'clock') times.push(time.ns)
    if (times.length === CLOCK_LINES) break
  }
  return times
}
