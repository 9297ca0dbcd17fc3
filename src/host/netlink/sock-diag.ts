// Linux include/uapi/linux/{netlink,sock_diag,inet_diag}.h, v6.18. Pure: octets in, octets out.
import { formatIpv4, formatIpv6 } from '../../base/addresses.ts'
import type { Endpoint, Skmem, SocketFact } from '../facts.ts'
import { decodeTcpInfo, type TcpInfo } from '../kernel/tcp-info.ts'
import { type TcpState, tcpState } from '../kernel/tcp-states.ts'
import { tcpTimer } from '../kernel/timers.ts'

const NLMSG_HDR = 16
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_REQUEST = 0x1
const NLM_F_DUMP_INTR = 0x10
const NLM_F_DUMP = 0x300
const SOCK_DIAG_BY_FAMILY = 20
const REQ_V2 = 56
const DIAG_MSG = 72
const ALIGN = 4 // NLA_ALIGNTO, NLMSG_ALIGNTO
const NLA_TYPE_MASK = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

const AF_INET = 2
const IPPROTO_TCP = 6
const INET_DIAG_REQ_BYTECODE = 1

/** inet_diag.h. The first eight can be asked for in idiag_ext, the others come unasked. */
const INET_DIAG = {
  INFO: 2,
  CONG: 4,
  SKMEMINFO: 7,
  SHUTDOWN: 8,
  SKV6ONLY: 11,
  MARK: 15,
  CGROUP_ID: 21,
} as const

/** As bits of idiag_ext: MEMINFO, INFO, CONG, SKMEMINFO and SHUTDOWN. */
const ALL = bitsOf([1, INET_DIAG.INFO, INET_DIAG.CONG, INET_DIAG.SKMEMINFO, INET_DIAG.SHUTDOWN])
/** A third of the octets. */
const BRIEF = bitsOf([INET_DIAG.SKMEMINFO, INET_DIAG.SHUTDOWN])

function bitsOf(attributes: readonly number[]): number {
  return attributes.reduce((bits, attribute) => bits | (1 << (attribute - 1)), 0)
}

/** struct sk_meminfo, sock_diag.h: SK_MEMINFO_RMEM_ALLOC, ... in ss: r, rb, t, tb, f, w, o, bl, d. */
const SKMEMINFO: readonly (keyof Skmem)[] = [
  'rmem_alloc',
  'rcvbuf',
  'wmem_alloc',
  'sndbuf',
  'fwd_alloc',
  'wmem_queued',
  'optmem',
  'backlog',
  'drops',
]

/**
 * A socket as netlink tells it: all that /proc tells, and more. What most readers never ask for is decoded from the
 * kernel's octets when it is asked for; so whoever keeps a socket keeps the octets that decodeDump was given.
 */
export interface DiagSocket extends SocketFact {
  idiag_wqueue: number
  cookie: bigint
  idiag_if: number
  /** struct tcp_info as it came, a view into the answer. See kernel/tcp-info.ts. */
  readonly tcpInfoOctets: Uint8Array | null
  /** Memory and drops as they came, a view too: see decodeSkmem. */
  readonly skmemOctets: Uint8Array | null
}

/**
 * The request for TCP sockets of a family.
 * @param states  bits of the kernel's state numbers (1 << 10: LISTEN); all of them when absent
 * @param brief  without tcp_info and the name of the congestion control
 * @param bytecode  a filter that the kernel runs for each socket: see filter.ts
 */
export function encodeDump(of: {
  family: 4 | 6
  states?: number
  bytecode?: Uint8Array | null
  brief?: boolean
  sequence: number
  littleEndian: boolean
}): Uint8Array {
  const { littleEndian } = of
  const bytecode = of.bytecode ?? null
  const filter = bytecode === null ? 0 : ALIGN + aligned(bytecode.length)
  const octets = new Uint8Array(NLMSG_HDR + REQ_V2 + filter)
  const view = new DataView(octets.buffer)
  view.setUint32(0, octets.length, littleEndian)
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, littleEndian)
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, littleEndian)
  view.setUint32(8, of.sequence, littleEndian)
  view.setUint8(NLMSG_HDR, of.family === 4 ? AF_INET : 10)
  view.setUint8(NLMSG_HDR + 1, IPPROTO_TCP)
  view.setUint8(NLMSG_HDR + 2, of.brief === true ? BRIEF : ALL)
  view.setUint32(NLMSG_HDR + 4, of.states ?? 0xffffffff, littleEndian)
  if (bytecode !== null) {
    view.setUint16(NLMSG_HDR + REQ_V2, ALIGN + bytecode.length, littleEndian)
    view.setUint16(NLMSG_HDR + REQ_V2 + 2, INET_DIAG_REQ_BYTECODE, littleEndian)
    octets.set(bytecode, NLMSG_HDR + REQ_V2 + ALIGN)
  }
  return octets
}

