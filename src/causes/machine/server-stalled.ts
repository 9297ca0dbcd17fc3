import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { heldUpBy } from './held-up.ts'
import {
  acceptorOf,
  type CulpritProcess,
  endpointText,
  isStopped,
  netnsName,
  ownerOf,
  processOf,
  processRef,
  socketRef,
} from './lookup.ts'
import { type Unread, unreadOf } from './unread.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('server-stalled')

const SEVERAL = 3

/**
 * Requests that lie in the kernel of this host: accepted and not read, or not even accepted. Both looks show them.
 * @see Linux net/ipv4/inet_connection_sock.c inet_csk_accept
 */
export function judgeStalled(machine: MachineFacts): Judgement {
  const waiting = [...unreadOf(machine)].filter(
    (u) => u.served && (u.queued ? !overflows(u) : u.octets > 0 && !isHeldUp(u)),
  )
  const groups = groupBy(
    waiting,
    (u) => `${netnsName(u.netns)} ${ownerPid(machine, u)} ${u.socket.local.port} ${u.queued}`,
  )
  return { verdicts: [...groups].map(([group, members]) => judgeGroup(machine, group, members)) }
}

/** Its queue is over the limit: told as that (accept-queue-overflow). */
function overflows({ netns, socket }: Unread): boolean {
  const listener = netns.listeners.find((l) => l.local.port === socket.local.port)
  return listener !== undefined && listener.limit !== null && listener.depth > listener.limit
}

/** Its answer is not taken, so it cannot go on to the next request: zero-window-stall. */
function isHeldUp({ socket }: Unread): boolean {
  return socket.timer?.kind === 'persist'
}

/** Of a connection that nobody accepted: of its listener. */
function ownerPid(machine: MachineFacts, unread: Unread): number | '?' {
  return ownerAt(machine, unread)?.pid ?? '?'
}

function ownerAt(machine: MachineFacts, { netns, socket, queued }: Unread) {
  if (!queued) return ownerOf(machine, socket.inode)
  const listener = netns.listeners.find((l) => l.local.port === socket.local.port)
  return listener === undefined ? null : acceptorOf(machine, listener)
}

function judgeGroup(machine: MachineFacts, group: string, members: readonly Unread[]): Verdict {
  const oldest = members.reduce((a, b) => ((b.ageMs ?? 0) > (a.ageMs ?? 0) ? b : a))
  const owner = ownerAt(machine, oldest)
  const process = owner === null ? null : processOf(machine, owner)
  const { netns, socket, queued } = oldest
  const at = socketRef(machine, netns, socket)
  const count = members.length
  const octets = members.reduce((sum, m) => sum + m.octets, 0)
  const waited = oldest.ageMs ?? machine.forMs
  const many = count >= SEVERAL
  return onMachine(machine, {
    ...(queued ? { variant: 'not-accepting' } : {}),
    certainty: many && process !== null ? 'confirmed' : 'likely',
    severity: many || queued ? 'problem' : 'notice',
    side: 'server',
    process,
    because: [
      queued
        ? say('not-accepted', { count, waited }, at)
        : say('not-read', { count, octets, waited }, at),
      ...becauseOfProcess(machine, process),
    ],
    against: many ? [] : [say('few-on-host', {}, at)],
    ...(process === null ? {} : heldUpBy(machine, process.pid)),
    group,
    values: { server: endpointText(socket.local), port: socket.local.port, waited, octets },
    subject: socketsOf(members, socket.local),
  })
}

/** A stopped process explains it all. */
function becauseOfProcess(machine: MachineFacts, process: CulpritProcess | null): Reason[] {
  if (process === null || !isStopped(machine, process.pid)) return []
  const { pid, command } = process
  return [say('stopped', { who: command, pid }, processRef(machine, pid, 'State: T'))]
}
