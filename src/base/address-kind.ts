/** Where an address leads: decides what may be sent there without asking. */
export type AddressKind =
  | 'loopback'
  | 'private'
  | 'public'
  | 'multicast'
  | 'broadcast'
  | 'unspecified'
  | 'reserved'

const MAPPED = /^(?:0{0,4}:){0,4}:?(?:0{0,4}:)?ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * @param address  an IPv4 or IPv6 address without zone or port; what is neither is 'reserved'
 * @see RFC 1918, RFC 3927 (link-local), RFC 4193 (fc00::/7), RFC 5771 (224/4), RFC 1112 §4 (240/4), RFC 6598 (100.64/10 is not ours)
 */
export function kindOfAddress(address: string): AddressKind {
  const plain = address.split('%')[0] ?? ''
  if (!plain.includes(':')) return kindOfIpv4(plain)
  const mapped = MAPPED.exec(plain)?.[1]
  return mapped === undefined ? kindOfIpv6(plain.toLowerCase()) : kindOfIpv4(mapped)
}

function kindOfIpv4(address: string): AddressKind {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return 'reserved'
  const [a = 0, b = 0] = address.split('.').map(Number)
  if (address === '255.255.255.255') return 'broadcast'
  if (a === 127) return 'loopback'
  if (a === 0) return 'unspecified'
  if (a === 10 || (a === 192 && b === 168) || (a === 169 && b === 254)) return 'private'
  if (a === 172 && b >= 16 && b < 32) return 'private'
  if (a >= 224 && a < 240) return 'multicast'
  return a >= 240 ? 'reserved' : 'public'
}

function kindOfIpv6(address: string): AddressKind {
  if (/^[0:]+$/.test(address)) return 'unspecified'
  if (/^[0:]+:0*1$/.test(address)) return 'loopback'
  if (/^f[cd]/.test(address) || /^fe[89ab]/.test(address)) return 'private'
  return address.startsWith('ff') ? 'multicast' : 'public'
}
