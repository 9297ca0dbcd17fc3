// What tcpdump 4.99.3 print-tcp.c does with sequence numbers, undone: RFC 9293 §3.1 headers are made of printed lines.
import { formatIpv4, formatIpv6 } from '../../base/addresses.ts'
import { type IcmpLine, type IpLine, type SegmentLine, word } from './tcpdump-text-lines.ts'
import { addressOf, portOf, standInAddress, standInPort } from './tcpdump-text-names.ts'

const MAX_NAMES = 1000
/** Conversations remembered at most, in the way tcpdump does; beyond that they are forgotten and begin anew. */
const MAX_CONVERSATIONS = 200_000
/** First numbers below this are relative ones whose beginning was trimmed off: initial numbers are random. */
const SMALL = 2 ** 26
const SMALL_ALONE = 2 ** 20
/** An offset below NEAR is small, a distance above FAR is chance. */
const NEAR = 2 ** 22
const FAR = 2 ** 26

const FLAG_FIN = 0x01
const FLAG_SYN = 0x02
const FLAG_ACK = 0x10

export interface Endpoint {
  address: Uint8Array
  port: number
  key: string
}

/** A segment with real addresses and absolute sequence numbers. */
export interface Segment {
  src: Endpoint
  dst: Endpoint
  flags: number
  seq: number
  ack: number
  wnd: number
  urgent: number
  dataLen: number
  options: Uint8Array
}

export interface ResolvedNumbers {
  seq: number
  ack: number
  ackBase: number
}

export interface MadePacket {
  bytes: Uint8Array
  wireLen: number
}

/** Makes endpoints of printed ones, and tells of names met. */
export class EndpointReader {
  /** Stand-in address as printed -> name. */
  readonly names = new Map<string, string>()
  private readonly note: (fault: 'names-not-numbers' | 'unknown-service-name') => void

  constructor(note: (fault: 'names-not-numbers' | 'unknown-service-name') => void) {
    this.note = note
  }

  /** "10.0.0.1.443", "2001:db8::1.443", "db.example.com.mysql". */
  endpoint(text: string, family: 4 | 6): Endpoint {
    const dot = text.lastIndexOf('.')
    const address = this.address(dot < 0 ? text : text.slice(0, dot), family)
    const service = dot < 0 ? '0' : text.slice(dot + 1)
    let port = portOf(service)
    if (port === null) {
      this.note('unknown-service-name')
      port = standInPort(service)
    }
    return { address, port, key: `${address.join('.')}:${port}` }
  }

  address(text: string, family: 4 | 6): Uint8Array {
    const known = addressOf(text)
    if (known?.length === (family === 4 ? 4 : 16)) return known
    const address = standInAddress(text, family)
    this.note('names-not-numbers')
    if (this.names.size < MAX_NAMES) this.names.set(printed(address), text)
    return address
  }
}

function printed(address: Uint8Array): string {
  const view = new DataView(address.buffer, address.byteOffset, address.length)
  const words = Array.from({ length: address.length / 4 }, (_, i) => view.getInt32(i * 4))
  return words.length === 1 ? formatIpv4(words[0]!) : formatIpv6(words)
}

/** 6 when one of the two is an IPv6 address or the line says IP6. */
export function familyOf(src: string, dst: string, line: string): 4 | 6 {
  return src.includes(':') || dst.includes(':') || /\bIP6\b/.test(line) ? 6 : 4
}

/**
 * Turns printed numbers into absolute ones. tcpdump prints the numbers of the first segment with ACK of a conversation
 * (and of every SYN,ACK) as they are, and all later ones relative to it: seq to that segment's seq, ack to its ack - 1;
 * segments without ACK as they are. With -S all are absolute, which is noticed by where the numbers lie.
 */
export class SequenceNumbers {
  private readonly bases = new Map<string, number>()
  /** The number after the last octet that a side is known to have sent. */
  private readonly nexts = new Map<string, number>()
  /** Conversations whose first numbers were small: what they were, until the second segment is seen. */
  private readonly doubted = new Map<string, { seq: number | null; ack: number }>()
  private absolute = false

  /** @returns absolute seq and ack of a segment from `src` to `dst`, and the base of the other side's numbers. */
  resolve(line: SegmentLine, src: Endpoint, dst: Endpoint): ResolvedNumbers {
    const forth = `${src.key}>${dst.key}`
    const back = `${dst.key}>${src.key}`
    const found = this.numbers(line, forth, back)
    // Without -v an empty segment's seq is not printed: it is taken to be the next one of its side.
    const seq = found.seq ?? this.nexts.get(forth) ?? found.seqBase
    const octets = line.dataLen + (line.flags & FLAG_SYN ? 1 : 0) + (line.flags & FLAG_FIN ? 1 : 0)
    if (line.flags & FLAG_SYN) this.nexts.delete(forth)
    this.advance(forth, (seq + octets) >>> 0)
    if (line.flags & FLAG_ACK) this.advance(back, found.ack)
    return { seq, ack: found.ack, ackBase: found.ackBase }
  }

