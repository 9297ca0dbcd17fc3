import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts, SocketFact } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import {
  before,
  endpointText,
  isServed,
  netnsName,
  ownerOf,
  processOf,
  type SocketAt,
  serverEnd,
  socketRef,
  socketsIn,
  socketText,
} from './lookup.ts'

const say = reasonsOf('close-wait-leak')

const SETTLED_MS = 5000 // tcp-resets.md #40: a program that closes does so within moments
const OLD_MS = 60_000 // Linux TCP_FIN_TIMEOUT: by now the peer's FIN-WAIT-2 is gone, nothing can follow
const SEVERAL = 3
const MAX_EXAMPLES = 5

interface Held extends SocketAt {
  /** Since its last data came; the FIN came then or later. null: not told. */
  ageMs: number | null
  /** In CLOSE-WAIT at both looks. */
  throughout: boolean
}

/**
 * Sockets whose peer has closed and whose process has not, by process and peer.
 * @see RFC 9293 §3.6 · Linux net/ipv4/tcp_input.c tcp_fin: CLOSE-WAIT has no timer
 */
export function judgeCloseWait(machine: MachineFacts): Judgement {
  const held: Held[] = []
  const firsts = new Map<number, ReadonlyMap<number, SocketFact>>()
  for (const at of socketsIn(machine, 'CLOSE-WAIT')) {
    // Without a descriptor it waits in an accept queue: its listener's affair.
    if (at.socket.inode === 0) continue
    const first = firsts.get(at.netns.id) ?? waitingBefore(machine, at)
    firsts.set(at.netns.id, first)
    held.push({ ...at, ...agesOf(at, first) })
  }
  const groups = groupBy(held, (h) => groupOf(machine, h))
  const verdicts: Verdict[] = []
  for (const [group, members] of groups) {
    const verdict = judgeGroup(machine, group, members)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

/** By inode, those that were in CLOSE-WAIT at the first look. */
function waitingBefore(machine: MachineFacts, { netns }: SocketAt): Map<number, SocketFact> {
  const all = before(machine, netns)?.sockets ?? []
  return new Map(all.filter((s) => s.state === 'CLOSE-WAIT').map((s) => [s.inode, s]))
}

function agesOf({ socket }: SocketAt, firsts: ReadonlyMap<number, SocketFact>) {
  const age = socket.tcpInfo?.tcpi_last_data_recv
  const first = firsts.get(socket.inode)
  return {
    ageMs: age === undefined ? null : Number(age),
    throughout: first !== undefined && isSame(first, socket),
  }
}

function isSame(a: SocketFact, b: SocketFact): boolean {
  return a.cookie !== null && b.cookie !== null ? a.cookie === b.cookie : a.inode === b.inode
}

/** By who holds it and with whom: a pool's peer is one endpoint, a server's peers are many clients of one port. */
function groupOf(machine: MachineFacts, { netns, socket }: Held): string {
  const pid = ownerOf(machine, socket.inode)?.pid ?? '?'
  const end = isServed(netns, socket) ? `on :${socket.local.port}` : endpointText(socket.remote)
  return `${netnsName(netns)} ${pid} ${end}`
}

function judgeGroup(machine: MachineFacts, group: string, held: readonly Held[]): Verdict | null {
  const settled = held.filter((h) => (h.ageMs ?? 0) >= SETTLED_MS && h.throughout)
  const old = settled.filter((h) => (h.ageMs ?? 0) >= OLD_MS)
  const lasting = settled.length > 0 ? settled : held.filter((h) => h.throughout)
  if (lasting.length === 0) return null
  const many = settled.length >= SEVERAL
  const certain = many || old.length > 0
  const { netns, socket } = oldestOf(lasting)
  const owner = ownerOf(machine, socket.inode)
  const process = owner === null ? null : processOf(machine, owner)
  const served = isServed(netns, socket)
  const far = served ? socket.local : socket.remote
  return {
    connections: [],
    certainty: certain && process !== null ? 'confirmed' : certain ? 'likely' : 'possible',
    severity: certain ? 'problem' : 'notice',
    weight: certain ? 90 : 40,
    culprit: {
      side: served ? 'server' : 'client',
      host: machine.name,
      ...(process === null ? {} : { process }),
    },
    because: becauseOf(machine, lasting),
    against: againstOf(machine, lasting),
    values: {
      who: process === null ? machine.name : `${process.command} (pid ${process.pid})`,
      pid: process?.pid ?? 'PID',
      peer: served ? `clients of its port ${socket.local.port}` : endpointText(socket.remote),
      port: far.port,
      holder: machine.name,
      server: endpointText(far),
      closer: served ? 'client' : 'server',
    },
    group,
    machine: {
      source: machine.source,
      count: lasting.length,
      of: netns.sockets.length,
      what: 'sockets',
      examples: lasting.slice(0, MAX_EXAMPLES).map((h) => socketText(h.socket)),
      server: serverEnd(far),
    },
  }
}

function oldestOf(held: readonly Held[]): Held {
  return held.reduce((a, b) => ((b.ageMs ?? 0) > (a.ageMs ?? 0) ? b : a))
}

function becauseOf(machine: MachineFacts, held: readonly Held[]): Reason[] {
  const oldest = oldestOf(held)
  const refTo = (h: Held) => socketRef(machine, h.netns, h.socket)
  const because = [
    oldest.ageMs === null
      ? say('held-throughout', { count: held.length, for: machine.forMs }, refTo(oldest))
      : say('held-for', { count: held.length, age: oldest.ageMs }, refTo(oldest)),
  ]
  const unread = held.filter((h) => h.socket.idiag_rqueue > 1)
  const unseen = held.filter((h) => h.socket.idiag_rqueue === 1)
  const read = held.filter((h) => h.socket.idiag_rqueue === 0)
  // The FIN counts as one octet of the receive queue until it is read.
  if (unread[0] !== undefined) {
    const octets = Math.max(...unread.map((h) => h.socket.idiag_rqueue - 1))
    because.push(say('unread-octets', { count: unread.length, octets }, refTo(unread[0])))
  }
  if (unseen[0] !== undefined)
    because.push(say('fin-unread', { count: unseen.length }, refTo(unseen[0])))
  if (read[0] !== undefined) because.push(say('fin-read', { count: read.length }, refTo(read[0])))
  return because
}

function againstOf(machine: MachineFacts, held: readonly Held[]): Reason[] {
  const writing = held.find((h) => h.socket.idiag_wqueue !== null && h.socket.idiag_wqueue > 0)
  if (writing === undefined) return []
  return [say('still-writing', {}, socketRef(machine, writing.netns, writing.socket))]
}
