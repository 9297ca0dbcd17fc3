// Linux include/trace/events/{tcp,sock,skb,syscalls,sched}.h, v4.15 to v6.18: which events tcpwhy watches and what the kernel
// shall filter out, so that a busy host pays for what is out of the ordinary only.
import type { EventsFacts, EventsMissing, EventsMissingAdds, EventsMissingWhy } from '../events.ts'
import { type ErrnoName, errnoNumber } from '../kernel/errno.ts'
import { ESTABLISHED_FILTER } from './established.ts'
import { parseFormat, type TraceFormat } from './format.ts'

export interface WatchedEvent {
  event: string
  format: TraceFormat
  /** The text that `format` was read from. */
  text: string
  /** For events/EVENT/filter; null: all. */
  filter: string | null
  /** The same without what comes with every connection, for when there are too many of them. */
  rareFilter?: string
  /** What is not known without it. */
  adds: EventsMissingAdds
}

export interface WatchPlan {
  events: readonly WatchedEvent[]
  missing: readonly EventsMissing[]
  resetReasons: EventsFacts['resetReasons']
  dropReasons: boolean
}

export interface PlanFrom {
  /** events/EVENT/format, or null: this kernel has no such event. */
  format(event: string): string | null
  release: string
  /** As process.arch: "x64", "arm64". Numbers of system calls, where events of the single ones are missing. */
  arch: string
}

/** What to enable on this kernel, and what its not having an event costs. */
export function planWatch(from: PlanFrom): WatchPlan {
  const events: WatchedEvent[] = []
  const missing: EventsMissing[] = []
  for (const { event, adds, filter } of WANTED) {
    const read = formatOf(from, event)
    if (read === null) {
      missing.push(lacks(event, 'no-event', adds, from))
      continue
    }
    const made = filter(read.format)
    if (made === 'cannot') missing.push(lacks(event, 'no-reasons', adds, from))
    else events.push({ event, ...read, ...filtersOf(event, made, read.format), adds })
  }
  const raw = rawCalls(from, events)
  if (raw !== null) events.push(raw)
  const lacking = missing.filter(({ what }) => raw === null || !what.startsWith('syscalls/'))
  const resetReasons = resetReasonsOf(events)
  if (resetReasons !== 'full') {
    const why = resetReasons === 'some' ? 'few-reasons' : 'no-reasons'
    lacking.push(lacks('tcp/tcp_send_reset', why, 'reset-reasons', from))
  }
  return {
    events,
    missing: lacking,
    resetReasons,
    dropReasons: events.some(({ event }) => event === 'skb/kfree_skb'),
  }
}

/** Handshakes that end at a listener are everyday, and wanted as long as there are not too many. */
function filtersOf(
  event: string,
  filter: string | null,
  format: TraceFormat,
): Pick<WatchedEvent, 'filter' | 'rareFilter'> {
  if (event !== STATES || filter === null) return { filter }
  const tcp = has(format, 'protocol') ? 'protocol == 6 && ' : ''
  return { filter: `(${filter}) || (${tcp}${ESTABLISHED_FILTER})`, rareFilter: filter }
}

const STATES = 'sock/inet_sock_set_state'

function formatOf(from: PlanFrom, event: string): { format: TraceFormat; text: string } | null {
  const text = from.format(event)
  const format = text === null ? null : parseFormat(text)
  return text === null || format === null ? null : { format, text }
}

function lacks(
  what: string,
  why: EventsMissingWhy,
  adds: EventsMissingAdds,
  from: PlanFrom,
): EventsMissing {
  return { what, why, adds, detail: from.release }
}

/** Values 11 to 16 of enum sk_rst_reason came with 6.12, the others with 6.10. Distributions take them into older kernels. */
export function resetReasonsOf(
  events: readonly { event: string; format: TraceFormat }[],
): EventsFacts['resetReasons'] {
  const sends = events.find(({ event }) => event === 'tcp/tcp_send_reset')
  const names = [...(sends?.format.symbols.get('reason')?.values() ?? [])]
  if (names.length === 0) return 'none'
  return names.includes('TCP_ABORT_ON_CLOSE') ? 'full' : 'some'
}

/** null: no filter is needed; 'cannot': without the names that this kernel lacks, the event would drown all others. */
type MakeFilter = (format: TraceFormat) => string | null | 'cannot'

interface Wanted {
  event: string
  adds: EventsMissingAdds
  filter: MakeFilter
}

const all: MakeFilter = () => null
const onlyTcp: MakeFilter = (format) => (has(format, 'protocol') ? 'protocol == 6' : null)
const failedWith =
  (...names: ErrnoName[]): MakeFilter =>
  () =>
    names.map((name) => `ret == -${errnoNumber(name)}`).join(' || ')

const NO_DESCRIPTOR = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'] as const

