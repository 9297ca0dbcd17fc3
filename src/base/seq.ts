// 32-bit sequence arithmetic, RFC 9293 §3.4: compare by signed difference, so that the wrap at 2^32 does not matter.
// Inside tcpwhy a sequence number is an int32 (`seq | 0`); the sign has no meaning of its own.

/** Signed distance from `from` to `to` in octets, in [-2^31, 2^31). */
export function seqDiff(to: number, from: number): number {
  return (to - from) | 0
}

/** The sequence number `octets` after `seq`. */
export function seqAdd(seq: number, octets: number): number {
  return (seq + octets) | 0
}

/** The later of two sequence numbers that are less than 2^31 apart. */
export function seqMax(a: number, b: number): number {
  return ((a - b) | 0) >= 0 ? a : b
}
