import { AddressBook, formatEndpoint } from '../../base/addresses.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { openCaptures } from '../../capture/open.ts'
import { Decoder } from '../../packet/decode.ts'
import { ACK, FIN, KIND_ICMP_ERROR, KIND_TCP, Packet, RST, SYN } from '../../packet/packet.ts'
import type { PacketSeen, PacketWatch, WatchTarget } from '../../probe/port.ts'
import { startTcpdump, type Tcpdump } from '../capture/tcpdump.ts'

/** Ethernet, VLAN, IPv6 and a TCP header with all options, or an ICMP error with what it quotes of one: no payload. */
const SNAP_OCTETS = 192
/** What is remembered of one connection, and of how many. */
const MAX_SEEN = 16
const MAX_CONNECTIONS = 65_536
/** tcpdump gets and writes each packet at once; a busy machine may let it wait. */
const SETTLE_MS = 400

/**
 * Handshakes and endings that come from these ends, by one tcpdump of headers beside the experiment.
 * @returns why not, where this process may not, or tcpdump is not installed
 */
export async function watchPackets(
  ends: readonly WatchTarget[],
): Promise<readonly PacketWatch[] | { cannot: string }> {
  try {
    const tcpdump = await startTcpdump({
      target: { netns: null, pid: null, label: 'this host' },
      interface: 'any',
      snapLen: SNAP_OCTETS,
      filter: filterOf(ends),
      promiscuous: false,
      immediate: true,
    })
    return watching(tcpdump, ends)
  } catch (error) {
    if (error instanceof TcpwhyError) return { cannot: error.message.replace(/\.$/, '') }
    throw error
  }
}

const ICMP = {
  4: 'icmp[0] = 3 or icmp[0] = 11',
  6: 'icmp6 and (ip6[40] = 1 or ip6[40] = 3)',
} as const

function filterOf(ends: readonly WatchTarget[]): string {
  const families = new Set(ends.map(({ family }) => family))
  const icmp = [...families].map((family) => `(${ICMP[family]})`)
  return [...new Set([...ends.map(endFilter), ...icmp])].join(' or ')
}

/** Flags are at 13 of the TCP header; libpcap finds that header only in IPv4, and in IPv6 it follows at 40 where there are no extensions. */
function endFilter({ address, family, port }: WatchTarget): string {
  const from = `src host ${address.split('%')[0]} and tcp src port ${port}`
  const flags = family === 4 ? 'tcp[13]' : 'ip6[53]'
  return `(${from} and ${flags} & 7 != 0)`
}

/** By the far end, as its packets have it, and our port: two ends may be spoken to from one. */
type Seen = Map<string, PacketSeen[]>

function watching(tcpdump: Tcpdump, ends: readonly WatchTarget[]): PacketWatch[] {
  const seen: Seen = new Map()
  const reading = readAll(tcpdump, seen).catch(() => {
    // An empty capture, or one that was cut: what was seen until then is what is known.
  })
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve, SETTLE_MS))
  const close = async () => {
    tcpdump.stop()
    await tcpdump.ended
    await reading
  }
  return ends.map((end) => {
    const far = formatEndpoint(onTheWire(end), end.port)
    return { seen: (port) => seen.get(`${far} ${port}`) ?? [], settle, close }
  })
}

/** The spelling that a decoder has: without zone, IPv6 shortened, IPv4 as itself. */
function onTheWire({ address, family }: WatchTarget): string {
  const plain = address.split('%')[0] ?? ''
  if (family === 4) return plain
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  return mapped ?? new URL(`http://[${plain}]`).hostname.slice(1, -1)
}

async function readAll(tcpdump: Tcpdump, seen: Seen): Promise<void> {
  const reader = await openCaptures([{ name: 'tcpdump', bytes: tcpdump.octets }])
  const addresses = new AddressBook()
  const decoder = new Decoder(addresses)
  const packet = new Packet()
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const { view, bytes, starts, capLens, wireLens, links, count } = batch
    for (let i = 0; i < count; i++) {
      const [start, capLen] = [starts[i]!, capLens[i]!]
      const kind = decoder.decode(view, bytes, start, capLen, wireLens[i]!, links[i]!, packet)
      if (kind === KIND_TCP) remember(packet, addresses, seen)
      else if (kind === KIND_ICMP_ERROR) rememberIcmp(packet, addresses, seen)
    }
  }
}

function remember(packet: Packet, addresses: AddressBook, seen: Seen): void {
  const { flags, ttl, wnd, src, srcPort, dstPort, family } = packet
  const what =
    flags & RST ? 'rst' : flags & SYN && flags & ACK ? 'syn-ack' : flags & FIN ? 'fin' : null
  if (what === null) return
  // tcp-resets.md 1.1: an endpoint's own RST has the ACK bit and its receive window, an answer to a segment has neither.
  const far = formatEndpoint(addresses.format(src, family), srcPort)
  add(seen, `${far} ${dstPort}`, { what, ttl, active: (flags & ACK) !== 0 && wnd > 0 })
}

/** ICMP type 11 and ICMPv6 type 3 are Time Exceeded; the segment that it quotes is ours. */
function rememberIcmp(packet: Packet, addresses: AddressBook, seen: Seen): void {
  const { icmpFrom, icmpFromFamily, icmpType, srcPort, dst, dstPort, family, ttl } = packet
  const isTime = icmpType === (icmpFromFamily === 4 ? 11 : 3)
  const from = addresses.format(icmpFrom, icmpFromFamily)
  const far = formatEndpoint(addresses.format(dst, family), dstPort)
  const what = isTime ? 'time-exceeded' : 'unreachable'
  add(seen, `${far} ${srcPort}`, { what, ttl, active: false, from })
}

function add(seen: Seen, of: string, one: PacketSeen): void {
  const known = seen.get(of)
  if (known === undefined && seen.size >= MAX_CONNECTIONS) return
  const list = known ?? []
  seen.set(of, list)
  if (list.length < MAX_SEEN) list.push(one)
}
