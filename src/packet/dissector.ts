import type { Walk } from './walk.ts'

/**
 * One layer of a packet. It reads what it needs at `at`, fills fields of `walk.packet` and hands the rest on through
 * `walk.etherType()`, `walk.ipProtocol()`, ... so that no dissector knows another one by name.
 */
export interface Dissector {
  /** The file's name. */
  id: string
  title: string
  /** LINKTYPE_ numbers that begin with this layer. https://www.tcpdump.org/linktypes.html */
  links?: readonly number[]
  /** EtherTypes, also used by SLL, GRE, Geneve, NSH. https://www.iana.org/assignments/ieee-802-numbers */
  etherTypes?: readonly number[]
  /** PPP data link layer protocol numbers. */
  pppProtocols?: readonly number[]
  /** IP protocol numbers (IPv6: next header). */
  ipProtocols?: readonly number[]
  /** UDP destination ports. The port alone proves nothing: such a dissector checks what it finds. */
  udpPorts?: readonly number[]
  /**
   * Never reads outside [at, walk.end) and never throws.
   * @param at  first octet of this layer; may be >= walk.end
   * @returns KIND_* of the innermost thing that was understood
   */
  dissect(walk: Walk, at: number): number
}