  private numbers(
    line: SegmentLine,
    forth: string,
    back: string,
  ): { seq: number | null; ack: number; seqBase: number; ackBase: number } {
    if ((line.flags & FLAG_ACK) === 0 || line.ack === null) {
      // A lone SYN tells where its side begins, for an excerpt without the SYN,ACK.
      if (line.flags & FLAG_SYN && line.seq !== null) this.remember(`syn ${forth}`, line.seq)
      return { seq: line.seq, ack: 0, seqBase: 0, ackBase: 0 }
    }
    const known = this.bases.has(forth) && this.bases.has(back)
    if (known) this.reconsider(line, forth, back)
    const asPrinted = !known || (line.flags & FLAG_SYN) !== 0
    const trimmed = asPrinted && this.begin(line, forth, back)
    const seqBase = this.bases.get(forth)!
    const ackBase = this.bases.get(back)!
    if (asPrinted && !trimmed) return { seq: line.seq, ack: line.ack, seqBase, ackBase }
    if (line.seq !== null) this.vote(line.seq, seqBase)
    this.vote(line.ack, ackBase)
    const seq = line.seq === null ? null : this.place(line.seq, seqBase)
    return { seq, ack: this.place(line.ack, ackBase), seqBase, ackBase }
  }

  /** A SACK edge, relative as `ack` is. */
  place(value: number, base: number): number {
    return this.absolute ? value : (value + base) >>> 0
  }

  /** Sets the bases by the first segment; @returns whether its numbers are relative to a beginning trimmed off. */
  private begin(line: SegmentLine, forth: string, back: string): boolean {
    const seq = line.seq ?? 0
    const ack = line.ack!
    const trimmed =
      (line.flags & FLAG_SYN) === 0 &&
      (line.seq === null ? ack < SMALL_ALONE : seq < SMALL && ack < SMALL)
    if (trimmed) {
      if (this.doubted.size >= MAX_CONVERSATIONS) this.doubted.clear()
      this.doubted.set(forth, { seq: line.seq, ack })
      this.remember(forth, this.bases.get(`syn ${forth}`) ?? 0)
      this.remember(back, this.bases.get(`syn ${back}`) ?? 0)
      return true
    }
    this.remember(forth, line.seq ?? this.nexts.get(forth) ?? 0)
    this.remember(back, (ack - 1) >>> 0)
    return false
  }

  /** Small first numbers were absolute after all when the second segment's fall far behind them. */
  private reconsider(line: SegmentLine, forth: string, back: string): void {
    const same = this.doubted.get(forth)
    const other = this.doubted.get(back)
    this.doubted.delete(forth)
    this.doubted.delete(back)
    if (same !== undefined && behind(line.seq, same.seq, line.ack, same.ack)) {
      this.remember(forth, same.seq ?? 0)
      this.remember(back, (same.ack - 1) >>> 0)
    } else if (other !== undefined && behind(line.seq, other.ack, line.ack, other.seq)) {
      this.remember(back, other.seq ?? 0)
      this.remember(forth, (other.ack - 1) >>> 0)
    }
  }

  private vote(value: number, base: number): void {
    // The first octet behind a SYN, told in full: initial numbers may be small as well.
    if (value !== 1 && (value - base) >>> 0 === 1) this.absolute = true
    const fromZero = Math.min(value, 4294967296 - value)
    const fromBase = Math.abs((value - base) | 0)
    if (fromZero < NEAR && fromBase > FAR) this.absolute = false
    else if (fromBase < NEAR && fromZero > FAR) this.absolute = true
  }

  private advance(key: string, value: number): void {
    const known = this.nexts.get(key)
    if (known !== undefined && ((value - known) | 0) <= 0) return
    if (this.nexts.size >= MAX_CONVERSATIONS) this.nexts.clear()
    this.nexts.set(key, value)
  }

  private remember(key: string, value: number): void {
    if (this.bases.size >= MAX_CONVERSATIONS) this.bases.clear()
    this.bases.set(key, value)
  }
}

function behind(
  seq: number | null,
  firstSeq: number | null,
  ack: number | null,
  firstAck: number | null,
): boolean {
  const far = (value: number | null, first: number | null) =>
    value !== null && first !== null && first > 100 && value < first / 2
  return far(seq, firstSeq) || far(ack, firstAck)
}

const OPTION = /(?:mss|wscale|sackOK|TS val|timestamp|sack|nop|eol|tfo|md5|mptcp|exp-tfo)\b[^,]*/g

/** The options as octets, in their order; at most 40 and a multiple of 4. `edge` makes a SACK edge absolute. */
export function optionOctets(text: string, edge: (value: number) => number): Uint8Array {
  const out: number[] = []
  for (const [option] of text.matchAll(OPTION)) {
    const octets = oneOption(option, edge)
    if (out.length + octets.length <= 40) out.push(...octets)
  }
  while (out.length % 4 !== 0) out.push(0)
  return Uint8Array.from(out)
}

