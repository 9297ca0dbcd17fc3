/** Why this host's TCP stack sent a RST, and what would tell: by the ids of src/host/reset-story.ts. */
export const resetWords = {
  cause: {
    'syn-to-closed-port': 'a SYN to a port on which nothing listens',
    'unknown-connection':
      'a segment of a connection that this host does not know, on a port where nothing listens',
    'unknown-connection-at-listener':
      'an acknowledgement for a connection that this host does not know (any more), on a port where somebody listens',
    'data-after-full-close': 'data for a connection that this host had closed before',
    'data-after-close': 'new data for a connection that the program here had closed',
    'accept-queue-overflow':
      'the accept queue was full when a handshake finished (tcp_abort_on_overflow is 1)',
    'syn-in-handshake': 'a second SYN for a handshake under way',
    'answer-of-old-connection': 'an answer to a SYN that belongs to an older connection',
    'answer-with-wrong-timestamp': 'an answer to a SYN with a timestamp that was never sent',
    'bad-ack-in-handshake': 'an acknowledgement in a handshake that fits nothing',
    'close-with-unread-data': 'the program closed the connection without reading what had arrived',
    'linger-zero': 'the program closed the connection with SO_LINGER and 0 s',
    'listener-closed': 'the listener was closed while the connection waited to be accepted',
    'killed-by-administrator':
      'somebody destroyed the socket (ss -K, SOCK_DESTROY, bpf_sock_destroy)',
    'linger-zero-with-unsent-data':
      'the program ended the connection with SO_LINGER and 0 s while data were unsent',
    'linger2-negative': 'the program closed the connection with a negative TCP_LINGER2',
    'out-of-memory': 'too many orphaned sockets, or no memory left for TCP',
    'keepalive-timeout': 'keepalive probes were not answered',
    'fin-wait-2-timeout': 'the peer did not close within net.ipv4.tcp_fin_timeout',
  },
  decides: {
    packet: 'the packet that was answered (a capture)',
    'client-error': 'the error at the client',
    'abort-on-overflow': 'net.ipv4.tcp_abort_on_overflow in that network namespace',
    'listen-overflows': 'whether ListenOverflows rose (nstat)',
    'listener-state': 'whether the listener was closed in that moment',
    'owner-of-socket': 'whether the program had accepted the connection',
    'kernel-reason': "the kernel's own reason (Linux 6.12 and later)",
    'syncookies-failed': 'whether SyncookiesFailed rose (nstat)',
  },
} as const
