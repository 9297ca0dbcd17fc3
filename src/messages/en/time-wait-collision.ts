import type { CauseMessages } from '../types.ts'
import { oneShots } from './commands.ts'

export const timeWaitCollision = {
  title: '{connections:count} connects of {client} to {server} met a TIME-WAIT with the same ports',
  because: {
    'ack-not-syn-ack':
      'the SYN ({syns:count} sent) was answered by an ACK with the numbers of another connection, not by SYN-ACK',
    'closed-before':
      'a connection with the same ports had been closed {since:ms} before: TIME-WAIT lasts 60 s on Linux',
    'old-unseen':
      'the earlier connection is not in the capture: it may still have been open rather than in TIME-WAIT',
    'reset-of-old': 'the client answered that ACK by RST',
    delayed: 'the connect succeeded {delay:ms} after the first SYN',
    'never-connected': 'the connect did not succeed in this capture',
    timestamps:
      'with timestamps a newer one would have replaced the TIME-WAIT: this SYN carried an older one, as a second client behind the same NAT would',
  },
  now: [
    {
      text: "See the server's TIME-WAITs of this client.",
      command: "ss -tan state time-wait 'dst {client}' | head",
    },
  ],
  experiment: {
    ...oneShots,
    supports: 'connections from fresh ports are all taken at once: only reused ports met TIME-WAIT',
    refutes: 'fresh ports fail or are late too',
  },
  confirm: [
    {
      text: 'PAWSTimewait rises when older timestamps are the reason.',
      command: 'nstat -az TcpExtPAWSTimewait TcpExtTWRecycled',
    },
  ],
  fix: [
    {
      text: 'Let the client close first (TIME-WAIT then sits there), or reuse connections instead of making new ones.',
    },
    {
      text: 'Give the client or NAT gateway more ports and addresses, so that it comes back to the same one later.',
      setting: 'net.ipv4.ip_local_port_range',
      command: "sudo sysctl net.ipv4.ip_local_port_range='10240 65535'",
      verify: 'nstat -az TcpExtPAWSTimewait',
    },
  ],
  variants: {
    timestamps: {
      title:
        '{connections:count} connects of {client} to {server} met a TIME-WAIT and carried an older timestamp: several clients behind one address?',
    },
  },
} as const satisfies CauseMessages