const WANTED: readonly Wanted[] = [
  { event: 'tcp/tcp_send_reset', adds: 'resets-sent', filter: all },
  { event: 'tcp/tcp_receive_reset', adds: 'resets-received', filter: all },
  { event: 'sock/inet_sock_set_state', adds: 'states', filter: unusualStates },
  { event: 'sock/inet_sk_error_report', adds: 'errors', filter: onlyTcp },
  { event: 'tcp/tcp_retransmit_skb', adds: 'retransmissions', filter: all },
  { event: 'tcp/tcp_retransmit_synack', adds: 'handshake-retransmissions', filter: all },
  { event: 'skb/kfree_skb', adds: 'drops', filter: dropsOfInterest },
  {
    event: 'syscalls/sys_exit_accept4',
    adds: 'failed-calls',
    filter: failedWith(...NO_DESCRIPTOR),
  },
  {
    event: 'syscalls/sys_exit_accept',
    adds: 'failed-calls',
    filter: failedWith(...NO_DESCRIPTOR),
  },
  {
    event: 'syscalls/sys_exit_connect',
    adds: 'failed-calls',
    // Those that a filter cannot mistake for a Unix socket's. A refused or timed out connection has an error event.
    filter: failedWith('EADDRNOTAVAIL', 'EADDRINUSE', 'ENETUNREACH', 'EHOSTUNREACH', 'ENOBUFS'),
  },
  {
    event: 'syscalls/sys_exit_socket',
    adds: 'failed-calls',
    filter: failedWith(...NO_DESCRIPTOR),
  },
  { event: 'sched/sched_process_exit', adds: 'dying-processes', filter: all },
]

/**
 * To CLOSE other than after a finished exchange of FINs, and to LISTEN. An exchange of FINs ends from FIN-WAIT-2, CLOSING,
 * LAST-ACK (and TIME-WAIT, which has no events); include/net/tcp_states.h numbers them.
 */
function unusualStates(format: TraceFormat): string {
  const from = [1, 2, 3, 4, 8, 10].map((state) => `oldstate == ${state}`).join(' || ')
  const states = `newstate == 10 || (newstate == 7 && (${from}))`
  return has(format, 'protocol') ? `protocol == 6 && (${states})` : states
}

/** Names of enum skb_drop_reason that say something about a connection. NOT_SPECIFIED, QUEUE_PURGE and others are everyday. */
const DROPS = [
  'TCP_LISTEN_OVERFLOW',
  'NO_SOCKET',
  'TCP_CSUM',
  'NETFILTER_DROP',
  'BPF_CGROUP_EGRESS',
  'SOCKET_FILTER',
  'SOCKET_RCVBUFF',
  'SOCKET_BACKLOG',
  'PROTO_MEM',
  'CPU_BACKLOG',
  'FULL_RING',
  'NOMEM',
  'XDP',
  'TC_INGRESS',
  'TC_EGRESS',
  'QDISC_DROP',
  'IP_RPFILTER',
  'IP_INNOROUTES',
  'IP_OUTNOROUTES',
  'NEIGH_FAILED',
  'NEIGH_QUEUEFULL',
  'PKT_TOO_BIG',
  'TCP_MD5NOTFOUND',
  'TCP_MD5UNEXPECTED',
  'TCP_MD5FAILURE',
  'TCP_FLAGS',
  'TCP_ABORT_ON_DATA',
  'TCP_RFC7323_PAWS',
  'TCP_RFC7323_TW_PAWS',
  'TCP_INVALID_SYN',
  'TCP_MINTTL',
  'TCP_OFO_DROP',
  'TCP_ZEROWINDOW',
]

function dropsOfInterest(format: TraceFormat): string | 'cannot' {
  const numbers = [...(format.symbols.get('reason') ?? [])]
    .filter(([, name]) => DROPS.includes(name))
    .map(([number]) => number)
  if (numbers.length === 0) return 'cannot'
  // ETH_P_IP and ETH_P_IPV6, as the host has them.
  return `(protocol == 2048 || protocol == 34525) && (${numbers.map((n) => `reason == ${n}`).join(' || ')})`
}

function has(format: TraceFormat, field: string): boolean {
  return format.fields.some(({ name }) => name === field)
}

const RAW = 'raw_syscalls/sys_exit'

export type SocketCall = 'accept' | 'connect' | 'socket'

/** arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (arm64, riscv64, loong64). */
const CALLS: Record<string, Readonly<Record<number, SocketCall>>> = {
  x64: { 41: 'socket', 42: 'connect', 43: 'accept', 288: 'accept' },
  arm64: { 198: 'socket', 202: 'accept', 203: 'connect', 242: 'accept' },
}

export function socketCall(arch: string, number: number): SocketCall | null {
  return CALLS[arch]?.[number] ?? null
}

/** Where the kernel was built without an event for each call: the one for all of them. */
function rawCalls(from: PlanFrom, events: readonly WatchedEvent[]): WatchedEvent | null {
  const numbers = Object.keys(CALLS[from.arch] ?? {})
  const read = formatOf(from, RAW)
  if (read === null || numbers.length === 0) return null
  if (events.some(({ event }) => event.startsWith('syscalls/'))) return null
  const calls = numbers.map((number) => `id == ${number}`).join(' || ')
  const errors = ([...NO_DESCRIPTOR, 'EADDRNOTAVAIL'] as const)
    .map((name) => `ret == -${errnoNumber(name)}`)
    .join(' || ')
  const filter = `(${calls}) && (${errors})`
  return { event: RAW, ...read, filter, adds: 'failed-calls' }
}
