// Linux 6.18: every place that sends a RST, verified one by one (project reference "Every RST path", rows A1 to B7), and what
// tells those apart to which the kernel gives one reason. Sources: net/ipv4/tcp_ipv4.c tcp_v4_send_reset, net/ipv4/tcp.c
// tcp_disconnect and __tcp_close, net/ipv4/tcp_minisocks.c tcp_check_req, net/ipv4/tcp_timer.c.
import type { EventGroup, EventsFacts, KernelEvent } from './events.ts'
import type { TcpState } from './kernel/tcp-states.ts'

/** Why this host's TCP stack sent a RST. */
export type ResetCause =
  /** A1: a SYN to a port on which nothing listens. */
  | 'syn-to-closed-port'
  /** A2: a segment of a connection that this host does not know, and nothing listens on its port. */
  | 'unknown-connection'
  /** A3: an acknowledgement that reaches a listener: of a connection that this host knows no more, or never finished. */
  | 'unknown-connection-at-listener'
  /** A4: data for a connection that this host closed a while ago. */
  | 'data-after-full-close'
  /** A5: new data for a connection that this host's program closed or shut down. */
  | 'data-after-close'
  /** A6: the accept queue was full and net.ipv4.tcp_abort_on_overflow is 1. */
  | 'accept-queue-overflow'
  /** A6: a second SYN for a handshake under way. */
  | 'syn-in-handshake'
  /** A7: an answer to a SYN that belongs to another, older connection. */
  | 'answer-of-old-connection'
  /** A8: an answer to a SYN with a timestamp that was never sent. */
  | 'answer-with-wrong-timestamp'
  /** A9: an acknowledgement in a handshake that fits nothing. */
  | 'bad-ack-in-handshake'
  /** B1: closed with octets that were not read. */
  | 'close-with-unread-data'
  /** B2: closed with SO_LINGER and 0 s. connect() with AF_UNSPEC on a connection, which hardly anybody does, shows the same. */
  | 'linger-zero'
  /** B2': the listener was closed, and this connection waited in its accept queue. */
  | 'listener-closed'
  /** B2'': ss -K, SOCK_DESTROY, bpf_sock_destroy. */
  | 'killed-by-administrator'
  /** B3: a program disconnects while data are unsent. */
  | 'linger-zero-with-unsent-data'
  /** B4: closed in FIN-WAIT-2 with a negative TCP_LINGER2. */
  | 'linger2-negative'
  /** B5: too many orphans, or no memory for TCP. */
  | 'out-of-memory'
  /** B6 */
  | 'keepalive-timeout'
  /** B7: nobody owns the connection any more, and its peer did not close within tcp_fin_timeout. */
  | 'fin-wait-2-timeout'

/** What would tell the causes apart that are left. */
export type ResetDecider =
  | 'packet'
  | 'client-error'
  | 'abort-on-overflow'
  | 'listen-overflows'
  | 'listener-state'
  | 'owner-of-socket'
  | 'kernel-reason'
  | 'syncookies-failed'

export interface ResetStory {
  /** What it can have been, the likeliest first. One: nothing else fits. None: the kernel gives a reason that says nothing. */
  causes: readonly ResetCause[]
  /** What would decide, where more than one is left. */
  decides: readonly ResetDecider[]
  /** Who did it, where a process did. null: the peer's packet or a timer caused it, or the kernel does not tell. */
  culprit: { pid: number; command: string | null; dying: boolean } | null
}

/** What else is known of that time. null: not known. */
export interface ResetContext {
  events: EventsFacts
  /** net.ipv4.tcp_abort_on_overflow of that namespace. */
  abortOnOverflow: boolean | null
  /** How much TcpExtListenOverflows rose meanwhile. */
  listenOverflows: number | null
}

interface Rule {
  cause: ResetCause
  /** The kernel's reasons. */
  reasons: readonly string[]
  /** Whether a packet is answered. */
  answers: boolean
  /** Whether a process did it, which is seen where it was not an interrupt. null: both happen. */
  byProcess: boolean | null
  /** As the event shows it, null being none. undefined: any. */
  states?: readonly (TcpState | null)[]
  /** Beside what the event itself says. */
  fits?: (event: KernelEvent, context: ResetContext) => Fit
}

/** 'decides': it was this and nothing else. A decider: cannot be told without it. */
type Fit = 'decides' | 'no' | 'yes' | ResetDecider