export interface DumpPart {
  /** The dump is complete. Until then more is to be received. */
  done: boolean
  /** errno of the kernel, 0 when there was none. 2 (ENOENT): the module tcp_diag is not loaded. */
  errno: number
  /** The table changed while it was read (NLM_F_DUMP_INTR): sockets may be missing or twice. */
  interrupted: boolean
  /** Messages that could not be understood. */
  odd: number
}

/**
 * Decodes what one recv() gave: `each` is called for every socket, which refers to `octets`. A buffer that was too short for its datagram
 * ends in a message that is cut, which counts as odd.
 */
export function decodeDump(
  octets: Uint8Array,
  littleEndian: boolean,
  each: (socket: DiagSocket) => void,
): DumpPart {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const answer: Answer = { octets, view, littleEndian, names: new Map() }
  const part = { done: false, errno: 0, interrupted: false, odd: 0 }
  for (let at = 0; at < octets.length; ) {
    const length = at + NLMSG_HDR <= octets.length ? view.getUint32(at, littleEndian) : 0
    if (length < NLMSG_HDR || at + length > octets.length) {
      part.odd++
      break
    }
    message(answer, at, at + length, part, each)
    at += aligned(length)
  }
  return part
}

/** What one recv() gave, shared by all sockets in it. */
interface Answer {
  octets: Uint8Array
  view: DataView
  littleEndian: boolean
  /** IPv4 addresses that were printed already: most sockets have the same few. */
  names: Map<number, string>
}

/** Part of an answer, from `at` to before `end`. */
interface Part {
  answer: Answer
  at: number
  end: number
}

function message(
  answer: Answer,
  at: number,
  end: number,
  part: DumpPart,
  each: (socket: DiagSocket) => void,
): void {
  const { view, littleEndian } = answer
  const type = view.getUint16(at + 4, littleEndian)
  if ((view.getUint16(at + 6, littleEndian) & NLM_F_DUMP_INTR) !== 0) part.interrupted = true
  if (type === NLMSG_DONE || type === NLMSG_ERROR) {
    part.done = true
    if (at + NLMSG_HDR + 4 <= end)
      part.errno = Math.abs(view.getInt32(at + NLMSG_HDR, littleEndian))
    return
  }
  const socket = type === SOCK_DIAG_BY_FAMILY ? decodeSocket(answer, at + NLMSG_HDR, end) : null
  if (socket === null) part.odd++
  else each(socket)
}

/** struct inet_diag_msg and the attributes behind it. */
function decodeSocket(answer: Answer, at: number, end: number): DiagSocket | null {
  const { view } = answer
  if (at + DIAG_MSG > end) return null
  const family = view.getUint8(at) === AF_INET ? 4 : view.getUint8(at) === 10 ? 6 : null
  const state = tcpState(view.getUint8(at + 1))
  if (family === null || state === null) return null
  return new DumpedSocket(answer, at, end, family, state)
}

/** Fields that everybody compares are decoded at once, the others by getters. */
class DumpedSocket implements DiagSocket {
  readonly family: 4 | 6
  readonly state: TcpState
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly idiag_rqueue: number
  readonly idiag_wqueue: number
  readonly timer: SocketFact['timer']
  readonly retransmits: number
  readonly uid: number
  readonly inode: number
  readonly #answer: Answer
  /** Of struct inet_diag_msg. */
  readonly #at: number
  readonly #end: number

  constructor(answer: Answer, at: number, end: number, family: 4 | 6, state: TcpState) {
    const { view, littleEndian } = answer
    const kind = tcpTimer(view.getUint8(at + 2))
    this.#answer = answer
    this.#at = at
    this.#end = end
    this.family = family
    this.state = state
    this.local = endpoint(answer, family, at + 8, at + 4)
    this.remote = endpoint(answer, family, at + 24, at + 6)
    this.idiag_rqueue = view.getUint32(at + 56, littleEndian)
    this.idiag_wqueue = view.getUint32(at + 60, littleEndian)
    this.timer = kind === null ? null : { kind, expiresMs: view.getUint32(at + 52, littleEndian) }
    this.retransmits = view.getUint8(at + 3)
    this.uid = view.getUint32(at + 64, littleEndian)
    this.inode = view.getUint32(at + 68, littleEndian)
  }

