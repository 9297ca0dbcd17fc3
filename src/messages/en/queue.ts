/** Sentences of `tcpwhy queue`, by the ids of src/host/queue-limits.ts. */
export const queueWords = {
  headline: 'Accept queue: {accept}. SYN queue: {syn}.',
  connections: { one: '1 connection', many: '{n} connections', unknown: 'cannot tell' },
  handshakes: { one: '1 handshake', many: '{n} handshakes', unknown: 'cannot tell' },
  headlineUnproven: '{n} from peers not yet known',
  range: '{min} or {max}',
  binds: ' ({what})',
  bindsVerb: { one: '{names} binds', many: '{names} bind together' },
  binding: {
    backlog: 'backlog',
    somaxconn: 'net.core.somaxconn',
    tcp_max_syn_backlog: 'net.ipv4.tcp_max_syn_backlog',
    'minimum-8': "the kernel's least size",
    'sixteen-bits': 'a 16-bit field',
  },
  setting: {
    kernel: 'kernel',
    backlog: 'backlog',
    somaxconn: 'net.core.somaxconn',
    tcp_max_syn_backlog: 'net.ipv4.tcp_max_syn_backlog',
    tcp_syncookies: 'net.ipv4.tcp_syncookies',
  },
  from: {
    given: 'given',
    host: 'of this host',
    default: "the kernel's default",
    largest: 'not given: the largest that a program can get here',
  },
  heading: {
    acceptQueue: 'Accept queue: finished handshakes that wait for accept()',
    synQueue: 'SYN queue: handshakes in SYN-RECEIVED',
    listeners: 'Listeners of this host: connections that wait for accept() now',
  },
  cannotTell: 'Cannot tell, because {why}',
  unknown: {
    'kernel-not-understood': 'this release does not begin with a version of Linux.',
    'kernel-too-old': 'the sizes of kernels before 2.6.20 are not known to tcpwhy.',
    'kernel-too-new':
      'its source was not read: 7.2 is the last that was. --kernel 7.2 shows what that one would do.',
    'patch-not-told':
      'later releases of this series hold one more than earlier ones: give the whole release (uname -r).',
    'fix-perhaps-backported':
      'a fix of January 2025 (3479c7549fb1) lets one more in, and the release does not tell whether this build has it.',
  },
  acceptSize: 'The smaller of backlog and somaxconn, and one more: full means more than that.',
  acceptSixteen:
    'Before Linux 4.1 this number has 16 bits: {backlog} becomes {kept}, and one more fits.',
  acceptFull: {
    'syn-dropped':
      'Full: further SYNs are dropped. Clients repeat them from 1 s on, until they get in or time out; ListenOverflows rises.',
    'syn-dropped-if-two-young':
      'Full: a SYN is dropped only while two handshakes that never repeated their SYN-ACK wait (before 4.10); the others get a SYN-ACK, and their last ACK is dropped.',
  },
  synSize: {
    table:
      'Before Linux 4.4: the smallest of backlog, somaxconn and tcp_max_syn_backlog, at least 8, and from one more than that up to a power of two.',
    backlog:
      'Linux 4.4 and later: as long as the accept queue may be; tcp_max_syn_backlog is not in it.',
  },
  synFull: {
    'syn-cookies':
      'Full: further SYNs are answered with SYN cookies. A full accept queue still drops them.',
    'syn-dropped': 'Full: further SYNs are dropped (SYN cookies are off); TCPReqQFullDrop rises.',
  },
  synUnused: 'tcp_syncookies is 2: every SYN is answered with a cookie, and nothing waits here.',
  unproven:
    'Peers of which no earlier connection is remembered (ip tcp_metrics): only up to {limit}, because the last quarter of tcp_max_syn_backlog is kept for known ones while SYN cookies are off. ListenDrops rises.',
  clamped:
    'A backlog of {backlog} becomes somaxconn: listen() takes a negative one for a huge one.',
  raise: 'To raise it: {what}.',
  raiseUnproven:
    'For peers not yet known: raise net.ipv4.tcp_max_syn_backlog, or set net.ipv4.tcp_syncookies to 1.',
  raising: {
    backlog: "the listener's backlog (its own setting, and a restart or reload)",
    somaxconn: 'net.core.somaxconn (it counts from the next listen())',
    tcp_max_syn_backlog: 'net.ipv4.tcp_max_syn_backlog',
    'minimum-8': 'all of backlog, somaxconn and tcp_max_syn_backlog, to 8 or more',
    'sixteen-bits': 'a backlog of at most 65535',
  },
  and: ' and ',
  noListeners: 'None.',
  listenersUnreadable: '/proc/net/tcp cannot be read.',
  noneWaiting: '{listeners:count} listeners; at none a connection waits.',
  oneNoneWaiting: '1 listener; no connection waits there.',
  others: '{listeners:count} more listeners; at none of them a connection waits.',
  otherWaiting: '{listeners:count} more listeners.',
  eachBacklog: 'The backlog of each: Send-Q of ss -ltn. Overflow is Recv-Q = Send-Q + 1.',
} as const
