/** What could not be seen, why, and what it would add: sentences for people. Never ends a run. */
export interface Missing {
  what: MissingId
  why: string
  adds: string
}

/** What each thing that may be missing would add. */
const ADDS = {
  'all-processes':
    'the owners of the sockets that nobody was found for, and the descriptors of those processes',
  'host-processes': 'processes, owners and network namespaces outside of it',
  'namespace-entry':
    'sockets with their tcp_info and limits, settings and counters of that namespace',
  'namespace-list': 'the network namespaces of other users’ processes and containers',
  netlink: 'tcp_info, memory, drops and cookie of each socket, and the limits of accept queues',
  pressure: 'how long tasks waited for processor, memory and disk (PSI)',
  'socket-table': 'every conclusion about sockets of that namespace',
} as const

export type MissingId = keyof typeof ADDS

export function missing(what: MissingId, why: string): Missing {
  return { what, why, adds: ADDS[what] }
}
