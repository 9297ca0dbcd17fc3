import type { Endpoint } from './facts.ts'
import type { TcpState } from './kernel/tcp-states.ts'

/** What the kernel told while somebody watched (src/app/kernel-events.ts), or what a recording of that holds. */

export type KernelEventKind =
  /** The TCP stack of this host sends a RST. Those of firewalls are not its own, and nobody tells of them. */
  | 'reset-sent'
  /** A socket of this host ends by a RST. Told for some resets that this host itself sends too (data after close). */
  | 'reset-received'
  /** A socket ends otherwise than by a finished exchange of FINs, or begins or ceases to listen. */
  | 'state'
  /** A socket has an error for its application: reason is ETIMEDOUT, ECONNRESET, ... */
  | 'error'
  | 'retransmit'
  | 'retransmit-synack'
  /** A packet is dropped. The kernel tells no address; `local` is there when its socket was seen otherwise. */
  | 'drop'
  /** accept() or accept4(), connect(), socket() failed: reason is EMFILE, ENFILE, EADDRNOTAVAIL, ... No address is told. */
  | 'accept-failed'
  | 'connect-failed'
  | 'socket-failed'
  /** Told only of processes that did something to a connection while they ended. */
  | 'process-exit'

/** One event, decoded and classified. */
export interface KernelEvent {
  kind: KernelEventKind
  /** As under events/: "tcp/tcp_send_reset". */
  event: string
  /** Nanoseconds of the recording's clock: CLOCK_MONOTONIC where it could be had. */
  timeNs: bigint
  /**
   * The process that did it; the thread where the process could not be found any more. null in an interrupt or its lower half:
   * who ran then was only interrupted.
   */
  pid: number | null
  /** /proc/PID/comm, 15 octets at most. */
  command: string | null
  /** This host's end. Port 0 or an address of zeros where the kernel prints a listener's. */
  local: Endpoint | null
  remote: Endpoint | null
  /**
   * null: no socket, or the event does not tell. For 'state', the new one. For 'reset-received', the one that the reset ended, as
   * far as the next event of the socket tells; see `afterFin`.
   */
  state: TcpState | null
  /** For 'state', the one before. */
  from: TcpState | null
  /** The kernel's own spelling: 'TCP_ABORT_ON_CLOSE', 'TCP_LISTEN_OVERFLOW'; for errors and calls errno's, 'EMFILE'. */
  reason: string | null
  /** For 'reset-sent': a packet is answered. Else the reset comes of itself (close, timer). null: another kind. */
  answers: boolean | null
  /** Joins to DiagSocket.cookie. */
  cookie: bigint | null
  /**
   * For 'reset-received': it came in FIN-WAIT-2, CLOSING or LAST-ACK, so this end had sent its FIN before, and that was acknowledged
   * or the other's had come. false: in `state`. null: cannot tell, or another kind.
   */
  afterFin: boolean | null
  /** The same number in several events: the same socket of the kernel, as long as it lived. Nothing outside this recording. */
  socket: number | null
  /** Of the task's process: it was ending (killed, crashed or exited) when it did this. */
  dying: boolean
}

/** Events alike: one kind and reason, one service. */
export interface EventGroup {
  kind: KernelEventKind
  reason: string | null
  /** The end with the lower port, most likely the service; null when no address is told. */
  service: Endpoint | null
  /** Which end of the connection that is. */
  side: 'local' | 'remote' | null
  /** For calls that failed: whose, as KernelEvent.pid; each process has a group of its own. */
  pid: number | null
  count: number
  firstNs: bigint
  lastNs: bigint
}

/** How many handshakes ended at this host's listeners, by their own address and port. */
export interface EstablishedFacts {
  /**
   * Counted from EventsFacts.fromNs until then: toNs, or earlier where so many came that counting them would have cost the
   * host too much.
   */
  untilNs: bigint
  ends: readonly { local: Endpoint; count: number }[]
  /** At ends beyond the first thousands. */
  unlisted: number
}

/** What cannot be known and why. Sentences: src/messages/en/events.ts. */
export interface EventsMissing {
  /** An event ("tcp/tcp_send_reset"), or what all of them need: 'tracefs'. */
  what: string
  why: EventsMissingWhy
  /** What it would have told. */
  adds: EventsMissingAdds
  /** The path, the error, the kernel's release. */
  detail: string
}

export type EventsMissingWhy =
  | 'not-linux'
  | 'not-mounted'
  | 'denied'
  | 'lockdown'
  | 'no-instance'
  | 'no-event'
  | 'no-reasons'
  | 'few-reasons'
  | 'no-filter'
  | 'no-clock'
  | 'failed'

export type EventsMissingAdds =
  | 'everything'
  | 'reset-reasons'
  | 'resets-sent'
  | 'resets-received'
  | 'states'
  | 'errors'
  | 'retransmissions'
  | 'handshake-retransmissions'
  | 'drops'
  | 'failed-calls'
  | 'dying-processes'
  | 'times'

export interface EventsFacts {
  /** The first of each group, in order of time. */
  events: readonly KernelEvent[]
  groups: readonly EventGroup[]
  /** Of all events, kept or not, by "KIND REASON" or "KIND": counts.get('reset-sent TCP_ABORT_ON_CLOSE'). */
  counts: ReadonlyMap<string, number>
  /** null: not watched. */
  established: EstablishedFacts | null
  /** Overwritten before they could be read. */
  lost: number
  /** Records or pages that are not what the kernel's format files describe. */
  odd: number
  /** When watching began and ended, by the clock of the events. null: nothing was watched. */
  fromNs: bigint | null
  toNs: bigint | null
  /** CLOCK_REALTIME minus the events' clock, to join them to captures and logs. null: another clock had to do. */
  realtimeOffsetNs: bigint | null
  /** What this kernel can tell of why it resets: all (6.12), some (6.10), nothing (before). */
  resetReasons: 'full' | 'some' | 'none'
  /** Why it drops (5.17). */
  dropReasons: boolean
  missing: readonly EventsMissing[]
}

/** All that EventsFacts are made from: for tests, and for bundles that are looked at elsewhere. */
export interface EventsRecording {
  littleEndian: boolean
  /** As process.arch. */
  arch: string
  headerPage: string
  /** By event ("tcp/tcp_send_reset"), events/EVENT/format. */
  formats: Readonly<Record<string, string>>
  /**
   * In the order in which they were read; `octets` is one page, its unused end cut off. Addresses of the kernel's memory are
   * replaced by numbers.
   */
  pages: readonly { cpu: number; octets: Uint8Array }[]
  /** Pages that were read and did not fit. Their events are not in the recording. */
  pagesLeftOut: number
  /** By the number of the task that the events name (a thread). */
  tasks: Readonly<Record<number, TraceTask>>
  /** Until when handshakes that ended were among the events; null: they were not, or cannot be counted. */
  establishedUntilNs: bigint | null
  /** Overwritten, of per_cpu/cpuN/stats. */
  overrun: number
  fromNs: bigint | null
  toNs: bigint | null
  realtimeOffsetNs: bigint | null
  missing: readonly EventsMissing[]
}

export interface TraceTask {
  /** null: it had ended before it could be asked. */
  pid: number | null
  command: string
}
