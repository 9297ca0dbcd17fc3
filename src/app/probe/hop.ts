// Linux include/uapi/linux/in.h, in6.h, asm-generic/socket.h, asm-generic/errno.h (v6.18): the same numbers on x86-64 and arm64.
import type { HopAnswer, WatchTarget } from '../../probe/port.ts'
import type { Libc } from '../kernel/libc.ts'

const AF_INET = 2
const AF_INET6 = 10
const STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000
const SOL_SOCKET = 1
const SO_ERROR = 4
const IPPROTO_IP = 0
const IP_TTL = 2
const IPPROTO_IPV6 = 41
const IPV6_UNICAST_HOPS = 16
const IPPROTO_TCP = 6
const TCP_INFO = 11
const TCP_ESTABLISHED = 1
const ECONNREFUSED = 111
const EHOSTUNREACH = 113
const ENETUNREACH = 101
const POLL_MS = 5

/** A connect() whose SYN dies at the given hop: who sends what back. */
export async function askHop(
  libc: Libc,
  to: WatchTarget,
  { ttl, limitMs }: { ttl: number; limitMs: number },
): Promise<HopAnswer | null> {
  const isV4 = to.family === 4
  const fd = libc.socket(isV4 ? AF_INET : AF_INET6, STREAM_NONBLOCK_CLOEXEC, IPPROTO_TCP)
  if (fd < 0) return null
  try {
    const [level, name] = isV4 ? [IPPROTO_IP, IP_TTL] : [IPPROTO_IPV6, IPV6_UNICAST_HOPS]
    if (libc.setsockopt(fd, level, name, int32(ttl), 4) !== 0) return null
    const address = sockaddrOf(to)
    const start = performance.now()
    libc.connect(fd, address, address.length)
    const localPort = portOf(libc, fd)
    for (;;) {
      const is = answerOf(libc, fd)
      const afterMs = performance.now() - start
      if (is !== null) return { ttl, is, afterMs, localPort }
      if (afterMs > limitMs) return { ttl, is: 'nothing', afterMs: null, localPort }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    libc.close(fd)
  }
}

function answerOf(libc: Libc, fd: number): HopAnswer['is'] | null {
  const error = option(libc, fd, SOL_SOCKET, SO_ERROR, 4)?.getInt32(0, true) ?? 0
  if (error === ECONNREFUSED) return 'rst'
  if (error === EHOSTUNREACH || error === ENETUNREACH) return 'icmp'
  if (error !== 0) return 'icmp'
  const state = option(libc, fd, IPPROTO_TCP, TCP_INFO, 8)?.getUint8(0)
  return state === TCP_ESTABLISHED ? 'syn-ack' : null
}

function option(libc: Libc, fd: number, level: number, name: number, octets: number) {
  const value = new Uint8Array(octets)
  return libc.getsockopt(fd, level, name, value, int32(octets)) === 0
    ? new DataView(value.buffer)
    : null
}

function portOf(libc: Libc, fd: number): number | null {
  const address = new Uint8Array(28)
  if (libc.getsockname(fd, address, int32(28)) !== 0) return null
  return new DataView(address.buffer).getUint16(2, false)
}

/** Little-endian: koffi's builds for Linux are. */
function int32(value: number): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setInt32(0, value, true)
  return octets
}

function sockaddrOf({ address, family, port }: WatchTarget): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 16 : 28)
  const view = new DataView(octets.buffer)
  view.setUint16(0, family === 4 ? AF_INET : AF_INET6, true)
  view.setUint16(2, port, false)
  if (family === 4) octets.set(address.split('.').map(Number), 4)
  else for (const [i, group] of groupsOf(address).entries()) view.setUint16(8 + 2 * i, group, false)
  return octets
}

/** The eight groups of an IPv6 address as a resolver writes it; a zone is left out. */
function groupsOf(text: string): number[] {
  const [head = '', tail] = (text.split('%')[0] ?? '').split('::')
  const words = (part: string) =>
    part === '' ? [] : part.split(':').flatMap((word) => groupOf(word))
  const [first, last] = [words(head), words(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - first.length - last.length
  return [...first, ...Array.from({ length: gap }, () => 0), ...last]
}

function groupOf(word: string): number[] {
  if (!word.includes('.')) return [Number.parseInt(word, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number)
  return [(a << 8) | b, (c << 8) | d]
}
