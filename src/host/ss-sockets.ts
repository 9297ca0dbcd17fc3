// iproute2 misc/ss.c, v6.1: inet_show_sock, print_ms_timer, tcp_stats_print, print_skmeminfo.
import type { Endpoint, Skmem, SocketFact } from './facts.ts'
import type { HostFiles, HostRead } from './host-files.ts'
import type { TcpInfo, TcpInfoField } from './kernel/tcp-info.ts'
import type { TcpState } from './kernel/tcp-states.ts'
import type { TcpTimer } from './kernel/timers.ts'
import { isWanted, type SocketFilter } from './netlink/dump.ts'
import type { HostFault } from './reader.ts'
import { decimal, wordsOf } from './text.ts'

/** TCP, all states, numbers; timers, inode and cookie, tcp_info, memory. No -O or -H: old versions know neither. */
const ARGUMENTS = ['-tanoiem']

/** The fallback where netlink cannot be asked but the program is there. @param path  see HostFiles.ss */
export function ssSockets(
  host: HostFiles,
  filter: SocketFilter,
  path?: string,
): HostRead<{ sockets: SocketFact[]; faults: HostFault[] }> {
  const printed = host.ss(ARGUMENTS, path)
  if (printed.is !== 'read') return printed
  const { sockets, odd } = parseSs(printed.value)
  const faults = odd === 0 ? [] : [{ path: 'ss', what: `ss: ${odd} lines that describe no socket` }]
  return { is: 'read', value: { sockets: sockets.filter(isWanted(filter)), faults } }
}

/** A line begins with a state; what belongs to it may follow on lines that begin with a blank (always, without -O). */
export function parseSs(text: string): { sockets: SocketFact[]; odd: number } {
  const sockets: SocketFact[] = []
  let odd = 0
  let start = 0
  while (start < text.length) {
    let end = lineEnd(text, start)
    while (/[ \t]/.test(text[end + 1] ?? '')) end = lineEnd(text, end + 1)
    const line = text.slice(start, end)
    start = end + 1
    if (line.trim() === '' || line.startsWith('State')) continue
    const socket = parseEntry(wordsOf(line))
    if (socket === null) odd++
    else sockets.push(socket)
  }
  return { sockets, odd }
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from)
  return at < 0 ? text.length : at
}

const STATES: Readonly<Record<string, TcpState>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN-SENT',
  'SYN-RECV': 'SYN-RECEIVED',
  'FIN-WAIT-1': 'FIN-WAIT-1',
  'FIN-WAIT-2': 'FIN-WAIT-2',
  'TIME-WAIT': 'TIME-WAIT',
  UNCONN: 'CLOSED',
  'CLOSE-WAIT': 'CLOSE-WAIT',
  'LAST-ACK': 'LAST-ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
}

function parseEntry(words: readonly string[]): SocketFact | null {
  const [stateName = '', rqueue, wqueue, localText, remoteText, ...more] = words
  const state = Object.hasOwn(STATES, stateName) ? STATES[stateName] : undefined
  const idiag_rqueue = decimal(rqueue)
  const idiag_wqueue = decimal(wqueue)
  const local = endpointOf(localText)
  const remote = endpointOf(remoteText)
  if (state === undefined || idiag_rqueue === null || idiag_wqueue === null) return null
  if (local === null || remote === null) return null
  const family = local.address.includes(':') ? 6 : 4
  const told = (name: string) =>
    more.find((word) => word.startsWith(`${name}:`))?.slice(name.length + 1)
  const v6only = told('v6only')
  return {
    family,
    state,
    local,
    // The other end of an IPv6 listener that takes IPv4 too is printed as "*".
    remote: family === 6 && remote.address === '0.0.0.0' ? { ...remote, address: '::' } : remote,
    idiag_rqueue,
    idiag_wqueue,
    ...timerOf(told('timer')),
    uid: decimal(told('uid')) ?? 0, // printed unless it is root's
    inode: decimal(told('ino')) ?? 0,
    cookie: hexBig(told('sk')),
    idiag_if: null, // by its name only
    congestionControl: more.find((word) => ALGORITHMS.test(word)) ?? null,
    shutdown: shutdownOf(more),
    v6only: family === 4 ? null : v6only === '1',
    mark: told('fwmark') === undefined ? null : Number(told('fwmark')),
    cgroupId: null, // by its path only
    tcpInfo: infoOf(more),
    skmem: skmemOf(told('skmem')),
  }
}

/** Those of net/ipv4/Kconfig: in the line it is a word like "sack" or "ts", without a name before it. */
const ALGORITHMS =
  /^(bbr2?|bic|cdg|cubic|dctcp|highspeed|htcp|hybla|illinois|lp|nv|reno|scalable|vegas|veno|westwood|yeah)$/

/** "127.0.0.1:80", "10.0.0.1%eth0:80", "[::1]:80", "[fe80::1]%eth0:80", "*:80" (any of both families), ":*" for port 0. */
function endpointOf(text: string | undefined): Endpoint | null {
  const [, host = '', portText = ''] = /^(.+):(\d{1,5}|\*)$/.exec(text ?? '') ?? []
  const port = portText === '*' ? 0 : decimal(portText)
  const plain = host.replace(/%.*$/, '').replace(/^\[(.*)\]$/, '$1')
  // A remote "*" is corrected by who knows the family.
  const address = plain === '*' ? (portText === '*' ? '0.0.0.0' : '::') : plain
  return port === null || !/^[\da-f.:]+$/i.test(address) ? null : { address, port }
}

const TIMERS: Readonly<Record<string, TcpTimer>> = {
  on: 'retransmission',
  keepalive: 'keepalive',
  timewait: 'time-wait',
  persist: 'persist',
}

