import type { ConnectionFacts } from '../connection.ts'
import { ACK, SYN } from './view.ts'

/** A connection that one capture holds on both sides of a box that answered its handshake itself, under the same addresses. */
export interface SplitHandshake {
  /** First sequence numbers of the server, unsigned: as the client has it from the box, and the server's own. */
  near: number
  far: number
}

/**
 * The client had acknowledged a SYN-ACK, and then its SYN is there once more, with the same number, and another SYN-ACK: no client
 * does that, a SYN proxy between two interfaces does (nft synproxy, firewalls under attack).
 */
export function splitHandshakeOf({ head, sides }: ConnectionFacts): SplitHandshake | null {
  const isn = sides.server.isn
  if (isn === null) return null
  const is = (flags: number) => (flags & (SYN | ACK)) as number
  const first = head.findIndex((s) => s.from === 'server' && is(s.flags) === (SYN | ACK))
  const acked = head.findIndex(
    (s, i) => i > first && first >= 0 && s.from === 'client' && is(s.flags) === ACK,
  )
  const again = head.findIndex(
    (s, i) => i > acked && acked >= 0 && s.from === 'client' && is(s.flags) === SYN && s.seq === 0,
  )
  const second = head.find(
    (s, i) => i > again && again >= 0 && s.from === 'server' && is(s.flags) === (SYN | ACK),
  )
  if (second === undefined || second.seq === head[first]!.seq) return null
  return { near: (isn + head[first]!.seq) >>> 0, far: (isn + second.seq) >>> 0 }
}
