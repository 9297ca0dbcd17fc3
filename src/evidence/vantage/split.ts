import type { ConnectionFacts, Segment } from '../connection.ts'
import { ACK, type Pair, SYN } from './view.ts'

/**
 * Two handshakes of one connection: a box answers the client itself and then connects to the server (SYN proxy), whose numbers it
 * rewrites from then on. A firewall that only rewrites numbers passes the SYN-ACK on, with its timestamp or IP-ID.
 */
export function isHandshakeSplit({ near, far }: Pick<Pair, 'near' | 'far'>): boolean {
  const [one, other] = [near.sides.server.isn, far.sides.server.isn]
  if (one === null || other === null || one === other) return false
  const [here, there] = [synAckOf(near), synAckOf(far)]
  if (here === undefined || there === undefined) return true
  const sameStamp = here.tsVal !== null && here.tsVal === there.tsVal
  return !sameStamp && !(here.ipId > 0 && here.ipId === there.ipId)
}

function synAckOf({ head }: ConnectionFacts): Segment | undefined {
  return head.find((s) => s.from === 'server' && (s.flags & (SYN | ACK)) === (SYN | ACK))
}
