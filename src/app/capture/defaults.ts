/**
 * Octets kept of a packet: Linux cooked (20) or Ethernet with a VLAN tag (18), IPv6 (40), TCP with all options (60);
 * through VXLAN over IPv4 (20 + 20 + 8 + 8 + 14) still IPv6 and a TCP header with the usual options (40 + 40).
 */
export const HEADER_OCTETS = 160

/** What says why a connection died: TCP, and the errors that routers and hosts report. */
export const DEFAULT_FILTER = 'tcp or icmp or icmp6'
