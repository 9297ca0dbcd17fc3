import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const memoryPressure = {
  title:
    'the kernel of {of} resets connections with {server} for want of memory: {connections:count} so far',
  because: {
    'kernel-said':
      'the kernel says TCP_ABORT_ON_MEMORY for {count:count} resets: too many orphaned sockets, or no memory for TCP',
    'counter-rose': 'TCPAbortOnMemory rose by {by:count} meanwhile',
    'memory-used': 'TCP uses {used:octets} of {most:octets}',
  },
  now: [
    {
      text: 'Look which of the two limits it is: orphans or memory.',
      command:
        "cat /proc/net/sockstat; sysctl net.ipv4.tcp_max_orphans net.ipv4.tcp_mem; sudo dmesg | grep -iE 'orphan|out of memory'",
    },
  ],
  experiment: {
    command: 'tcpwhy probe load {url} --rate 5 --for 1m',
    plain: connects,
    supports: 'some requests are reset, and TCPAbortOnMemory of that host rises with them',
    refutes: 'none is reset while the counter rises',
  },
  confirm: [
    {
      text: 'TCPAbortOnMemory rises while it happens.',
      command: 'nstat -az TcpExtTCPAbortOnMemory',
    },
  ],
  fix: [
    {
      text: 'Orphans: find why peers vanish before FIN is acknowledged, raise net.ipv4.tcp_max_orphans. Memory: find the sockets with full queues, raise net.ipv4.tcp_mem.',
      command: "ss -tm | grep -o 'skmem:([^)]*)' | sort | uniq -c | sort -rn | head",
    },
  ],
} as const satisfies CauseMessages
