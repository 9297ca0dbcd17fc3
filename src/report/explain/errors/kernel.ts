import type { ErrorPattern } from './pattern.ts'

/** Lines of the Linux kernel log. */
export const kernelErrors: readonly ErrorPattern[] = [
  {
    id: 'kernel-conntrack-full',
    from: 'kernel log',
    match: /nf_conntrack: table full(?:, dropping packet)?/,
    wire: 'silence',
    seen: 'Packets of new flows are dropped silently; established connections go on.',
    causes: ['conntrack-table-full'],
    next: ['conntrack', 'kernel-log', 'diagnose'],
  },
  {
    id: 'kernel-syn-flooding',
    from: 'kernel log',
    match:
      /[Pp]ossible SYN flooding on port \S{1,60}(?:[ .]{1,2}(?:Sending cookies|Dropping request))?/,
    wire: 'any',
    seen:
      'The SYN queue of that port was full. "Sending cookies": clients still get SYN-ACKs; "Dropping ' +
      'request": they get nothing. The line is printed once per listener.',
    causes: ['syn-queue-overflow', 'accept-queue-overflow'],
    next: ['listener', 'counters', 'diagnose'],
  },
  {
    id: 'kernel-orphans',
    from: 'kernel log',
    match: /TCP: too many orphaned sockets|too many of orphaned sockets/,
    wire: 'rst',
    seen: 'Closed connections that were not finished with the peer were ended by RST to save memory.',
    causes: ['memory-pressure', 'path-lost'],
    next: ['memory', 'sockets', 'diagnose'],
  },
  {
    id: 'kernel-tcp-memory',
    from: 'kernel log',
    match: /(?:TCP: )?out of memory -- consider tuning tcp_mem/,
    wire: 'rst',
    seen: 'TCP used more pages than tcp_mem allows; orphans are ended by RST, buffers stay small.',
    causes: ['memory-pressure', 'zero-window-stall'],
    next: ['memory', 'sockets', 'diagnose'],
  },
  {
    id: 'kernel-oom-kill',
    from: 'kernel log',
    match: /Out of memory: Kill(?:ed)? process|Memory cgroup out of memory|oom-kill:/,
    wire: 'any',
    seen: "At that moment all of the process's connections ended: FIN, or RST where octets were unread.",
    causes: ['process-killed', 'listener-closed'],
    next: ['kernel-log', 'capture'],
  },
  {
    id: 'kernel-time-wait-overflow',
    from: 'kernel log',
    match: /TCP: time wait bucket table overflow/,
    wire: 'none',
    seen: 'Nothing visible: TIME-WAIT sockets were dropped early (tcp_max_tw_buckets).',
    causes: ['time-wait-pile', 'ephemeral-ports-exhausted'],
    next: ['local-ports', 'counters'],
  },
]