  get cookie(): bigint {
    return cookieAt(this.#answer.view, this.#at + 44, this.#answer.littleEndian)
  }

  get idiag_if(): number {
    return this.#answer.view.getUint32(this.#at + 40, this.#answer.littleEndian)
  }

  get tcpInfo(): TcpInfo | null {
    const octets = this.tcpInfoOctets
    return octets === null ? null : decodeTcpInfo(octets, this.#answer.littleEndian)
  }

  get skmem(): Skmem | null {
    const octets = this.skmemOctets
    return octets === null ? null : decodeSkmem(octets, this.#answer.littleEndian)
  }

  get tcpInfoOctets(): Uint8Array | null {
    return octetsOf(this.#attribute(INET_DIAG.INFO, 0))
  }

  get skmemOctets(): Uint8Array | null {
    return octetsOf(this.#attribute(INET_DIAG.SKMEMINFO, 0))
  }

  get congestionControl(): string | null {
    const value = this.#attribute(INET_DIAG.CONG, 0)
    return value === null ? null : ascii(value.answer.octets, value.at, value.end)
  }

  get shutdown(): number | null {
    const value = this.#attribute(INET_DIAG.SHUTDOWN, 1)
    return value === null ? null : value.answer.view.getUint8(value.at)
  }

  get v6only(): boolean | null {
    const value = this.#attribute(INET_DIAG.SKV6ONLY, 1)
    return value === null ? null : value.answer.view.getUint8(value.at) !== 0
  }

  get mark(): number | null {
    const value = this.#attribute(INET_DIAG.MARK, 4)
    return value === null ? null : value.answer.view.getUint32(value.at, value.answer.littleEndian)
  }

  get cgroupId(): bigint | null {
    const value = this.#attribute(INET_DIAG.CGROUP_ID, 8)
    return value === null
      ? null
      : value.answer.view.getBigUint64(value.at, value.answer.littleEndian)
  }

  /**
   * struct nlattr: length with its own four octets, type, value, padding. A length that cannot be ends the list.
   * @returns where its value is; null when it is not there, or shorter than `least`
   */
  #attribute(wanted: number, least: number): Part | null {
    const { view, littleEndian } = this.#answer
    const end = this.#end
    for (let next = this.#at + DIAG_MSG; next + ALIGN <= end; ) {
      const length = view.getUint16(next, littleEndian)
      if (length < ALIGN || next + length > end) return null
      const type = view.getUint16(next + 2, littleEndian) & NLA_TYPE_MASK
      if (type === wanted) {
        if (length - ALIGN < least) return null
        return { answer: this.#answer, at: next + ALIGN, end: next + length }
      }
      next += aligned(length)
    }
    return null
  }
}

function octetsOf(value: Part | null): Uint8Array | null {
  return value === null ? null : value.answer.octets.subarray(value.at, value.end)
}

/** The numbers that are there, by the kernel's names; of a listener `drops` are the SYNs and ACKs that it refused. */
export function decodeSkmem(octets: Uint8Array, littleEndian: boolean): Skmem {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const found: Skmem = {}
  for (const [i, name] of SKMEMINFO.entries()) {
    if (i * 4 + 4 <= octets.length) found[name] = view.getUint32(i * 4, littleEndian)
  }
  return found
}

/** Two 32-bit halves, the lower one first on every machine. */
function cookieAt(view: DataView, at: number, littleEndian: boolean): bigint {
  if (littleEndian) return view.getBigUint64(at, true)
  return (BigInt(view.getUint32(at + 4)) << 32n) | BigInt(view.getUint32(at))
}

/** Addresses and ports are in network order on every machine. */
function endpoint(answer: Answer, family: 4 | 6, address: number, port: number): Endpoint {
  const { view, names } = answer
  const first = view.getInt32(address)
  if (family === 6) {
    const words = [first, ...[4, 8, 12].map((i) => view.getInt32(address + i))]
    return { address: formatIpv6(words), port: view.getUint16(port) }
  }
  const name = names.get(first) ?? formatIpv4(first)
  names.set(first, name)
  return { address: name, port: view.getUint16(port) }
}

const MAX_NAME = 16 // TCP_CA_NAME_MAX

/** A name of the kernel, up to the zero. What is not printable is no name. */
function ascii(octets: Uint8Array, at: number, end: number): string | null {
  let name = ''
  for (let i = at; i < end; i++) {
    const c = octets[i]!
    if (c === 0) break
    if (c < 0x21 || c > 0x7e || i - at >= MAX_NAME) return null
    name += String.fromCharCode(c)
  }
  return name === '' ? null : name
}

function aligned(length: number): number {
  return (length + ALIGN - 1) & ~(ALIGN - 1)
}
