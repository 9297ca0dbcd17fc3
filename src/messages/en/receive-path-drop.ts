import type { CauseMessages } from '../types.ts'

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