/** "(on,584ms,0)": kind, time, retransmissions. "1.234ms" is 1 s and 234 ms. */
function timerOf(text: string | undefined): Pick<SocketFact, 'timer' | 'retransmits'> {
  const [, name = '', minutes, seconds, ms, retransmits] =
    /^\((\w+),(?:(\d+)min)?(?:(\d+)(?:sec|\.))?(?:(\d+)ms)?,(\d+)\)$/.exec(text ?? '') ?? []
  const kind = Object.hasOwn(TIMERS, name) ? TIMERS[name] : undefined
  const expiresMs = (Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000 + Number(ms ?? 0)
  return {
    timer: kind === undefined ? null : { kind, expiresMs },
    retransmits: Number(retransmits ?? 0),
  }
}

/** "<->" nothing, "-->" receiving, "<--" sending, "---" both. */
function shutdownOf(words: readonly string[]): number | null {
  const arrow = words.find((word) => /^[<-]-[>-]$/.test(word))
  if (arrow === undefined) return null
  return (arrow[0] === '-' ? 1 : 0) | (arrow[2] === '-' ? 2 : 0)
}

function hexBig(text: string | undefined): bigint | null {
  return text !== undefined && /^[\da-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : null
}

const SKMEM: Readonly<Record<string, keyof Skmem>> = {
  r: 'rmem_alloc',
  rb: 'rcvbuf',
  t: 'wmem_alloc',
  tb: 'sndbuf',
  f: 'fwd_alloc',
  w: 'wmem_queued',
  o: 'optmem',
  bl: 'backlog',
  d: 'drops',
}

/** "(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d1)"; without bl and d from older versions. */
function skmemOf(text: string | undefined): Skmem | null {
  if (text === undefined) return null
  const found: Skmem = {}
  for (const [, name = '', value = ''] of text.matchAll(/([a-z]+)(\d+)/g)) {
    if (Object.hasOwn(SKMEM, name)) found[SKMEM[name]!] = Number(value)
  }
  return found
}

/** Fields of ss with the kernel's, and how many of the kernel's units one of ss is. */
const FIELDS: Readonly<Record<string, readonly [TcpInfoField, number]>> = {
  rto: ['tcpi_rto', 1000],
  ato: ['tcpi_ato', 1000],
  mss: ['tcpi_snd_mss', 1],
  rcvmss: ['tcpi_rcv_mss', 1],
  advmss: ['tcpi_advmss', 1],
  pmtu: ['tcpi_pmtu', 1],
  cwnd: ['tcpi_snd_cwnd', 1],
  ssthresh: ['tcpi_snd_ssthresh', 1],
  backoff: ['tcpi_backoff', 1],
  bytes_sent: ['tcpi_bytes_sent', 1],
  bytes_retrans: ['tcpi_bytes_retrans', 1],
  bytes_acked: ['tcpi_bytes_acked', 1],
  bytes_received: ['tcpi_bytes_received', 1],
  segs_out: ['tcpi_segs_out', 1],
  segs_in: ['tcpi_segs_in', 1],
  data_segs_out: ['tcpi_data_segs_out', 1],
  data_segs_in: ['tcpi_data_segs_in', 1],
  lastsnd: ['tcpi_last_data_sent', 1],
  lastrcv: ['tcpi_last_data_recv', 1],
  lastack: ['tcpi_last_ack_recv', 1],
  delivered: ['tcpi_delivered', 1],
  unacked: ['tcpi_unacked', 1],
  lost: ['tcpi_lost', 1],
  sacked: ['tcpi_sacked', 1],
  reordering: ['tcpi_reordering', 1],
  rcv_rtt: ['tcpi_rcv_rtt', 1000],
  rcv_space: ['tcpi_rcv_space', 1],
  rcv_ssthresh: ['tcpi_rcv_ssthresh', 1],
  notsent: ['tcpi_notsent_bytes', 1],
  minrtt: ['tcpi_min_rtt', 1000],
  snd_wnd: ['tcpi_snd_wnd', 1],
  busy: ['tcpi_busy_time', 1000],
  rwnd_limited: ['tcpi_rwnd_limited', 1000],
  sndbuf_limited: ['tcpi_sndbuf_limited', 1000],
}

/** What `ss` prints of tcp_info, in the kernel's units. It leaves zeros out, and so does this. */
function infoOf(words: readonly string[]): TcpInfo | null {
  const info: TcpInfo = {}
  for (const word of words) {
    const at = word.indexOf(':')
    const name = word.slice(0, at)
    const value = word.slice(at + 1)
    if (name === 'retrans') pair(value, '/', info, ['tcpi_retrans', 'tcpi_total_retrans'])
    else if (name === 'wscale') pair(value, ',', info, ['tcpi_snd_wscale', 'tcpi_rcv_wscale'])
    else if (name === 'rtt') pair(value, '/', info, ['tcpi_rtt', 'tcpi_rttvar'], 1000)
    else if (Object.hasOwn(FIELDS, name)) {
      const [field, units] = FIELDS[name]!
      const number = Number.parseFloat(value)
      if (Number.isFinite(number)) info[field] = Math.round(number * units)
    }
  }
  return Object.keys(info).length === 0 ? null : info
}

function pair(
  value: string,
  between: string,
  info: TcpInfo,
  fields: readonly [TcpInfoField, TcpInfoField],
  units = 1,
): void {
  const numbers = value.split(between).map(Number.parseFloat)
  for (const [at, field] of fields.entries()) {
    const number = numbers[at]
    if (number !== undefined && Number.isFinite(number)) info[field] = Math.round(number * units)
  }
}
