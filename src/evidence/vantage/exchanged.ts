import type { Side } from '../connection.ts'
import type { Pair } from './view.ts'

/** So many pairs that all say the same are no accident of one route. */
const ENOUGH = 3

/**
 * Whether `near` is the server's capture and `far` the client's: routers count TTLs down, so what a side sends has a
 * higher TTL in the capture nearer to it. A pair counts only if both of its directions agree (something on the way may
 * set the TTLs of one); without a router in between nothing is told.
 */
export function rolesExchanged(pairs: readonly Pair[]): 'surely' | 'perhaps' | null {
  let right = 0
  let wrong = 0
  for (const pair of pairs) {
    const [client, server] = [hopsFromNear(pair, 'client'), hopsFromNear(pair, 'server')]
    if (client > 0 && server < 0) right++
    else if (client < 0 && server > 0) wrong++
  }
  if (wrong <= right) return null
  return wrong >= ENOUGH && wrong === pairs.length ? 'surely' : 'perhaps'
}

/** By how much the side's TTL is lower in the far view; 0 = alike or not told (one value is needed on either end). */
function hopsFromNear({ near, far }: Pair, side: Side): number {
  const here = near.sides[side].ttls.filter((ttl) => ttl > 0)
  const there = far.sides[side].ttls.filter((ttl) => ttl > 0)
  return here.length === 0 || there.length === 0 ? 0 : Math.max(...here) - Math.max(...there)
}
