import type { CauseId } from '../causes/ids.ts'
import type { EventsFacts } from '../host/events.ts'
import type { Accused } from './kernel-agreement.ts'
import type { DropAgreement } from './report.ts'
import type { WireFrame } from './stage/wire-frames.ts'

const FILTERED: readonly string[] = ['NETFILTER_DROP']
const LATE: readonly string[] = ['NO_SOCKET', 'TCP_ABORT_ON_DATA']
const UNKNOWN: readonly string[] = ['NO_SOCKET', 'TCP_FLAGS']

/**
 * For what a kernel must have dropped packets of these connections, where a cause is true. Causes that are not here mean no dropped
 * packet, or one that Linux drops without telling: a SYN that finds the accept queue full is consumed (tcp_rcv_state_process),
 * only counted (ListenOverflows).
 * @see Linux include/net/dropreason-core.h
 */
const REASONS: { readonly [C in CauseId]?: readonly string[] } = {
  'connect-filtered': [...FILTERED, 'IP_RPFILTER', 'BPF_CGROUP_EGRESS', 'XDP', 'TC_INGRESS'],
  'conntrack-invalid': [...FILTERED, ...LATE],
  'conntrack-table-full': FILTERED,
  'data-after-close': LATE,
  'firewall-reject': FILTERED,
  'host-unreachable': ['NEIGH_FAILED', 'IP_INNOROUTES', 'IP_OUTNOROUTES'],
  'keep-alive-race': LATE,
  'memory-pressure': ['PROTO_MEM', 'NOMEM', 'SOCKET_RCVBUFF', 'TCP_OFO_DROP'],
  'packet-loss': [...FILTERED, 'QDISC_DROP', 'FULL_RING', 'CPU_BACKLOG', 'SOCKET_BACKLOG'],
  'path-mtu-black-hole': ['PKT_TOO_BIG', ...FILTERED],
  'peer-restarted': UNKNOWN,
  'port-closed': ['NO_SOCKET'],
  'time-wait-collision': ['TCP_RFC7323_TW_PAWS', 'TCP_RFC7323_PAWS'],
  'wrong-host': UNKNOWN,
}

const OF_VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'accept-queue-overflow/ack-dropped': ['TCP_LISTEN_OVERFLOW'],
  'accept-queue-overflow/reset': ['TCP_LISTEN_OVERFLOW'],
  'middlebox-idle-timeout/drop': FILTERED,
  'middlebox-idle-timeout/nat-state-lost': UNKNOWN,
}

/** A frame in a capture and the drop of it: how far their times are apart at most. */
const NEAR_MS = 5

/** Whether there is anything to compare: only then must the captures be read once more. */
export function meansDrops({ cause, variant }: Accused): boolean {
  return reasonsOf(cause, variant) !== null
}

function reasonsOf(cause: CauseId, variant: string | undefined): readonly string[] | null {
  return OF_VARIANTS[`${cause}/${variant}`] ?? REASONS[cause] ?? null
}

/**
 * Whether the kernel told (skb:kfree_skb) of drops, for reasons that the conclusion means, when packets of the accused connections passed.
 * The event names no address and no namespace, so reasons that do not fit, of whatever else was dropped on this machine in the
 * same milliseconds, prove nothing: none is called a disagreement.
 */
export function dropAgreement(
  accused: Accused | null,
  frames: readonly WireFrame[],
  events: EventsFacts | null,
): DropAgreement {
  const none = { fitting: 0, of: 0, reasons: {} }
  const expected = accused === null ? null : reasonsOf(accused.cause, accused.variant)
  if (accused === null || expected === null) return { is: 'no-claim', ...none }
  if (events === null || events.fromNs === null || events.realtimeOffsetNs === null) {
    return { is: 'not-watched', ...none }
  }
  if (!events.dropReasons) return { is: 'no-tracepoint', ...none }
  const drops = dropsOf(events, events.realtimeOffsetNs, expected)
  const reasons: Record<string, number> = {}
  let fitting = 0
  const framesOf = byConnection(accused, frames)
  for (const times of framesOf.values()) {
    const told = [...drops].filter(([, at]) => times.some((t) => isNear(at, t)))
    for (const [reason] of told) reasons[reason] = (reasons[reason] ?? 0) + 1
    if (told.length > 0) fitting++
  }
  // Some events were overwritten before they were read: what is not told may be among those.
  if (fitting === 0 && events.lost > 0) return { is: 'not-watched', ...none }
  const of = framesOf.size
  const is = fitting * 2 >= of && of > 0 ? 'agrees' : fitting > 0 ? 'some' : 'not-told'
  return { is, fitting, of, reasons }
}

/** Times of drops by reason, for those reasons, epoch milliseconds in order. */
function dropsOf(
  { events }: EventsFacts,
  offsetNs: bigint,
  expected: readonly string[],
): Map<string, number[]> {
  const drops = new Map<string, number[]>()
  for (const { kind, reason, timeNs } of events) {
    if (kind !== 'drop' || reason === null || !expected.includes(reason)) continue
    const atMs = Number((timeNs + offsetNs) / 1000n) / 1000
    const times = drops.get(reason)
    if (times === undefined) drops.set(reason, [atMs])
    else times.push(atMs)
  }
  for (const times of drops.values()) times.sort((a, b) => a - b)
  return drops
}

function byConnection(
  { connections }: Accused,
  frames: readonly WireFrame[],
): Map<string, number[]> {
  const times = new Map<string, number[]>()
  for (const { client, server } of connections) times.set(pair(client, server), [])
  for (const { from, to, atMs } of frames) times.get(pair(from, to))?.push(atMs)
  return times
}

function pair(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}

/** Whether one of the sorted times is within 5 ms. */
function isNear(sorted: readonly number[], atMs: number): boolean {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (sorted[mid]! < atMs - NEAR_MS) low = mid + 1
    else high = mid
  }
  return low < sorted.length && sorted[low]! <= atMs + NEAR_MS
}
