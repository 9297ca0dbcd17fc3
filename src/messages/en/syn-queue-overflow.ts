import type { CauseMessages } from '../types.ts'
import { acceptQueue, bursts } from './commands.ts'
import { apartSays, backlogSays } from './experiments.ts'

export const synQueueOverflow = {
  title: '{server} has too many unfinished handshakes: {connections:count} connects dropped',
  because: {
    ...apartSays,
    ...backlogSays,
    'syn-unanswered': 'SYN arrived {syns:count} times at {server} and was not answered',
    'half-open':
      '{halfOpen:count} handshakes to it stayed half-open, {retried:count} with repeated SYN-ACKs: nobody answers these',
    'others-completed':
      '{established:count} handshakes with {server} were completed in the same capture',
    'silent-after-ack':
      'handshake complete for the client, then {waited:ms} without a word of the server',
    'no-syn-ack-repeated':
      'the SYN-ACK was not repeated: a server that still waits for the ACK would do so, one with SYN cookies cannot',
    'woken-by-fin':
      "the server's first words came {after:ms} after the client's FIN: only then it knew the connection",
    'ack-lost': "the client's ACK is not in the capture at the server: it was lost on the way",
    'ack-perhaps-arrived':
      'the ACK may have arrived and the application be slow: this capture cannot tell',
    'greets-others':
      '{server} greeted {greeted:count} other connections without being asked: there the server speaks first',
    'queue-dropped':
      'the kernel dropped {by:count} SYNs because a SYN queue was full (TCPReqQFullDrop)',
    'queue-cookies':
      'the kernel answered {by:count} SYNs by cookies because a SYN queue was full (TCPReqQFullDoCookies)',
    'queue-behind-it':
      'the accept queue of {server} is full with {depth:count}: handshakes that do not fit into it stay unfinished and fill the SYN queue, without any flood',
    unfinished: '{count:count} handshakes of {server} are unfinished',
  },
  now: [
    {
      text: 'See who holds the half-open handshakes and whether SYN cookies are in use.',
      command:
        "ss -tn state syn-recv 'sport = :{port}' | awk '{print $4}' | sort | uniq -c | sort -rn | head; sysctl net.ipv4.tcp_syncookies",
    },
  ],
  experiment: {
    ...bursts,
    supports:
      'from some size of the burst on SYNs stay unanswered, and ListenOverflows stands still (on the server itself)',
    refutes: 'ListenOverflows rises: it is the accept queue; or all are served',
  },
  confirm: [
    {
      text: 'TCPReqQFullDrop or TCPReqQFullDoCookies rises while it happens; ListenOverflows stands still.',
      command: 'nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies TcpExtListenOverflows',
    },
    {
      text: 'Two captures show whether SYN-ACKs or ACKs are lost on the way.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Leave SYN cookies on (1): legitimate clients get in even when the queue is full.',
      setting: 'net.ipv4.tcp_syncookies',
      command: 'sudo sysctl net.ipv4.tcp_syncookies=1',
      verify: 'nstat -az TcpExtTCPReqQFullDrop TcpExtSyncookiesSent',
    },
    {
      text: "Raise the queue: the listener's backlog and somaxconn bound it; tcp_max_syn_backlog only while cookies are off, or before Linux 4.4. tcpwhy queue, run there, says which.",
      setting: 'net.core.somaxconn',
      command: 'sudo sysctl net.ipv4.tcp_max_syn_backlog=8192 net.core.somaxconn=4096',
      verify: acceptQueue,
    },
    {
      text: 'Drop a flood before it reaches the host, or repair the path on which the answers are lost.',
    },
  ],
  variants: {
    'cookie-ack-lost': {
      title:
        '{server} used SYN cookies and the ACK of {connections:count} handshakes was lost: clients wait, the server knows nothing',
      fix: [
        {
          text: 'Make the SYN queue large enough that cookies are not needed (2 means always: use 1).',
          setting: 'net.ipv4.tcp_syncookies',
          command:
            'sudo sysctl net.ipv4.tcp_syncookies=1 net.ipv4.tcp_max_syn_backlog=8192 net.core.somaxconn=4096',
          verify: 'nstat -az TcpExtSyncookiesSent',
        },
        {
          text: 'Give clients of a protocol in which the server speaks first a read time-out of a few seconds and a retry.',
        },
      ],
    },
  },
  machine: {
    title: '{server}: a SYN queue overflows, {connections:count} SYNs found it full',
  },
} as const satisfies CauseMessages
