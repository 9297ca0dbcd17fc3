import type { Ns } from '../base/time.ts'
import * as L from './layout.ts'

// What is added up of a finished connection, for its server and its path.

export function serverSpokeFirst(
  floats: Float64Array,
  ints: Int32Array,
  c: number,
  s: number,
): boolean {
  if ((ints[c + L.S_BITS]! & L.SB_DATA) === 0) return true
  return floats[(s + L.S_DATA_FIRST_T) >> 1]! < floats[(c + L.S_DATA_FIRST_T) >> 1]!
}

/**
 * How long the finished handshake waited for the server's application to say anything, its FIN included; to the last segment
 * where it never did. 0 where the end of the handshake was not seen.
 */
export function waitedForServer(ints: Int32Array, floats: Float64Array, at: number): Ns {
  if (ints[at + L.R_ACK_FRAME] === 0) return 0
  return serverBegan(ints, floats, at) - floats[(at + L.R_ACK_T) >> 1]!
}

function serverBegan(ints: Int32Array, floats: Float64Array, at: number): Ns {
  const s = at + L.SERVER_SIDE
  const bits = ints[s + L.S_BITS]!
  if ((bits & L.SB_DATA) !== 0) return floats[(s + L.S_DATA_FIRST_T) >> 1]!
  if ((bits & L.SB_FIN) !== 0) return floats[(s + L.S_FIN_T) >> 1]!
  return floats[(at + L.R_LAST_T) >> 1]!
}

export function retransmitted(ints: Int32Array, o: number): number {
  return (
    ints[o + L.S_RTO]! +
    ints[o + L.S_FAST]! +
    ints[o + L.S_RE_SYN]! +
    ints[o + L.S_RE_SYNACK]! +
    ints[o + L.S_RE_FIN]!
  )
}

/** Packets with payload are not counted one by one; octets over the longest segment is close enough for a rate. */
export function dataPackets(ints: Int32Array, floats: Float64Array, o: number): Ns {
  const octets = floats[(o + L.S_OCTETS) >> 1]!
  const longest = Math.max(Math.max(ints[o + L.S_BIG_ACKED]!, ints[o + L.S_BIG_SENT]!), 1)
  return Math.min(ints[o + L.S_PACKETS]!, Math.ceil(octets / longest))
}
