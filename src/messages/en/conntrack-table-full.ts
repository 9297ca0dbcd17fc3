import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const conntrackTableFull = {
  title: 'the connection-tracking table of {of} is full: {count:count} of {max:count} entries',
  because: {
    filled: '{count:count} of {max:count} entries of the connection-tracking table are taken',
    refused: 'the kernel counted {by:count} times {name}: packets of new connections were dropped',
  },
  now: [
    {
      text: 'Raise the limit of the running kernel: it takes effect at once and cuts nobody.',
      command: 'sudo sysctl net.netfilter.nf_conntrack_max={wanted}',
    },
  ],
  experiment: {
    command: connects,
    supports: 'SYNs get no answer while the table is full, and are answered when there is room',
    refutes: 'it is answered though the table is full',
  },
  confirm: [
    {
      text: "The kernel's log says it, and drop rises.",
      command: "sudo dmesg | grep 'table full'; sudo conntrack -S",
    },
  ],
  fix: [
    {
      text: 'Size the table for the connections per second times their time-outs; shorten net.netfilter.nf_conntrack_tcp_timeout_established (5 days) and time_wait; exempt what needs no tracking (nft notrack).',
      command: "sudo conntrack -L | awk '{print $4}' | sort | uniq -c",
    },
  ],
  machine: {
    title: 'the connection-tracking table of {of} is full: {count:count} of {max:count} entries',
    variants: {
      near: {
        title:
          'the connection-tracking table of {of} is nearly full: {count:count} of {max:count} entries',
      },
    },
  },
} as const satisfies CauseMessages
