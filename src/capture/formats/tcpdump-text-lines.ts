// Format: tcpdump 4.99.3 print.c, print-ip.c, print-ip6.c, print-tcp.c, print-icmp.c; and the older 3.9.8.

/** A TCP segment as one line tells it. Sequence numbers as printed: absolute or relative. */
export interface SegmentLine {
  src: string
  dst: string
  flags: number
  seq: number | null
  ack: number | null
  /** null: the line ends before it, or somebody left it out. */
  wnd: number | null
  urgent: number
  dataLen: number
  /** Text between the brackets, or ''. */
  options: string
}

/** What the parenthesis of -v tells. */
export interface IpLine {
  ttl: number
  id: number
  df: boolean
  tos: number
  fragment: boolean
}

export type LineTime =
  | { is: 'date'; ns: bigint }
  | { is: 'clock'; ns: bigint }
  | { is: 'epoch'; ns: bigint }

/** What stands before the packet on its line. */
export interface LineHead {
  /** Number printed by -#. */
  frame: number | null
  time: LineTime | null
}

export interface IcmpLine {
  src: string
  dst: string
  type: number
  code: number
  mtu: number
  /** Who could not be reached, and at which TCP port, as far as the line tells. */
  target: string | null
  port: string | null
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[mK]`, 'g')
const QUOTE = /^[\s>|"'`]*/
/** White space in front, behind the marks of a quotation: such a line may go on with the one before. */
export const INDENTED = /^[>|"'`]*\s/
const DATE_TIME = /(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)\.(\d{6,9})(?!\d)/
const CLOCK_TIME = /(?:^|[^\d:.])(-?)(\d\d):(\d\d):(\d\d)\.(\d{6,9})(?!\d)/
const EPOCH_TIME = /(?:^|\s)(\d{9,10})\.(\d{6,9})(?=\s)/
/** A line that begins with a time, behind the number of -#. */
export const TIME_FIRST = /^(?:\d{1,9}\s+)?(?:\d{4}-\d\d-\d\d[ T])?-?\d[\d:]{7,9}\.\d{6}/
const NUMBER = /^(\d{1,9})\s+/
/** Where the packet begins, behind what tcpdump prints before it. */
export const PACKET_START = /(?:^|\s)(?:IP6?(?=\s)|ARP|ethertype|\S+ > \S+[:,])/

/** A line without colours, quote marks, indentation and what ends it. */
export function plainLine(line: string): string {
  const bare = line.includes('\u001b') ? line.replace(COLOURS, '') : line
  return bare.replace(QUOTE, '').trimEnd()
}

/**
 * Time and number in front of a packet; both null for a line that only goes on with one.
 * @param indented  then nothing but the number may stand before the time: a payload may hold times too
 */
export function readHead(line: string, indented: boolean): LineHead {
  const start = PACKET_START.exec(line)
  const anchored = indented || start === null
  const found = readTime(start === null ? line.slice(0, 60) : `${line.slice(0, start.index)} `)
  const time = found !== null && anchored && !TIME_FIRST.test(line) ? null : found
  const number = NUMBER.exec(line)
  // "11:38:15.6" and "1591780863.72" do not match NUMBER: no white space follows their digits.
  const frame = number !== null && (time !== null || start?.index === number[0].length - 1)
  return { frame: frame ? Number(number[1]) : null, time }
}

function readTime(head: string): LineTime | null {
  const date = DATE_TIME.exec(head)
  if (date !== null) {
    const [, year, month, day, hour, minute, second, fraction] = date
    const ms = Date.UTC(+year!, +month! - 1, +day!, +hour!, +minute!, +second!)
    return { is: 'date', ns: BigInt(ms) * 1_000_000n + nanoseconds(fraction!) }
  }
  const clock = CLOCK_TIME.exec(head)
  if (clock !== null) {
    const [, sign, hour, minute, second, fraction] = clock
    const seconds = BigInt(+hour! * 3600 + +minute! * 60 + +second!)
    const ns = seconds * 1_000_000_000n + nanoseconds(fraction!)
    return { is: 'clock', ns: sign === '-' ? -ns : ns }
  }
  const epoch = EPOCH_TIME.exec(head)
  if (epoch === null) return null
  return { is: 'epoch', ns: BigInt(epoch[1]!) * 1_000_000_000n + nanoseconds(epoch[2]!) }
}

function nanoseconds(fraction: string): bigint {
  return BigInt(fraction.padEnd(9, '0'))
}

const IP_V = /\bIP \(tos |\(tos 0x/
const IP6_V = /\bIP6 \(|\((?:class 0x\w+, )?(?:flowlabel 0x\w+, )?hlim \d+/

/** The parenthesis of -v, when there is one. */
export function readIp(line: string): IpLine | null {
  if (IP_V.test(line)) {
    const offset = number(/, offset (\d+)/, line)
    return {
      ttl: number(/, ttl (\d+)/, line),
      id: number(/, id (\d+)/, line),
      df: /, flags \[[^\]]*DF/.test(line),
      tos: Number.parseInt(/\(tos 0x([0-9a-f]+)/.exec(line)?.[1] ?? '0', 16),
      fragment: offset > 0,
    }
  }
  if (!IP6_V.test(line)) return null
  const tos = Number.parseInt(/class 0x([0-9a-f]+)/.exec(line)?.[1] ?? '0', 16)
  return { ttl: number(/hlim (\d+)/, line), id: 0, df: true, tos, fragment: false }
}

const NEW_STYLE = /(\S+) > (\S+): Flags \[([A-Za-z.]*)\]/
const OLD_STYLE = /(\S+) > (\S+): ([SFRPWEU.]{1,8})(?=[ ,])/
const FLAG_BITS: Readonly<Record<string, number>> = {
  F: 0x01,
  S: 0x02,
  R: 0x04,
  P: 0x08,
  '.': 0x10,
  U: 0x20,
  E: 0x40,
  W: 0x80,
}

/** The segment that a line prints: the innermost one when there are tunnels. */
export function readSegment(line: string): SegmentLine | null {
  const found = NEW_STYLE.exec(line)
  if (found !== null) return newStyle(found, line.slice(found.index + found[0].length))
  const old = OLD_STYLE.exec(line)
  return old === null ? null : oldStyle(old, line.slice(old.index + old[0].length))
}

/** "Flags [P.], seq 1:43, ack 1, win 229, options [nop,nop,TS val 1 ecr 2], length 42: HTTP". */
function newStyle(found: RegExpExecArray, rest: string): SegmentLine {
  const from = rest.indexOf(', options [')
  const till = from < 0 ? -1 : optionsEnd(rest, from + 11)
  const before = from < 0 ? rest : rest.slice(0, from)
  const after = from < 0 ? rest : rest.slice(till)
  const range = /, seq (\d+)(?::(\d+))?/.exec(before)
  const seq = range === null ? null : word(range[1]!)
  const length = /, length (\d+)/.exec(after)
  const spanned = range?.[2] === undefined ? 0 : (word(range[2]) - seq!) >>> 0
  const letters = found[3] === 'none' ? '' : found[3]!
  return {
    src: found[1]!,
    dst: found[2]!,
    flags: [...letters].reduce((bits, letter) => bits | (FLAG_BITS[letter] ?? 0), 0),
    seq,
    ack: optionalWord(/, ack (\d+)/, before),
    wnd: optional(/, win (\d+)/, before),
    urgent: number(/, urg (\d+)/, before),
    dataLen: length === null ? spanned : Number(length[1]),
    options: from < 0 ? '' : rest.slice(from + 11, till),
  }
}

/** Where the bracket opened before `at` closes; options of MPTCP have brackets inside. */
function optionsEnd(text: string, at: number): number {
  let depth = 1
  for (; at < text.length; at++) {
    if (text[at] === '[') depth++
    else if (text[at] === ']' && --depth === 0) return at
  }
  return at
}

/** "P 1:43(42) ack 1 win 5840 <nop,nop,timestamp 1 2>", with ", cksum 0x1 (correct)" in between from 3.9 on. */
function oldStyle(found: RegExpExecArray, rest: string): SegmentLine | null {
  const range = /[ ,](\d+):(\d+)\((\d+)\)/.exec(rest)
  const ack = optionalWord(/\back (\d+)/, rest)
  const win = /\bwin (\d+)/.exec(rest)
  if ((range === null && ack === null) || win === null) return null
  let flags = ack === null ? 0 : 0x10
  for (const letter of found[3]!) if (letter !== '.') flags |= FLAG_BITS[letter] ?? 0
  return {
    src: found[1]!,
    dst: found[2]!,
    flags,
    seq: range === null ? null : word(range[1]!),
    ack,
    wnd: Number(win[1]),
    urgent: number(/\burg (\d+)/, rest),
    dataLen: range === null ? 0 : Number(range[3]),
    options: /<([^>]*)>/.exec(rest)?.[1] ?? '',
  }
}

const ICMP = /(\S+) > (\S+): (?:\[[^\]]*\] )?ICMP6?[ ,:]+(.*)$/
const TARGET_PORT = /(?:^|port, )(\S+) tcp port ([^\s,]+)/
const TARGET_HOST =
  /^(?!destination)(?:host |net )?([^\s,]+) unreachable|unreachable (?:route|address|prohibited) ([^\s,]+)/
const MTU = /\(mtu (\d+)\)|, mtu (\d+)/

/** An ICMP or ICMPv6 error that is about a connection; null for all else. RFC 792, RFC 4443. */
export function readIcmp(line: string): IcmpLine | null {
  const found = ICMP.exec(line)
  if (found === null) return null
  const [, src, dst, what] = found as unknown as [string, string, string, string]
  const verdict = src.includes(':') ? icmp6Verdict(what) : icmpVerdict(what)
  if (verdict === null) return null
  const port = TARGET_PORT.exec(what)
  const host = TARGET_HOST.exec(what)
  const mtu = MTU.exec(what)
  return {
    src,
    dst,
    ...verdict,
    mtu: Number(mtu?.[1] ?? mtu?.[2] ?? 0),
    target: port?.[1] ?? host?.[1] ?? host?.[2] ?? null,
    port: port?.[2] ?? null,
  }
}

function icmpVerdict(what: string): { type: number; code: number } | null {
  if (/ tcp port \S+ unreachable/.test(what)) return { type: 3, code: 3 }
  if (what.includes('need to frag')) return { type: 3, code: 4 }
  if (/unreachable - admin prohibited filter/.test(what)) return { type: 3, code: 13 }
  if (/^host \S+ unreachable - admin prohibited/.test(what)) return { type: 3, code: 10 }
  if (/^net \S+ unreachable - admin prohibited/.test(what)) return { type: 3, code: 9 }
  if (/^host \S+ unreachable/.test(what)) return { type: 3, code: 1 }
  if (/^net \S+ unreachable/.test(what)) return { type: 3, code: 0 }
  if (what.startsWith('time exceeded in-transit')) return { type: 11, code: 0 }
  return null
}

function icmp6Verdict(what: string): { type: number; code: number } | null {
  if (/tcp port \S+/.test(what) && what.includes('unreachable')) return { type: 1, code: 4 }
  if (what.includes('packet too big')) return { type: 2, code: 0 }
  if (what.includes('unreachable prohibited')) return { type: 1, code: 1 }
  if (what.includes('unreachable route')) return { type: 1, code: 0 }
  if (what.includes('unreachable address')) return { type: 1, code: 3 }
  if (what.includes('time exceeded in-transit')) return { type: 3, code: 0 }
  return null
}

function number(pattern: RegExp, text: string): number {
  return Number(pattern.exec(text)?.[1] ?? 0)
}

function optional(pattern: RegExp, text: string): number | null {
  const found = pattern.exec(text)
  return found === null ? null : Number(found[1])
}

function optionalWord(pattern: RegExp, text: string): number | null {
  const found = pattern.exec(text)
  return found === null ? null : word(found[1]!)
}

/** Decimal text as an unsigned 32-bit number; more digits than that are taken modulo 2^32. */
export function word(text: string): number {
  return Number(text.slice(0, 15)) % 4294967296
}