const RULES: readonly Rule[] = [
  {
    cause: 'syn-to-closed-port',
    reasons: ['NO_SOCKET'],
    answers: true,
    byProcess: false,
    states: [null],
    fits: wasRefused,
  },
  {
    cause: 'unknown-connection',
    reasons: ['NO_SOCKET'],
    answers: true,
    byProcess: false,
    states: [null],
    fits: wasKnownToPeer,
  },
  {
    cause: 'unknown-connection-at-listener',
    reasons: ['TCP_FLAGS'],
    answers: true,
    byProcess: false,
    states: ['LISTEN'],
  },
  {
    cause: 'data-after-full-close',
    reasons: ['TCP_TIMEWAIT_SOCKET'],
    answers: true,
    byProcess: false,
    states: ['TIME-WAIT'],
  },
  {
    cause: 'data-after-close',
    reasons: ['TCP_ABORT_ON_DATA'],
    answers: true,
    byProcess: null, // in a process' context where the segment waited for it (the socket's backlog)
    states: ['CLOSED', 'FIN-WAIT-1', 'FIN-WAIT-2'],
  },
  {
    cause: 'accept-queue-overflow',
    reasons: ['INVALID_SYN'],
    answers: true,
    byProcess: false,
    states: ['LISTEN'],
    fits: overflowed,
  },
  {
    cause: 'syn-in-handshake',
    reasons: ['INVALID_SYN'],
    answers: true,
    byProcess: false,
    states: ['LISTEN'],
    fits: didNotOverflow,
  },
  {
    cause: 'answer-of-old-connection',
    reasons: ['TCP_INVALID_ACK_SEQUENCE'],
    answers: true,
    byProcess: null, // connect() holds the socket: an answer that comes meanwhile waits for it (the socket's backlog)
    states: ['SYN-SENT'],
  },
  {
    cause: 'answer-with-wrong-timestamp',
    reasons: ['TCP_RFC7323_PAWS'],
    answers: true,
    byProcess: null, // connect() holds the socket: an answer that comes meanwhile waits for it (the socket's backlog)
    states: ['SYN-SENT'],
  },
  {
    cause: 'bad-ack-in-handshake',
    reasons: ['TCP_TOO_OLD_ACK', 'TCP_ACK_UNSENT_DATA', 'TCP_OLD_ACK'],
    answers: true,
    byProcess: false,
    states: ['SYN-RECEIVED'],
  },
  {
    cause: 'close-with-unread-data',
    reasons: ['TCP_ABORT_ON_CLOSE'],
    answers: false,
    byProcess: true,
    states: ['CLOSED'],
  },
  {
    cause: 'listener-closed',
    reasons: ['TCP_STATE'],
    answers: false,
    byProcess: true,
    states: ['CLOSED'],
    fits: listenerClosed,
  },
  {
    cause: 'linger-zero',
    reasons: ['TCP_STATE'],
    answers: false,
    byProcess: true,
    states: ['CLOSED'],
  },
  {
    cause: 'killed-by-administrator',
    reasons: ['TCP_STATE'],
    answers: false,
    byProcess: true,
    // tcp_abort() sends before it closes.
    states: ['ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1', 'FIN-WAIT-2', 'SYN-RECEIVED'],
  },
  {
    cause: 'linger-zero-with-unsent-data',
    reasons: ['TCP_DISCONNECT_WITH_DATA'],
    answers: false,
    byProcess: true,
    states: ['CLOSED'],
  },
  {
    cause: 'linger2-negative',
    reasons: ['TCP_ABORT_ON_LINGER'],
    answers: false,
    byProcess: true,
    states: ['CLOSED'],
  },
  {
    cause: 'keepalive-timeout',
    reasons: ['TCP_KEEPALIVE_TIMEOUT'],
    answers: false,
    byProcess: false,
    states: ['ESTABLISHED', 'CLOSE-WAIT'],
  },
  {
    cause: 'fin-wait-2-timeout',
    reasons: ['TCP_STATE'],
    answers: false,
    byProcess: false,
    states: ['FIN-WAIT-2', 'CLOSED'],
  },
  {
    cause: 'out-of-memory',
    reasons: ['TCP_ABORT_ON_MEMORY'],
    answers: false,
    byProcess: null, // at close(), or when an orphan's timer runs out
  },
]

/**
 * What one 'reset-sent' means. Where the kernel does not tell reasons, or not for this one, what it answers, in which state and
 * in whose context still leaves only some causes.
 */
export function resetStory(event: KernelEvent, context: ResetContext): ResetStory {
  const told = tellsReason(event)
  const fitting = RULES.filter((rule) => fitsEvent(rule, event, told)).map((rule) => ({
    cause: rule.cause,
    fit: rule.fits?.(event, context) ?? 'yes',
  }))
  const decided = fitting.filter(({ fit }) => fit === 'decides')
  const left = decided.length > 0 ? decided : fitting.filter(({ fit }) => fit !== 'no')
  const causes = left.map(({ cause }) => cause)
  return { causes, decides: decidersOf(event, left, told), culprit: culpritOf(event) }
}

/** Active resets have NOT_SPECIFIED in 6.10 and 6.11. */
function tellsReason({ reason }: KernelEvent): boolean {
  return reason !== null && reason !== 'NOT_SPECIFIED'
}

