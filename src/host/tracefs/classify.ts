// Linux include/trace/events/{tcp,sock,skb,syscalls,sched}.h, v4.15 to v6.18.
import type { KernelEvent, KernelEventKind } from '../events.ts'
import type { Endpoint } from '../facts.ts'
import { errnoName } from '../kernel/errno.ts'
import { tcpState } from '../kernel/tcp-states.ts'
import { endpointOf, sockaddrOf, type TraceEvent } from './events.ts'
import { socketCall } from './watched.ts'

/** An event with its meaning, before it is joined to tasks and to other events. */
export interface Classified
  extends Pick<
    KernelEvent,
    | 'kind'
    | 'event'
    | 'timeNs'
    | 'local'
    | 'remote'
    | 'state'
    | 'from'
    | 'reason'
    | 'answers'
    | 'cookie'
  > {
  /** Of the thread that ran; null in an interrupt or its lower half. */
  tid: number | null
  /** struct sock's address in the kernel: joins events, and is told to nobody. 0: none. */
  sock: bigint
  /** sched_process_exit: the last thread of its process. */
  exitOf: { pid: number; command: string } | null
}

/** @returns null for an event that is none of ours, or lacks what makes it one */
export function classify(
  trace: TraceEvent,
  of: { event: string; littleEndian: boolean; arch: string },
): Classified | null {
  const kind = kindOf(trace, of)
  if (kind === null) return null
  return {
    kind,
    event: of.event,
    timeNs: trace.timeNs,
    tid: trace.softirq ? null : trace.pid,
    ...endsOf(trace, of.littleEndian),
    ...statesOf(trace),
    reason: reasonOf(trace, kind),
    // "skb is the one that caused the RST; of an active reset it is NULL" (tcp.h)
    answers: kind === 'reset-sent' ? bigintOf(trace, 'skbaddr') !== null : null,
    cookie: bigintOf(trace, 'sock_cookie'),
    sock: bigintOf(trace, 'skaddr') ?? bigintOf(trace, 'rx_sk') ?? 0n,
    exitOf: kind === 'process-exit' ? exitOf(trace) : null,
  }
}

const KINDS: Readonly<Record<string, KernelEventKind>> = {
  tcp_send_reset: 'reset-sent',
  tcp_receive_reset: 'reset-received',
  inet_sock_set_state: 'state',
  inet_sk_error_report: 'error',
  tcp_retransmit_skb: 'retransmit',
  tcp_retransmit_synack: 'retransmit-synack',
  kfree_skb: 'drop',
  sys_exit_accept: 'accept-failed',
  sys_exit_accept4: 'accept-failed',
  sys_exit_connect: 'connect-failed',
  sys_exit_socket: 'socket-failed',
  sched_process_exit: 'process-exit',
}

const CALL_KINDS = {
  accept: 'accept-failed',
  connect: 'connect-failed',
  socket: 'socket-failed',
} as const

function kindOf(trace: TraceEvent, of: { arch: string }): KernelEventKind | null {
  if (trace.name !== 'sys_exit') return KINDS[trace.name] ?? null
  const call = socketCall(of.arch, Number(trace.fields.get('id')))
  return call === null ? null : CALL_KINDS[call]
}

/** In all events the source is this host's end; tcp_send_reset turns round what a packet says, since 6.10 (its first with packets). */
function endsOf(
  trace: TraceEvent,
  littleEndian: boolean,
): { local: Endpoint | null; remote: Endpoint | null } {
  if (trace.fields.has('sport')) {
    return { local: known(endpointOf(trace, 's')), remote: known(endpointOf(trace, 'd')) }
  }
  const sockaddr = (name: string) => known(sockaddrOf(trace.fields.get(name), littleEndian))
  return { local: sockaddr('saddr'), remote: sockaddr('daddr') }
}

/** Nothing at all is a listener's peer. Mapped addresses are IPv4 on the wire. */
function known(end: Endpoint | null): Endpoint | null {
  if (end === null) return null
  const address = end.address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '')
  return end.port === 0 && /^[0.:]+$/.test(address) ? null : { address, port: end.port }
}

function statesOf(trace: TraceEvent): Pick<KernelEvent, 'state' | 'from'> {
  const at = (name: string) => {
    const number = trace.fields.get(name)
    return typeof number === 'number' ? tcpState(number) : null
  }
  if (trace.fields.has('newstate')) return { state: at('newstate'), from: at('oldstate') }
  return { state: at('state'), from: null }
}

function reasonOf(trace: TraceEvent, kind: KernelEventKind): string | null {
  const named = trace.names.get('reason')
  if (named !== undefined) return named
  const reason = trace.fields.get('reason')
  if (typeof reason === 'number') return String(reason)
  const number = trace.fields.get(kind === 'error' ? 'error' : 'ret')
  return number === undefined ? null : errnoName(Number(number))
}

function bigintOf(trace: TraceEvent, field: string): bigint | null {
  const value = trace.fields.get(field)
  if (typeof value === 'bigint') return value === 0n ? null : value
  return typeof value === 'number' && value !== 0 ? BigInt(value) : null
}

/** Threads that are not the last one of their process end without closing anything. */
function exitOf(trace: TraceEvent): Classified['exitOf'] {
  const command = trace.fields.get('comm')
  return { pid: trace.pid, command: typeof command === 'string' ? command : '' }
}
