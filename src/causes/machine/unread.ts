import type { MachineFacts, SocketFact } from '../../evidence/machine.ts'
import { before, isServed, type SocketAt, socketsIn } from './lookup.ts'

/** A connection whose octets have waited unread at both looks, the queue no shorter. */
export interface Unread extends SocketAt {
  octets: number
  /** Since the last data came; null: not told. */
  ageMs: number | null
  /** This host's end is the server's. */
  served: boolean
  /** Nobody has accepted it yet. */
  queued: boolean
}

const SETTLED_MS = 2000

/** Where data came at least 2 s ago and lie there still: a reader that is at work takes microseconds. */
export function* unreadOf(machine: MachineFacts): Generator<Unread> {
  const firsts = new Map<number, Map<string, SocketFact>>()
  for (const at of socketsIn(machine, 'ESTABLISHED')) {
    const { netns, socket } = at
    if (socket.idiag_rqueue === 0 && socket.inode !== 0) continue
    // Its own writing stands still: whoever it waits for does not read (zero-window-stall).
    if (socket.timer?.kind === 'persist') continue
    const age = socket.tcpInfo?.tcpi_last_data_recv
    const ageMs = age === undefined ? null : Number(age)
    if (ageMs !== null && ageMs < SETTLED_MS) continue
    let known = firsts.get(netns.id)
    if (known === undefined) {
      const all = before(machine, netns)?.sockets ?? []
      const waiting = all.filter((s) => s.idiag_rqueue > 0 || s.inode === 0)
      known = new Map(waiting.map((s) => [keyOf(s), s]))
      firsts.set(netns.id, known)
    }
    const first = known.get(keyOf(socket))
    if (first === undefined || first.idiag_rqueue < socket.idiag_rqueue) continue
    if (first.inode !== socket.inode || first.idiag_rqueue > socket.idiag_rqueue) continue
    const served = isServed(netns, socket)
    yield {
      ...at,
      octets: socket.idiag_rqueue,
      ageMs,
      served,
      queued: socket.inode === 0 && served,
    }
  }
}

function keyOf({ local, remote }: SocketFact): string {
  return `${local.address} ${local.port} ${remote.address} ${remote.port}`
}
