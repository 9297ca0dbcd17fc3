import type { ConnectionFacts, IcmpFacts } from '../evidence/connection.ts'

/**
 * What an ICMP error says about a connect: 'prohibited' a filter says so; 'port' no such port (for TCP only filters say
 * this: a host answers with RST); 'unreachable' no way to the host or net; 'loop' the hop limit ran out.
 */
export type IcmpKind = 'prohibited' | 'port' | 'unreachable' | 'loop'

/** @see RFC 792, RFC 1812 §5.2.7.1 (codes 9, 10, 13), RFC 4443 §3.1, §3.3 */
export function icmpKind(icmp: IcmpFacts): IcmpKind | null {
  return icmp.from.includes(':') ? kindV6(icmp) : kindV4(icmp)
}

function kindV4({ type, code }: IcmpFacts): IcmpKind | null {
  if (type === 11) return code === 0 ? 'loop' : null
  if (type !== 3) return null
  if (code === 9 || code === 10 || code === 13) return 'prohibited'
  if (code === 3 || code === 2) return 'port'
  return [0, 1, 5, 6, 7, 8, 11, 12].includes(code) ? 'unreachable' : null
}

function kindV6({ type, code }: IcmpFacts): IcmpKind | null {
  if (type === 3) return code === 0 ? 'loop' : null
  if (type !== 1) return null
  if (code === 1 || code === 5 || code === 6) return 'prohibited'
  if (code === 4) return 'port'
  return code === 0 || code === 2 || code === 3 ? 'unreachable' : null
}

/** The first ICMP error of these kinds that quotes the client's packets. */
export function firstIcmp(
  connection: ConnectionFacts,
  kinds: readonly IcmpKind[],
): { icmp: IcmpFacts; kind: IcmpKind } | null {
  for (const icmp of connection.icmp) {
    const kind = icmpKind(icmp)
    if (icmp.quotes === 'client' && kind !== null && kinds.includes(kind)) return { icmp, kind }
  }
  return null
}
