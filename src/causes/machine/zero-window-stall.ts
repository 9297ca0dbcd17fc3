import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import {
  before,
  endpointText,
  isServed,
  netnsName,
  ownerOf,
  processOf,
  type SocketAt,
  socketRef,
  socketsIn,
} from './lookup.ts'
import { type Unread, unreadOf } from './unread.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('zero-window-stall')

/** Of the receive buffer: as full as this its window is closed, or nearly. */
const FULL = 0.5

/**
 * A reader here that leaves its buffer full, and writers here whose peers do: the kernel probes (persist timer).
 * @see RFC 9293 §3.8.6.1 · Linux net/ipv4/tcp_timer.c tcp_probe_timer
 */
export function judgeWindows(machine: MachineFacts): Judgement {
  const full = [...unreadOf(machine)].filter((u) => !u.served && isFull(u))
  const readers = groupBy(
    full,
    (u) => `${ownerOf(machine, u.socket.inode)?.pid} ${endpointText(u.socket.remote)}`,
  )
  const stuck = [...probing(machine)]
  const writers = groupBy(stuck, (s) => `${ownerOf(machine, s.socket.inode)?.pid} ${peerOf(s)}`)
  return {
    verdicts: [
      ...[...readers].map(([group, members]) => ofReader(machine, group, members)),
      ...[...writers].map(([group, members]) => ofWriter(machine, `to ${group}`, members)),
    ],
  }
}

function isFull({ socket, octets }: Unread): boolean {
  const rcvbuf = socket.skmem?.rcvbuf
  const held = socket.skmem?.rmem_alloc ?? octets
  return rcvbuf !== undefined && held >= FULL * rcvbuf
}

/** In the persist timer at both looks, so the window has been closed for as long. */
function* probing(machine: MachineFacts): Generator<SocketAt> {
  for (const at of socketsIn(machine, 'ESTABLISHED')) {
    if (at.socket.timer?.kind !== 'persist') continue
    const first = before(machine, at.netns)?.sockets.find(
      (s) => s.inode === at.socket.inode && s.remote.port === at.socket.remote.port,
    )
    if (first?.timer?.kind === 'persist') yield at
  }
}

function peerOf({ netns, socket }: SocketAt): string {
  return isServed(netns, socket) ? `:${socket.local.port}` : endpointText(socket.remote)
}

function ofReader(machine: MachineFacts, group: string, members: readonly Unread[]): Verdict {
  const { netns, socket, octets, ageMs } = members[0]!
  const owner = ownerOf(machine, socket.inode)
  const stalled = ageMs ?? machine.forMs
  return onMachine(machine, {
    certainty: owner === null ? 'likely' : 'confirmed',
    severity: 'problem',
    side: 'client',
    process: owner === null ? null : processOf(machine, owner),
    because: [
      say(
        'buffer-full',
        { count: members.length, octets, stalled },
        socketRef(machine, netns, socket),
      ),
    ],
    group,
    values: { server: endpointText(socket.remote), reader: machine.name, port: socket.remote.port },
    subject: socketsOf(members, socket.remote),
  })
}

function ofWriter(machine: MachineFacts, group: string, members: readonly SocketAt[]): Verdict {
  const { netns, socket } = members[0]!
  const served = isServed(netns, socket)
  const end = served ? socket.local : socket.remote
  return onMachine(machine, {
    variant: 'peer-does-not-read',
    certainty: 'likely',
    severity: 'problem',
    side: served ? 'client' : 'server',
    because: [
      say(
        'persist',
        { count: members.length, for: machine.forMs },
        socketRef(machine, netns, socket),
      ),
    ],
    group: `${netnsName(netns)} ${group}`,
    values: { server: endpointText(end), reader: socket.remote.address, port: end.port },
    subject: socketsOf(members, end),
  })
}
