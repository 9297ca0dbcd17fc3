import type { Packet } from '../packet/packet.ts'

/** An ICMP error that quotes a segment of a connection. */
export interface IcmpRecord {
  t: number
  frame: number
  from: string
  family: 4 | 6
  type: number
  code: number
  mtu: number
  quotesClient: boolean
}

export function icmpRecord(
  p: Packet,
  t: number,
  frame: number,
  from: string,
  quotesClient: boolean,
): IcmpRecord {
  return {
    t,
    frame,
    from,
    family: p.icmpFromFamily,
    type: p.icmpType,
    code: p.icmpCode,
    mtu: p.icmpMtu,
    quotesClient,
  }
}

const V4_UNREACHABLE = [
  'net-unreachable',
  'host-unreachable',
  'protocol-unreachable',
  'port-unreachable',
  'fragmentation-needed',
  'source-route-failed',
  'net-unknown',
  'host-unknown',
  'source-isolated',
  'net-prohibited',
  'host-prohibited',
  'net-unreachable-tos',
  'host-unreachable-tos',
  'admin-prohibited',
  'precedence-violation',
  'precedence-cutoff',
] as const

const V6_UNREACHABLE = [
  'net-unreachable',
  'admin-prohibited',
  'beyond-scope',
  'host-unreachable',
  'port-unreachable',
  'policy-failed',
  'reject-route',
] as const

/** RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3. */
export function icmpMeaning(family: 4 | 6, type: number, code: number): string {
  if (family === 4 && type === 3) return V4_UNREACHABLE[code] ?? 'unreachable'
  if (family === 6 && type === 1) return V6_UNREACHABLE[code] ?? 'unreachable'
  if (family === 6 && type === 2) return 'fragmentation-needed'
  if ((family === 4 && type === 11) || (family === 6 && type === 3)) return 'time-exceeded'
  if (family === 4 && type === 4) return 'source-quench'
  return 'parameter-problem'
}
