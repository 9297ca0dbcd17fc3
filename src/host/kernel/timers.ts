// Linux net/ipv4/tcp_ipv4.c get_tcp4_sock (column tr) and net/ipv4/inet_diag.c inet_sk_diag_fill (idiag_timer), v6.18:
// the same numbers in both.

const byNumber = {
  1: 'retransmission', // also early retransmit and loss probe
  2: 'keepalive', // or FIN-WAIT-2, or the SYN-ACK timer of old kernels
  3: 'time-wait',
  4: 'persist',
} as const

export type TcpTimer = (typeof byNumber)[keyof typeof byNumber]

/** @returns null when no timer runs, or for a number that the table does not know. */
export function tcpTimer(number: number): TcpTimer | null {
  return (byNumber as Record<number, TcpTimer>)[number] ?? null
}

/** What /proc/net/tcp counts in is not the kernel's HZ but USER_HZ, 100 a second everywhere but on alpha. */
export const USER_HZ_MS = 10
