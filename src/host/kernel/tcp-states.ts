// Linux include/net/tcp_states.h, v6.18. Names as in RFC 9293 §3.3.2.

/** By the kernel's number; NEW_SYN_RECV (12) is a request that has no socket yet, in RFC words the same state. */
const byNumber = {
  1: 'ESTABLISHED',
  2: 'SYN-SENT',
  3: 'SYN-RECEIVED',
  4: 'FIN-WAIT-1',
  5: 'FIN-WAIT-2',
  6: 'TIME-WAIT',
  7: 'CLOSED',
  8: 'CLOSE-WAIT',
  9: 'LAST-ACK',
  10: 'LISTEN',
  11: 'CLOSING',
  12: 'SYN-RECEIVED',
  13: 'BOUND-INACTIVE',
} as const

/** BOUND-INACTIVE is Linux's own: bound, neither listening nor connected, and shown only to who asks for it. */
export type TcpState = (typeof byNumber)[keyof typeof byNumber]

/** @returns null for a number that the table does not know. */
export function tcpState(number: number): TcpState | null {
  return (byNumber as Record<number, TcpState>)[number] ?? null
}

/** The bits of `idiag_states` for these states: 1 << number. */
export function stateBits(states: readonly TcpState[]): number {
  let bits = 0
  for (const [number, state] of Object.entries(byNumber)) {
    if (states.includes(state)) bits |= 1 << Number(number)
  }
  return bits >>> 0
}
