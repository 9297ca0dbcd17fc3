import type { CauseId } from '../../../causes/ids.ts'
import type { StepKind } from '../steps.ts'

/**
 * What ended or held the connection on the wire, as far as the line proves it:
 * `syn-rst` RST to a SYN; `none` no packet was sent at all; `message` the protocol said it; `any` the line does not tell.
 */
export type Wire =
  | 'rst'
  | 'fin'
  | 'fin-then-rst'
  | 'syn-rst'
  | 'silence'
  | 'icmp'
  | 'none'
  | 'message'
  | 'any'

export interface ErrorPattern {
  /** Stable name, `<from>-<what>`; in --json output. */
  id: string
  /** Whose words these are, for people: "Go", "nginx". */
  from: string
  /** Applied to one line of at most MAX_LINE characters; no nested repetition, so matching is linear in practice. */
  match: RegExp
  wire: Wire
  /** What was on the wire, in a sentence or two. */
  seen: string
  /** In the order to check: what is usual and quickly ruled out comes first. */
  causes: readonly CauseId[]
  next: readonly StepKind[]
  /** Ids of patterns that this one explains better when both match. */
  hides?: readonly string[]
  /** 0 (default): names what happened. 1: an errno by itself. 2: only says that something failed; others come first. */
  rank?: 1 | 2
}

/** Sentences used by several languages for the same thing on the wire. */
export const onTheWire = {
  rst:
    "A RST arrived on an established connection before the peer's FIN had been processed " +
    '(ECONNRESET). Who sent it, the error does not say: peer, its kernel, or a middlebox.',
  epipe:
    'This side wrote to a connection whose end it had already been told of: the FIN had arrived ' +
    '(CLOSE-WAIT, then RST), or an earlier RST had been reported. EPIPE, not ECONNRESET.',
  refused: 'The SYN was answered by a RST (or ICMP port unreachable), within one round trip.',
  fin: 'The peer closed with FIN before it sent an answer. No RST was needed for this message.',
  finMidBody: 'The peer closed with FIN in the middle of the answer: fewer octets than announced.',
  silence: 'Nothing that ended the wait: the connection was up, the answer did not come in time.',
  connectSilence: 'SYNs went out and no SYN-ACK, RST or ICMP came back before the time was up.',
  timedOut:
    'Either the SYNs, or data on an established connection, were retransmitted without an answer, ' +
    'or keepalive probes were. Linux sends no RST when retransmissions run out.',
  unreachable: 'ICMP host unreachable (or prohibited) came back, or ARP had no answer.',
  noPort: 'Nothing: no local port was free for this destination, so no SYN was sent.',
  noDescriptor:
    'Handshakes go on: the kernel completes them and acknowledges requests, but the process cannot ' +
    'accept. No RST by itself; Node accepts and closes at once.',
} as const

export const resetCauses: readonly CauseId[] = [
  'close-with-unread-data',
  'middlebox-idle-timeout',
  'keep-alive-race',
  'process-killed',
  'peer-restarted',
  'linger-zero',
  'accept-and-close',
  'listener-closed',
  'injected-reset',
]
export const finCauses: readonly CauseId[] = [
  'keep-alive-race',
  'server-idle-timeout',
  'data-after-close',
  'process-killed',
  'accept-and-close',
]
export const pipeCauses: readonly CauseId[] = [
  'client-timeout',
  'client-cancelled',
  'data-after-close',
  'server-idle-timeout',
  'process-killed',
]
export const slowCauses: readonly CauseId[] = [
  'server-stalled',
  'client-timeout',
  'pool-starvation',
  'open-transaction',
  'path-lost',
  'middlebox-idle-timeout',
]
export const connectCauses: readonly CauseId[] = [
  'connect-filtered',
  'accept-queue-overflow',
  'asymmetric-path',
  'syn-queue-overflow',
  'conntrack-table-full',
  'packet-loss',
]
export const refusedCauses: readonly CauseId[] = [
  'port-closed',
  'firewall-reject',
  'listener-closed',
]
export const lostCauses: readonly CauseId[] = [
  'connect-filtered',
  'path-lost',
  'accept-queue-overflow',
  'keepalive-timeout',
  'middlebox-idle-timeout',
]
export const cutBodyCauses: readonly CauseId[] = [
  'process-killed',
  'client-timeout',
  'server-idle-timeout',
  'close-with-unread-data',
]
export const descriptorCauses: readonly CauseId[] = [
  'descriptor-exhaustion',
  'pool-starvation',
  'close-wait-leak',
  'accept-and-close',
]
