import { atLeast, type KernelVersion, parseKernelVersion } from './kernel-version.ts'

/** What decides how long the two queues of a listener may grow. */
export interface QueueSettings {
  /** Argument of listen(), a C int. */
  backlog: number
  somaxconn: number
  tcp_max_syn_backlog: number
  tcp_syncookies: number
}

/**
 * What holds a limit down: a setting, the kernel's own least size of 8 (before 4.4), or the 16 bits of its field (before 4.1).
 */
export type QueueBinding =
  | 'backlog'
  | 'somaxconn'
  | 'tcp_max_syn_backlog'
  | 'minimum-8'
  | 'sixteen-bits'

/** Why a limit cannot be told; docs/queue.md. */
export type QueueUnknown =
  | 'kernel-not-understood'
  | 'kernel-too-old'
  | 'kernel-too-new'
  | 'patch-not-told'
  | 'fix-perhaps-backported'

export interface QueueLimit {
  /** How many fit; null: cannot tell, see `unknown`. */
  limit: number | null
  /** Where only the bounds are known. */
  between?: { min: number; max: number }
  unknown?: QueueUnknown
  /** All that must be raised, together, for a higher limit. Empty when nothing can be told. */
  binding: QueueBinding[]
}

export interface AcceptQueue extends QueueLimit {
  /** What a SYN meets while the queue is full. */
  whenFull: 'syn-dropped' | 'syn-dropped-if-two-young' | 'unknown'
}

export interface SynQueue extends QueueLimit {
  /** A hash table made at listen() (2.6.20 to 4.3), or the backlog itself (from 4.4); absent when not known. */
  formula?: 'table' | 'backlog'
  whenFull: 'syn-cookies' | 'syn-dropped' | 'unknown'
  /** tcp_syncookies is 2: every SYN is answered with a cookie, and none waits in this queue. */
  unused?: true
  /** A smaller limit for peers that no earlier connection (tcp_metrics) has proven; only where it is smaller. */
  unproven?: { limit: number; binding: ['tcp_max_syn_backlog'] }
}

export interface QueueLimits {
  acceptQueue: AcceptQueue
  synQueue: SynQueue
}

/** The first and the last kernel whose formulas are known; source read up to 7.2.13, measured on 6.18. */
const FIRST = [2, 6, 20] as const
const AFTER_LAST = [7, 3] as const

/**
 * How many connections and handshakes fit, in a kernel of this release.
 * @see Linux net/ipv4/af_inet.c inet_listen · net/ipv4/tcp_input.c tcp_conn_request · include/net/sock.h sk_acceptq_is_full
 */
export function queueLimits(release: string, settings: QueueSettings): QueueLimits {
  const kernel = parseKernelVersion(release)
  if (kernel === null) return unknownLimits('kernel-not-understood')
  if (!atLeast(kernel, FIRST)) return unknownLimits('kernel-too-old')
  if (atLeast(kernel, AFTER_LAST)) return unknownLimits('kernel-too-new')
  return { acceptQueue: acceptQueue(kernel, settings), synQueue: synQueue(kernel, settings) }
}

function unknownLimits(unknown: QueueUnknown): QueueLimits {
  const nothing = { limit: null, unknown, binding: [], whenFull: 'unknown' } as const
  return { acceptQueue: { ...nothing, binding: [] }, synQueue: { ...nothing, binding: [] } }
}

/** __sys_listen compares as unsigned: a negative backlog is a huge one, and both become somaxconn. */
export function effectiveBacklog({ backlog, somaxconn }: QueueSettings): number {
  return backlog < 0 || backlog > somaxconn ? somaxconn : backlog
}

function backlogBinding(settings: QueueSettings): QueueBinding[] {
  const { backlog, somaxconn } = settings
  if (backlog === somaxconn) return ['backlog', 'somaxconn']
  return effectiveBacklog(settings) === backlog ? ['backlog'] : ['somaxconn']
}

function acceptQueue(kernel: KernelVersion, settings: QueueSettings): AcceptQueue {
  const backlog = effectiveBacklog(settings)
  // 5ea8ea2cb7f1 "tcp: drop SYN packets if accept queue is full", 4.10.
  const whenFull = atLeast(kernel, [4, 10]) ? 'syn-dropped' : 'syn-dropped-if-two-young'
  // sk_max_ack_backlog was an unsigned short until becb74f0acca (March 2015, 4.1).
  const kept = atLeast(kernel, [4, 1]) ? backlog : backlog & 0xffff
  const binding: QueueBinding[] = kept === backlog ? backlogBinding(settings) : ['sixteen-bits']
  // sk_acceptq_is_full: sk_ack_backlog > sk_max_ack_backlog, so one more than the backlog fits.
  return { limit: kept + 1, binding, whenFull }
}

