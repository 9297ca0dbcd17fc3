import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts, NetnsSnapshot, SocketFact } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import {
  endpointText,
  isServed,
  netnsName,
  ownerOf,
  processOf,
  type SocketAt,
  settingRef,
  socketRef,
} from './lookup.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('middlebox-idle-timeout')

const TIMEOUT = 'net.netfilter.nf_conntrack_tcp_timeout_established'
const LOOSE = 'net.netfilter.nf_conntrack_tcp_loose'

/**
 * Idle connections that the connection tracking of this host forgets before anything is said on them: the one box on the way
 * whose limit this host knows. What other boxes do cannot be seen from here.
 * @see Linux net/netfilter/nf_conntrack_proto_tcp.c tcp_timeouts, nf_conntrack_tcp_packet (tcp_loose)
 */
export function judgeUnguarded(machine: MachineFacts): Judgement {
  const verdicts = machine.after.namespaces.flatMap((netns) => judgeOne(machine, netns))
  return { verdicts }
}

function judgeOne(machine: MachineFacts, netns: NetnsSnapshot): Verdict[] {
  const limitS = numberOf(netns, TIMEOUT)
  // Without rules that need it the settings are there, and nothing is tracked.
  if (limitS === null || limitS <= 0 || (netns.conntrack.count ?? 0) === 0) return []
  const limitMs = limitS * 1000
  const members = netns.sockets
    .filter((socket) => isForgotten(socket, limitMs))
    .map((socket) => ({ netns, socket }))
  const groups = groupBy(members, ({ socket }) =>
    isServed(netns, socket) ? `clients of port ${socket.local.port}` : endpointText(socket.remote),
  )
  return [...groups].map(([peer, alike]) => verdictOf(machine, peer, alike, limitS))
}

/** Half of the limit has passed in silence, and nothing will break it before the end. */
function isForgotten(socket: SocketFact, limitMs: number): boolean {
  const { state, timer, remote } = socket
  if (state !== 'ESTABLISHED' || isLoopback(remote.address)) return false
  const idleMs = idleOf(socket)
  if (idleMs === null || idleMs < limitMs / 2) return false
  if (timer === null) return true
  // The next probe of keepalive comes too late.
  return timer.kind === 'keepalive' && idleMs + timer.expiresMs > limitMs
}

function idleOf({ tcpInfo }: SocketFact): number | null {
  const [sent, received] = [tcpInfo?.tcpi_last_data_sent, tcpInfo?.tcpi_last_data_recv]
  if (sent === undefined || received === undefined) return null
  const acknowledged = tcpInfo?.tcpi_last_ack_recv
  return Math.min(Number(sent), Number(received), Number(acknowledged ?? sent))
}

function verdictOf(
  machine: MachineFacts,
  peer: string,
  members: readonly SocketAt[],
  limitS: number,
): Verdict {
  const { netns, socket } = members.reduce((a, b) =>
    (idleOf(b.socket) ?? 0) > (idleOf(a.socket) ?? 0) ? b : a,
  )
  const at = socketRef(machine, netns, socket)
  const loose = numberOf(netns, LOOSE)
  const limit = settingRef(machine, netns, { name: TIMEOUT, value: String(limitS) })
  const owner = ownerOf(machine, socket.inode)
  const served = isServed(netns, socket)
  const end = served ? socket.local : socket.remote
  const late = members.filter((m) => m.socket.timer !== null).length
  const because: Reason[] = [
    say('idle-here', { count: members.length, peer, idle: idleOf(socket) ?? 0 }, at),
    say('forgets-here', { limit: limitS * 1000, where: netnsName(netns) }, limit),
    ...(late > 0 ? [say('keepalive-late', { count: late }, at)] : []),
    ...(loose === 0
      ? [say('strict', {}, settingRef(machine, netns, { name: LOOSE, value: '0' }))]
      : []),
  ]
  return onMachine(machine, {
    certainty: loose === 0 ? 'likely' : 'possible',
    severity: 'notice',
    variant: 'unguarded',
    side: 'middlebox',
    process: owner === null ? null : processOf(machine, owner),
    setting: TIMEOUT,
    because,
    against: [...(loose === 0 ? [] : [say('loose', {}, limit)]), say('not-tried', {}, at)],
    group: `${netnsName(netns)} ${peer}`,
    values: { server: endpointText(end), peer, port: end.port, limit: limitS * 1000 },
    experiment: { silenceMs: limitS * 1000 },
    subject: socketsOf(members, end),
  })
}

function numberOf({ settings }: NetnsSnapshot, name: string): number | null {
  return settings.settings.get(name)?.numbers[0] ?? null
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
