import type { SocketFacts } from '../facts.ts'
import { type HostFiles, whyUnreadable } from '../host-files.ts'
import { dumpSockets, type SocketFilter } from '../netlink/dump.ts'
import { procSockets } from '../proc-sockets.ts'
import { type HostAsk, type HostFault, isThere, netFolder } from '../reader.ts'
import { ssSockets } from '../ss-sockets.ts'

/**
 * All TCP sockets of a network namespace: from netlink; where that cannot be asked from `ss`; else from /proc, which
 * knows neither tcp_info nor the limit of an accept queue.
 */
export const sockets = {
  id: 'sockets',

  canRun: (host: HostFiles, ask: HostAsk) => isThere(host, netFolder(ask), ['tcp', 'tcp6']),

  /** Netlink tells of the namespace that the reader is in, so `netOf` is left to `ss` (with `netPath`) and /proc. */
  read(host: HostFiles, ask: HostAsk): SocketFacts {
    const filter: SocketFilter = {
      ...(ask.states === undefined ? {} : { states: ask.states }),
      ...(ask.ports === undefined ? {} : { ports: ask.ports }),
      brief: ask.brief === true,
    }
    const faults: HostFault[] = []
    if (ask.netOf === undefined) {
      const dumped = dumpSockets(host, filter)
      if (dumped.is === 'read') return { source: 'netlink', ...dumped.value }
      faults.push({ path: dumped.path, what: whyUnreadable(dumped) })
    }
    if (ask.netOf === undefined || ask.netPath !== undefined) {
      const printed = ssSockets(host, filter, ask.netPath)
      if (printed.is === 'read') {
        const { sockets: found, faults: more } = printed.value
        return { source: 'ss', sockets: found, faults: [...faults, ...more] }
      }
      faults.push({ path: printed.path, what: whyUnreadable(printed) })
    }
    const proc = procSockets(host, netFolder(ask), filter)
    return { source: 'proc', sockets: proc.sockets, faults: [...faults, ...proc.faults] }
  },
}