function synQueue(kernel: KernelVersion, settings: QueueSettings): SynQueue {
  const size = synSize(kernel, settings)
  const { tcp_syncookies: cookies } = settings
  if (cookies >= 2) return { ...size, whenFull: 'syn-cookies', unused: true }
  if (cookies === 1) return { ...size, whenFull: 'syn-cookies' }
  const unproven = unprovenLimit(settings.tcp_max_syn_backlog)
  const most = size.limit ?? size.between?.max ?? 0
  const smaller = { limit: unproven, binding: ['tcp_max_syn_backlog'] as ['tcp_max_syn_backlog'] }
  return { ...size, whenFull: 'syn-dropped', ...(unproven < most ? { unproven: smaller } : {}) }
}

type SynSize = QueueLimit & { formula: 'table' | 'backlog' }

function synSize(kernel: KernelVersion, settings: QueueSettings): SynSize {
  // ef547f2ac16b "tcp: remove max_qlen_log", 4.4.
  if (atLeast(kernel, [4, 4])) return { ...sizeByBacklog(kernel, settings), formula: 'backlog' }
  return { ...sizeByTable(settings), formula: 'table' }
}

/** tcp_conn_request drops when max_syn_backlog - qlen < max_syn_backlog >> 2; the request that is tested is not yet in qlen. */
function unprovenLimit(maxSynBacklog: number): number {
  return maxSynBacklog - Math.floor(maxSynBacklog / 4) + 1
}

const LEAST = 8

/** Up to 4.3: a hash table made at listen(). @see Linux 3.10 net/core/request_sock.c reqsk_queue_alloc */
function sizeByTable(settings: QueueSettings): QueueLimit {
  const backlog = effectiveBacklog(settings)
  const least = Math.min(backlog, settings.tcp_max_syn_backlog)
  return {
    limit: 2 ** Math.ceil(Math.log2(Math.max(least, LEAST) + 1)),
    binding: least < LEAST ? ['minimum-8'] : tableBinding(settings, least),
  }
}

function tableBinding(settings: QueueSettings, least: number): QueueBinding[] {
  const ofBacklog = effectiveBacklog(settings) === least ? backlogBinding(settings) : []
  return settings.tcp_max_syn_backlog === least ? [...ofBacklog, 'tcp_max_syn_backlog'] : ofBacklog
}

/** From 4.4: no table; the queue is full at the backlog, and with the fix of January 2025 one later. */
function sizeByBacklog(kernel: KernelVersion, settings: QueueSettings): QueueLimit {
  const backlog = effectiveBacklog(settings)
  const binding = backlogBinding(settings)
  const fixed = hasOneMore(kernel)
  if (fixed === 'yes') return { limit: backlog + 1, binding }
  if (fixed === 'no') return { limit: backlog, binding }
  return { limit: null, between: { min: backlog, max: backlog + 1 }, unknown: fixed, binding }
}

/**
 * 3479c7549fb1 "tcp/dccp: allow a connection when sk_max_ack_backlog is zero" made >= into > in
 * inet_csk_reqsk_queue_is_full: in 6.13 (the networking fixes of its -rc7) and in these of the stable series.
 */
const FIXED_IN = [
  [5, 4, 290],
  [5, 10, 234],
  [5, 15, 177],
  [6, 1, 125],
  [6, 6, 72],
  [6, 12, 10],
] as const

function hasOneMore(kernel: KernelVersion): 'yes' | 'no' | QueueUnknown {
  const [major, minor, patch] = kernel.numbers
  if (kernel.candidate && major === 6 && minor === 13) return 'patch-not-told'
  if (atLeast(kernel, [6, 13])) return 'yes'
  const series = FIXED_IN.find((fixed) => fixed[0] === major && fixed[1] === minor)
  if (series !== undefined && patch !== null && patch >= series[2]) return 'yes'
  // Distributions keep the number of a release and add later fixes to it.
  if (!kernel.plain) return 'fix-perhaps-backported'
  return series !== undefined && patch === null ? 'patch-not-told' : 'no'
}
