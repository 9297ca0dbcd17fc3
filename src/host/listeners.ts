import { formatEndpoint, formatIpv4, formatIpv6 } from '../base/addresses.ts'
import type { HostPort } from './host-port.ts'

/** A listening socket of this network namespace. */
export interface Listener {
  /** "0.0.0.0:80", "[::]:443". */
  local: string
  /** Connections in its accept queue now: Recv-Q of `ss -l`, sk_ack_backlog. */
  waiting: number
}

/** Listeners come first in these files, some 150 octets each: enough for 25,000 of them. */
const MAX_OCTETS = 4_000_000
const FILES = ['/proc/net/tcp', '/proc/net/tcp6'] as const

/**
 * All listeners, those with the longest queue first; null where /proc does not tell.
 * @see Linux net/ipv4/tcp_ipv4.c get_tcp4_sock: of a listener rx_queue is sk_ack_backlog. Its backlog is not there.
 */
export async function readListeners(host: HostPort): Promise<Listener[] | null> {
  const texts = await Promise.all(FILES.map((path) => host.readText(path, MAX_OCTETS)))
  const known = texts.filter((text) => text !== null)
  if (known.length === 0) return null
  return known
    .flatMap((text) => parseListeners(text, host.endianness()))
    .sort((a, b) => b.waiting - a.waiting)
}

// "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 ...": local, remote, state, tx_queue:rx_queue
const LISTENER =
  /^ *\d+: ([\dA-F]{8}|[\dA-F]{32}):([\dA-F]{4}) [\dA-F]+:[\dA-F]{4} 0A [\dA-F]{8}:([\dA-F]{8}) /gm

/** Listeners of the text of /proc/net/tcp or tcp6; what is not a line of a listener is passed over. */
export function parseListeners(text: string, endianness: 'BE' | 'LE'): Listener[] {
  return [...text.matchAll(LISTENER)].map(([, address = '', port = '', waiting = '']) => ({
    local: formatEndpoint(formatAddress(address, endianness), Number.parseInt(port, 16)),
    waiting: Number.parseInt(waiting, 16),
  }))
}

/** The kernel prints each 32-bit word of an address as a number of the machine. */
function formatAddress(hex: string, endianness: 'BE' | 'LE'): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => {
    const number = Number.parseInt(word, 16)
    return endianness === 'BE' ? number | 0 : swap(number)
  })
  return words.length === 1 ? formatIpv4(words[0] ?? 0) : formatIpv6(words)
}

function swap(word: number): number {
  return (
    ((word & 0xff) << 24) |
    ((word & 0xff00) << 8) |
    ((word >>> 8) & 0xff00) |
    ((word >>> 24) & 0xff)
  )
}
