import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import {
  endpointText,
  groupBy,
  ownerOf,
  processOf,
  type SocketAt,
  socketRef,
  socketsIn,
} from './lookup.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('connect-filtered')

const REPEATED = 2

/** SYN-SENT with repeated SYNs: from here a filter, a full accept queue and a dead host look alike. */
export function judgeSynSent(machine: MachineFacts): Judgement {
  const waiting = [...socketsIn(machine, 'SYN-SENT')].filter(
    ({ socket }) => socket.retransmits >= REPEATED,
  )
  const groups = groupBy(
    waiting.filter((at) => !isFullHere(machine, at)),
    ({ socket }) => endpointText(socket.remote),
  )
  return { verdicts: [...groups].map(([server, members]) => judgeGroup(machine, server, members)) }
}

/** The listener is on this host, and its full queue says why. */
function isFullHere({ after }: MachineFacts, { netns, socket }: SocketAt): boolean {
  return [netns, ...after.namespaces].some((n) =>
    n.listeners.some(
      (l) => l.local.port === socket.remote.port && l.limit !== null && l.depth > l.limit,
    ),
  )
}

function judgeGroup(machine: MachineFacts, server: string, members: readonly SocketAt[]): Verdict {
  const worst = members.reduce((a, b) => (b.socket.retransmits > a.socket.retransmits ? b : a))
  const { netns, socket } = worst
  const owner = ownerOf(machine, socket.inode)
  const at = socketRef(machine, netns, socket)
  const open = netns.sockets.filter(
    (s) => s.state === 'ESTABLISHED' && endpointText(s.remote) === server,
  )
  const against: Reason[] = [say('looks-alike', {}, at)]
  if (open.length > 0) against.push(say('others-open', { count: open.length, server }, at))
  return onMachine(machine, {
    certainty: 'possible',
    severity: 'problem',
    side: 'network',
    process: owner === null ? null : processOf(machine, owner),
    because: [
      say('syn-sent', { count: members.length, times: socket.retransmits + 1, server }, at),
    ],
    against,
    group: server,
    values: {
      server,
      host: socket.remote.address,
      address: socket.remote.address,
      port: socket.remote.port,
      client: socket.local.address,
    },
    subject: socketsOf(members, socket.remote, 'connects'),
  })
}
