import type { SourceState } from '../source-state.ts'
import { type ClockMeaning, TextClock } from './tcpdump-text-clock.ts'
import {
  type IcmpLine,
  type IpLine,
  readHead,
  readIcmp,
  readIp,
  readSegment,
  type SegmentLine,
} from './tcpdump-text-lines.ts'
import { QuietSides } from './tcpdump-text-quiet.ts'
import { QuotedSegments } from './tcpdump-text-quoted.ts'
import {
  EndpointReader,
  familyOf,
  icmpPacket,
  type MadePacket,
  optionOctets,
  type Segment,
  SequenceNumbers,
  segmentPacket,
} from './tcpdump-text-segments.ts'

/** Sides whose last window is remembered. */
const MAX_SIDES = 200_000

export interface TextRecord extends MadePacket {
  frame: number
  timeNs: bigint
}

/** An ICMP error that waits for the line that quotes the segment (-v), or does without. */
interface WaitingIcmp {
  line: IcmpLine
  frame: number
  timeNs: bigint
}

const HEX_DUMP = /^0x[0-9a-f]{4}:\s/
const QUIET = /> \S+: tcp \d+$/
/** What tcpdump itself says at its start and end, and what a shell adds. */
const CHATTER =
  /^(?:```|[$#%~]|tcpdump: |reading from |listening on |\d+ packets? |dropped privs|data link type|\^C)/

const SYN_FIN_RST = 0x07
/** Any but 0, which would be a zero window. */
const WINDOW_UNKNOWN = 65_535
const CUT_LINES =
  'Some lines end too early (cut, or shortened by hand): what they lack is taken from the lines before, or they are left out.'

/** Lines in, packets out to `sink`. Holds what a packet's first line said until its second comes. */
export class TextRecords {
  sink: (record: TextRecord) => void = () => {}
  /** Whether some segment came without TTL and identification. */
  fieldsMissing = false
  private readonly state: SourceState
  private readonly clock: TextClock
  private readonly endpoints: EndpointReader
  private readonly numbers = new SequenceNumbers()
  private readonly quiet = new QuietSides()
  /** Last window that a side told. */
  private readonly windows = new Map<string, number>()
  private readonly quoted = new QuotedSegments()
  private frame = 0
  private lastNumber = 0
  private timeNs = 0n
  private ip: IpLine | null = null
  private family: 4 | 6 | null = null
  private icmp: WaitingIcmp | null = null
  /** Between a packet's first line and the next packet: indented text there belongs to it. */
  private inPacket = false

  constructor(state: SourceState, meaning: ClockMeaning) {
    this.state = state
    this.clock = new TextClock(meaning)
    this.endpoints = new EndpointReader((fault) => this.note(fault, NAME_TEXTS[fault]))
  }

  /** Names that were printed instead of addresses. */
  get names(): ReadonlyMap<string, string> {
    return this.endpoints.names
  }

  /** @param indented  whether white space stood in front of the line: then it may go on with the one before */
  line(line: string, indented: boolean): void {
    if (HEX_DUMP.test(line)) return
    const head = readHead(line, indented)
    const segment = readSegment(line)
    const ip = readIp(line)
    const begins = head.time !== null || this.beginsUntimed(line, indented)
    if (begins) this.beginPacket(head.time, head.frame)
    if (ip !== null) {
      this.ip = ip
      this.family = /\bIP6\b/.test(line) ? 6 : 4
    }
    if (segment !== null) this.segment(segment, line, begins)
    else if (!begins && ip === null && !indented) this.continuation(line)
    const icmp = segment === null ? readIcmp(line) : null
    if (icmp !== null) this.icmp = { line: icmp, frame: this.frame, timeNs: this.timeNs }
    if (QUIET.test(line))
      this.note('quiet-lines', 'Lines of tcpdump -q hold no flags and no numbers.')
  }

  /** With -t every packet begins with "IP"; else that is the packet in a tunnel, or one that ICMP quotes. */
  private beginsUntimed(line: string, indented: boolean): boolean {
    const found = /^(\d+\s+)?IP6? /.exec(line)
    if (found === null) return false
    if (found[1] !== undefined) return true
    if (this.icmp !== null && indented) return false
    return !(this.clock.timed && this.inPacket)
  }

  finish(): void {
    this.settleIcmp(null)
    if (this.clock.untimed === 0) return
    this.note('no-times', 'The text has no times (tcpdump -t): order is known, durations are not.')
  }

  private beginPacket(time: Parameters<TextClock['read']>[0], frame: number | null): void {
    this.settleIcmp(null)
    this.timeNs = this.clock.read(time)
    // The numbers of -# are believed as long as they rise; two pastes in one text begin again.
    this.frame = frame !== null && frame > this.lastNumber ? frame : this.frame + 1
    this.lastNumber = frame ?? this.lastNumber
    this.ip = null
    this.family = null
    this.inPacket = true
  }

  private segment(line: SegmentLine, text: string, begins: boolean): void {
    if (!begins && !this.inPacket) this.beginPacket(null, null)
    if (line.wnd === null) {
      this.note('cut-lines', CUT_LINES)
      if (line.seq === null && (line.flags & SYN_FIN_RST) === 0) return
    }
    const family = this.family ?? familyOf(line.src, line.dst, text)
    const made = this.make(line, family)
    if (this.icmp !== null) {
      this.settleIcmp(made)
      return
    }
    const { frame, timeNs } = this
    this.fieldsMissing ||= this.ip === null
    this.sink({ ...made, frame, timeNs })
    this.inPacket = false
    this.ip = null
  }

  private make(line: SegmentLine, family: 4 | 6): MadePacket {
    const six = family === 6 || line.src.includes(':') || line.dst.includes(':')
    const src = this.endpoints.endpoint(line.src, six ? 6 : 4)
    const dst = this.endpoints.endpoint(line.dst, six ? 6 : 4)
    const { seq: next, ack, ackBase } = this.numbers.resolve(line, src, dst)
    const options = optionOctets(line.options, (value) => this.numbers.place(value, ackBase))
    const { flags, urgent, dataLen } = line
    const [forth, back] = [`${src.key}>${dst.key}`, `${dst.key}>${src.key}`]
    const wnd = this.windowOf(forth, line.wnd)
    const { timeNs } = this
    const probe = this.quiet.isProbe(line, { forth, back, ack, wnd, timeNs })
    const seq = probe ? (next - 1) >>> 0 : next
    const segment: Segment = { src, dst, flags, seq, ack, wnd, urgent, dataLen, options }
    const made = segmentPacket(segment, this.ip)
    this.quoted.remember(made, segment, this.timeNs)
    return made
  }

  private windowOf(side: string, told: number | null): number {
    const wnd = told ?? this.windows.get(side) ?? WINDOW_UNKNOWN
    if (this.windows.size >= MAX_SIDES) this.windows.clear()
    this.windows.set(side, wnd)
    return wnd
  }

  /** Writes the waiting ICMP error: with the segment it quotes, or with the last one that it can be about. */
  private settleIcmp(quoted: MadePacket | null): void {
    const waiting = this.icmp
    if (waiting === null) return
    this.icmp = null
    const { line, frame, timeNs } = waiting
    const family = familyOf(line.src, line.dst, '')
    const src = this.endpoints.address(line.src, family)
    const dst = this.endpoints.address(line.dst, family)
    const about = quoted ?? this.lastAbout(line, dst, family)
    if (about === null) return
    this.sink({ ...icmpPacket(line, { src, dst }, about), frame, timeNs })
  }

  private lastAbout(line: IcmpLine, sender: Uint8Array, family: 4 | 6): MadePacket | null {
    if (line.target === null) return null
    const target = this.endpoints.address(line.target, family)
    return this.quoted.about(line, { sender, target, timeNs: this.timeNs })
  }

  private continuation(line: string): void {
    if (this.inPacket || CHATTER.test(line)) return
    this.note('lines-not-read', 'Lines that are no packet as tcpdump prints it were passed over.')
  }

  private note(name: string, text: string): void {
    this.state.faults.note(name, { frame: this.frame, offset: -1 }, text)
  }
}

const NAME_TEXTS = {
  'names-not-numbers':
    'Host names were printed instead of addresses (no -n); stand-in addresses are used for them.',
  'unknown-service-name':
    'A service name that is not known was printed instead of a port; a stand-in port is used.',
} as const