function oneOption(option: string, edge: (value: number) => number): number[] {
  const [name, ...rest] = option.split(' ') as [string, ...string[]]
  switch (name) {
    case 'nop':
      return [1]
    case 'mss':
      return [2, 4, ...be16(Number(rest[0]))]
    case 'wscale':
      return [3, 3, Number(rest[0]) & 255]
    case 'sackOK':
      return [4, 2]
    case 'TS':
      return [8, 10, ...be32(word(rest[1] ?? '0')), ...be32(word(rest[3] ?? '0'))]
    case 'timestamp':
      return [8, 10, ...be32(word(rest[0] ?? '0')), ...be32(word(rest[1] ?? '0'))]
    case 'sack':
      return sackOption(option, edge)
    case 'md5':
      return [19, 18, ...new Array<number>(16).fill(0)]
    case 'tfo':
      return cookieOption([34], rest)
    case 'exp-tfo':
      return cookieOption([254, 0xf9, 0x89], rest)
    case 'mptcp':
      return mptcpOption(Number(rest[0]))
    default:
      return []
  }
}

function sackOption(option: string, edge: (value: number) => number): number[] {
  const blocks = [...option.matchAll(/\{(\d+):(\d+)\}/g)].slice(0, 4)
  const edges = blocks.flatMap(([, left, right]) => [
    ...be32(edge(word(left!))),
    ...be32(edge(word(right!))),
  ])
  return [5, 2 + edges.length, ...edges]
}

/** RFC 7413 §4.1.1; the experimental form has two more octets in front of the cookie. */
function cookieOption(kind: number[], rest: readonly string[]): number[] {
  const hex = rest.find((part) => /^[0-9a-f]{8,32}$/.test(part)) ?? ''
  const cookie = (hex.match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16))
  return [kind[0]!, kind.length + 1 + cookie.length, ...kind.slice(1), ...cookie]
}

/** Only that there was one, and how long: what it says is not printed in full. RFC 8684 §3. */
function mptcpOption(length: number): number[] {
  if (!(length >= 3 && length <= 40)) return []
  return [30, length, ...new Array<number>(length - 2).fill(0)]
}

const MAX_DATA_OCTETS = 1 << 20

/** IP and TCP headers of a segment; the payload is only told by the lengths. Checksums are 0, as with offloading. */
export function segmentPacket(segment: Segment, ip: IpLine | null): MadePacket {
  const tcp = tcpHeader(segment)
  // A mangled line may claim any length; the largest segment there is (BIG TCP) has half a megabyte.
  const octets = tcp.length + Math.min(Math.max(0, segment.dataLen), MAX_DATA_OCTETS)
  const header = ipHeader(segment.src.address, segment.dst.address, 6, octets, ip)
  return { bytes: concat(header, tcp), wireLen: header.length + octets }
}

/** An ICMP error that quotes `quoted` as far as its headers go. RFC 792; RFC 4443 §3. */
export function icmpPacket(
  icmp: IcmpLine,
  from: { src: Uint8Array; dst: Uint8Array },
  quoted: MadePacket,
): MadePacket {
  const six = from.src.length === 16
  const mtu = six ? be32(icmp.mtu) : [0, 0, ...be16(icmp.mtu)]
  const message = Uint8Array.from([icmp.type, icmp.code, 0, 0, ...mtu, ...quoted.bytes])
  const header = ipHeader(from.src, from.dst, six ? 58 : 1, message.length, null)
  return { bytes: concat(header, message), wireLen: header.length + message.length }
}

function tcpHeader(segment: Segment): Uint8Array {
  const { src, dst, seq, ack, flags, wnd, urgent, options } = segment
  const offset = (20 + options.length) << 2
  return Uint8Array.from([
    ...be16(src.port),
    ...be16(dst.port),
    ...be32(seq),
    ...be32(ack),
    offset,
    flags,
    ...be16(wnd),
    0,
    0,
    ...be16(urgent),
    ...options,
  ])
}

function ipHeader(
  src: Uint8Array,
  dst: Uint8Array,
  protocol: number,
  octets: number,
  ip: IpLine | null,
): Uint8Array {
  const ttl = ip?.ttl ?? 0
  if (src.length === 16) {
    // A super-segment has no length that fits: 0, as the kernel writes it.
    const length = octets > 65_535 ? 0 : octets
    return Uint8Array.from([0x60, 0, 0, 0, ...be16(length), protocol, ttl, ...src, ...dst])
  }
  const length = octets + 20 > 65_535 ? 0 : octets + 20
  const fragment = ip?.df ? 0x4000 : 0
  const head = [0x45, ip?.tos ?? 0, ...be16(length), ...be16(ip?.id ?? 0), ...be16(fragment)]
  return Uint8Array.from([...head, ttl, protocol, 0, 0, ...src, ...dst])
}

function be16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255]
}

function be32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}
