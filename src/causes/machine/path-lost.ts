import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import { endpointText, isServed, ownerOf, type SocketAt, socketRef, socketsIn } from './lookup.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('path-lost')

/** RFC 6298 (5.5): the RTO doubles each time, so after four the peer has been silent for 15 x the first RTO. */
const SILENT = 4

/** Data sent again and again without an acknowledgement. @see Linux net/ipv4/tcp_timer.c tcp_retransmit_timer */
export function judgeRetransmitting(machine: MachineFacts): Judgement {
  const silent = [...socketsIn(machine, 'ESTABLISHED'), ...socketsIn(machine, 'FIN-WAIT-1')].filter(
    ({ socket }) => socket.retransmits >= SILENT && socket.timer?.kind === 'retransmission',
  )
  const groups = groupBy(silent, ({ socket }) => socket.remote.address)
  return { verdicts: [...groups].map(([group, members]) => judgeGroup(machine, group, members)) }
}

function judgeGroup(machine: MachineFacts, group: string, members: readonly SocketAt[]): Verdict {
  const worst = members.reduce((a, b) => (b.socket.retransmits > a.socket.retransmits ? b : a))
  const { netns, socket } = worst
  const others = netns.sockets.filter((s) => s.remote.address === group && s.retransmits === 0)
  const at = socketRef(machine, netns, socket)
  const owner = ownerOf(machine, socket.inode)
  const served = isServed(netns, socket)
  const end = served ? socket.local : socket.remote
  const lives = others.some(
    (s) => Number(s.tcpInfo?.tcpi_last_ack_recv ?? Infinity) < machine.forMs,
  )
  return onMachine(machine, {
    certainty: 'likely',
    severity: 'problem',
    side: 'network',
    process: null,
    because: [
      say('retransmits', { count: members.length, times: socket.retransmits }, at),
      ...(owner === null ? [] : [say('owner', { who: owner.command, owner: owner.pid }, at)]),
    ],
    against: lives ? [say('others-acknowledged', { address: group }, at)] : [],
    group,
    values: {
      peer: group,
      server: endpointText(end),
      port: end.port,
    },
    subject: socketsOf(members, end),
  })
}
