import type { CauseMessages } from '../types.ts'
import { oneShots } from './commands.ts'

export const portReuseCollision = {
  title:
    '{connections:count} connects of {client} to {server} met an old connection with the same ports',
  because: {
    'ack-not-syn-ack':
      'the SYN ({syns:count} sent) was answered by an ACK with the numbers of another connection, not by SYN-ACK',
    'reset-of-old':
      'the client answered that ACK by RST, which ended the old connection at the server',
    'old-not-closed':
      'the earlier connection of these ports, {since:ms} before, had not been closed on both sides ({ending})',
    'older-than-capture':
      'the old connection is older than this capture, and TIME-WAIT does not last that long',
    'old-unseen':
      'the earlier connection is not in the capture: it may have been closed and in TIME-WAIT',
    delayed: 'the connect succeeded {delay:ms} after the first SYN',
    'kernel-said':
      'the kernel says TCP_INVALID_ACK_SEQUENCE for {count:count} resets in SYN-SENT: the answer to its SYN belonged to an older connection of the same ports',
  },
  now: [
    {
      text: 'See which old connections of {client} the server still holds, and for how long they have been silent.',
      command: "ss -tano 'dst {client}' | grep ':{port}'",
    },
  ],
  experiment: {
    ...oneShots,
    supports:
      'connections from fresh ports are all taken at once: only reused ports met the old connection',
    refutes: 'fresh ports fail or are late too: a filter or a full queue',
  },
  confirm: [
    {
      text: 'TCPSYNChallenge rises on the server; reset reason TCP_INVALID_ACK_SEQUENCE on the client.',
      command: 'nstat -az TcpExtTCPSYNChallenge',
    },
  ],
  fix: [
    {
      text: 'The server should find dead connections: keep-alive with minutes, not hours, or an idle time-out.',
      setting: 'net.ipv4.tcp_keepalive_time',
      command: 'sudo sysctl net.ipv4.tcp_keepalive_time=120',
      verify: 'nstat -az TcpExtTCPSYNChallenge',
    },
    {
      text: 'The client or NAT gateway should not come back to a port so soon: a wider port range, more source addresses, no fixed source port.',
      setting: 'net.ipv4.ip_local_port_range',
      command: "sudo sysctl net.ipv4.ip_local_port_range='10240 65535'",
      verify: 'nstat -az TcpExtTCPSYNChallenge',
    },
  ],
  machine: {
    title:
      '{connections:count} new connections to {server} met an old one of the same ports at the server',
  },
} as const satisfies CauseMessages
