import type { CauseMessages } from '../types.ts'
import { oneShots } from './commands.ts'

export const receivePathDrop = {
  title: '{of} drops packets after receiving them ({name}): {connections:count} meanwhile',
  because: {
    'softnet-dropped':
      "softnet_stat: {by:count} packets were dropped because a processor's backlog was full (net.core.netdev_max_backlog)",
    'interface-dropped': '{name} dropped {by:count} received packets',
  },
  now: [
    {
      text: 'See whether one processor does all the work.',
      command: 'mpstat -P ALL 1 3; cat /proc/net/softnet_stat',
    },
  ],
  experiment: {
    ...oneShots,
    supports:
      'from another host: some handshakes take a second longer, or answers 0.2 s and more, while the counters rise',
    refutes: 'none is late',
  },
  confirm: [
    {
      text: 'The counters rise while connections retransmit.',
      command: 'nstat -az TcpRetransSegs; ip -s -s link; ethtool -S IFACE',
    },
  ],
  fix: [
    {
      text: 'Spread the work (RSS, RPS), enlarge rings (ethtool -G) or net.core.netdev_max_backlog, give the processors time.',
      command: 'sysctl net.core.netdev_max_backlog net.core.netdev_budget',
    },
  ],
} as const satisfies CauseMessages