function fitsEvent(rule: Rule, event: KernelEvent, told: boolean): boolean {
  if (told && !rule.reasons.includes(event.reason!)) return false
  if (event.answers !== null && event.answers !== rule.answers) return false
  const byProcess = event.pid !== null
  if (rule.byProcess !== null && rule.byProcess !== byProcess) return false
  return rule.states === undefined || fitsState(rule.states, event)
}

/** Before 4.20 the event has a socket, and does not tell its state. */
function fitsState(states: readonly (TcpState | null)[], { state, socket }: KernelEvent): boolean {
  if (state === null && socket !== null) return !states.includes(null)
  return states.includes(state)
}

function decidersOf(
  event: KernelEvent,
  left: readonly { cause: ResetCause; fit: Fit }[],
  told: boolean,
): ResetDecider[] {
  const deciders = new Set<ResetDecider>()
  for (const { fit } of left) {
    if (fit !== 'yes' && fit !== 'no' && fit !== 'decides' && left.length > 1) deciders.add(fit)
  }
  if (left.length > 1 && !told) deciders.add('kernel-reason')
  // One row of several histories: a restart, an overflow that came to an end, a changed address, a bad cookie.
  if (event.state === 'LISTEN' && left[0]?.cause === 'unknown-connection-at-listener') {
    deciders.add('listen-overflows').add('syncookies-failed').add('packet')
  }
  return [...deciders]
}

function culpritOf({ pid, command, dying, answers }: KernelEvent): ResetStory['culprit'] {
  return pid === null || answers === true ? null : { pid, command, dying }
}

// ---- what decides ----------------------------------------------------------------------------------------------

const SOON_NS = 1_000_000_000n
/** 4,096 connections of a queue are reset in less. */
const LISTENER_NS = 100_000_000n

/** The client is on this host: its socket says whether it was connecting. */
function wasRefused(event: KernelEvent, { events }: ResetContext): Fit {
  const client = clientOf(event, events)
  if (client === null) return 'client-error'
  return client === 'ECONNREFUSED' ? 'decides' : 'no'
}

function wasKnownToPeer(event: KernelEvent, { events }: ResetContext): Fit {
  const client = clientOf(event, events)
  if (client === null) return 'packet'
  return client === 'ECONNREFUSED' ? 'no' : 'decides'
}

/** The error that the reset gave to a socket of this host at its other end. */
function clientOf(event: KernelEvent, { events }: EventsFacts): string | null {
  const client = events.find(
    ({ kind, local, remote, timeNs }) =>
      kind === 'error' &&
      sameEnd(local, event.remote) &&
      sameEnd(remote, event.local) &&
      timeNs >= event.timeNs &&
      timeNs - event.timeNs < SOON_NS,
  )
  return client?.reason ?? null
}

function sameEnd(one: KernelEvent['local'], other: KernelEvent['local']): boolean {
  return one !== null && other !== null && one.port === other.port && one.address === other.address
}

/** A reset for a full accept queue needs the setting, and every one of them counts as an overflow. */
function overflowed(_: KernelEvent, { abortOnOverflow, listenOverflows }: ResetContext): Fit {
  if (abortOnOverflow === false || listenOverflows === 0) return 'no'
  if (abortOnOverflow === null) return 'abort-on-overflow'
  return listenOverflows === null ? 'listen-overflows' : 'yes'
}

/** With both given, a stray SYN in the same moment is not excluded, but nobody sees one who looks for years. */
function didNotOverflow(event: KernelEvent, context: ResetContext): Fit {
  const fit = overflowed(event, context)
  return fit === 'yes' ? 'no' : fit === 'no' ? 'yes' : 'packet'
}

/** The listener goes to CLOSE first, by the same task, and then each connection that waited. */
function listenerClosed(event: KernelEvent, { events }: ResetContext): Fit {
  const port = event.local?.port
  const closings = events.events.filter(
    ({ kind, from, local }) => kind === 'state' && from === 'LISTEN' && local?.port === port,
  )
  const closed = closings.some(
    ({ pid, timeNs }) =>
      pid === event.pid && timeNs <= event.timeNs && event.timeNs - timeNs < LISTENER_NS,
  )
  // A process that dies closes its accepted connections in the same moment, and those may have lingered 0 s.
  if (closed) return event.dying || !tellsReason(event) ? 'owner-of-socket' : 'decides'
  const unwatched = events.missing.some(({ adds }) => adds === 'states' || adds === 'everything')
  // Of many alike only the first are kept.
  const all = events.groups.filter((group) => isClosing(group, port))
  const unseen = all.reduce((sum, { count }) => sum + count, 0) > closings.length
  return unwatched || unseen || events.lost > 0 ? 'listener-state' : 'no'
}

function isClosing({ kind, service, reason }: EventGroup, port: number | undefined): boolean {
  return kind === 'state' && service?.port === port && reason === 'LISTEN > CLOSED'
}
