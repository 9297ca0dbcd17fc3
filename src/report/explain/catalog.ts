import type { CauseId } from '../../causes/ids.ts'

export type CauseGroup = 'never-got-through' | 'cut-in-the-middle' | 'stuck-or-timed-out' | 'benign'

/** What `tcpwhy explain` lists. `title` is the one of docs/causes/<id>.md; `variants` only where the name is unmistakable. */
export interface CatalogEntry {
  title: string
  group: CauseGroup
  variants?: readonly string[]
}

export const groupTitles: Record<CauseGroup, string> = {
  'never-got-through': 'Never got through',
  'cut-in-the-middle': 'Cut in the middle',
  'stuck-or-timed-out': 'Stuck or timed out',
  benign: 'Benign',
}

/** Every cause id, sorted. The type makes the compiler ask for a line when the vocabulary grows. */
export const catalog: Record<CauseId, CatalogEntry> = {
  'accept-and-close': {
    title: 'the server accepts and closes at once',
    group: 'never-got-through',
  },
  'accept-queue-overflow': {
    title: "the listener's accept queue was full",
    group: 'never-got-through',
    variants: ['syn-dropped', 'ack-dropped', 'cookie-ack-dropped'],
  },
  'admin-kill': {
    title: 'somebody or some tool ended the connection on purpose',
    group: 'cut-in-the-middle',
  },
  'asymmetric-path': { title: 'one direction never arrives', group: 'stuck-or-timed-out' },
  'client-cancelled': { title: 'the client stopped on purpose', group: 'benign' },
  'client-timeout': { title: 'the client gave up waiting', group: 'stuck-or-timed-out' },
  'close-wait-leak': {
    title: 'the peer closed, this process never does',
    group: 'stuck-or-timed-out',
  },
  'close-with-unread-data': {
    title: 'closed with received data still unread',
    group: 'cut-in-the-middle',
    variants: ['unread-response', 'early-response-upload', 'unread-request'],
  },
  'connect-filtered': { title: 'SYNs vanish without an answer', group: 'never-got-through' },
  'connection-limit': {
    title: 'a stated limit refused the connection',
    group: 'never-got-through',
  },
  'conntrack-invalid': {
    title: 'a packet escaped address translation and was answered by RST',
    group: 'cut-in-the-middle',
  },
  'conntrack-table-full': {
    title: 'the connection-tracking table has no room',
    group: 'never-got-through',
  },
  'data-after-close': {
    title: 'one side kept sending after the other had closed',
    group: 'cut-in-the-middle',
  },
  'deferred-accept': {
    title: 'the server waits for the first octet (TCP_DEFER_ACCEPT)',
    group: 'benign',
  },
  'descriptor-exhaustion': {
    title: 'the process has no file descriptor left',
    group: 'stuck-or-timed-out',
  },
  'ephemeral-ports-exhausted': {
    title: 'no local port is left for a new connection',
    group: 'never-got-through',
  },
  'firewall-reject': {
    title: 'a filter refused the connection or cut it',
    group: 'never-got-through',
  },
  'gc-coupled-close': {
    title: 'the garbage collector closes connections',
    group: 'cut-in-the-middle',
  },
  'health-check': { title: 'a probe, not a user', group: 'benign' },
  'host-unreachable': {
    title: 'a router or the own host says there is no way',
    group: 'never-got-through',
  },
  'injected-reset': { title: 'a reset that the peer did not send', group: 'cut-in-the-middle' },
  'keep-alive-race': { title: 'a request and an idle close crossed', group: 'cut-in-the-middle' },
  'keepalive-timeout': {
    title: 'TCP keepalive probes went unanswered',
    group: 'stuck-or-timed-out',
  },
  'linger-zero': {
    title: 'the program asked for a reset (SO_LINGER 0)',
    group: 'cut-in-the-middle',
  },
  'listener-closed': {
    title: 'the listening socket was closed with connections in its queue',
    group: 'cut-in-the-middle',
  },
  'memory-pressure': { title: 'the kernel ran out of memory for TCP', group: 'cut-in-the-middle' },
  'middlebox-idle-timeout': {
    title: 'something in the path forgot an idle connection',
    group: 'cut-in-the-middle',
    variants: ['nat-state-lost'],
  },
  'open-transaction': {
    title: 'a transaction was begun and never finished',
    group: 'stuck-or-timed-out',
  },
  'packet-loss': {
    title: 'losses well above the usual',
    group: 'stuck-or-timed-out',
    variants: ['outage'],
  },
  'path-lost': {
    title: 'data was retransmitted until the sender gave up',
    group: 'stuck-or-timed-out',
  },
  'path-mtu-black-hole': { title: 'only large packets are lost', group: 'stuck-or-timed-out' },
  'peer-restarted': {
    title: 'the peer lost its memory of the connection',
    group: 'cut-in-the-middle',
  },
  'pool-starvation': { title: 'requests wait for a connection pool', group: 'stuck-or-timed-out' },
  'port-closed': { title: 'nothing listens on that port', group: 'never-got-through' },
  'port-reuse-collision': {
    title: 'a new connection met the old one with the same ports',
    group: 'cut-in-the-middle',
  },
  'process-killed': {
    title: 'the process died, its connections ended at once',
    group: 'cut-in-the-middle',
  },
  'receive-path-drop': {
    title: 'the host dropped packets after receiving them',
    group: 'stuck-or-timed-out',
  },
  'reset-after-exchange': { title: 'reset, but everything had arrived', group: 'benign' },
  'server-idle-timeout': {
    title: 'the server or proxy closes idle connections',
    group: 'cut-in-the-middle',
  },
  'server-stalled': { title: 'request received, no answer', group: 'stuck-or-timed-out' },
  'syn-queue-overflow': {
    title: 'too many half-open handshakes',
    group: 'never-got-through',
    variants: ['cookie-ack-lost'],
  },
  'time-wait-collision': {
    title: 'a SYN met a TIME-WAIT with the same ports',
    group: 'cut-in-the-middle',
  },
  'time-wait-pile': { title: 'many sockets in TIME-WAIT, harmless', group: 'benign' },
  'tls-failure': {
    title: 'the connection ended inside the TLS handshake',
    group: 'cut-in-the-middle',
  },
  'wrong-host': {
    title: 'another machine answers under the same address',
    group: 'cut-in-the-middle',
  },
  'zero-window-stall': { title: 'the reader does not read', group: 'stuck-or-timed-out' },
}

export const catalogIds = Object.keys(catalog) as CauseId[]
