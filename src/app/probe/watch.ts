import { AddressBook } from '../../base/addresses.ts'
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
const MAX_PORTS = 65_536
/** tcpdump gets and writes each packet at once; a busy machine may let it wait. */
const SETTLE_MS = 400

/**
 * Handshakes and endings that come from there, by a tcpdump of headers beside the experiment.
 * @returns why not, where this process may not, or tcpdump is not installed
 */
export async function watchPackets(to: WatchTarget): Promise<PacketWatch | { cannot: string }> {
  try {
    const tcpdump = await startTcpdump({
      target: { netns: null, pid: null, label: 'this host' },
      interface: 'any',
      snapLen: SNAP_OCTETS,
      filter: filterOf(to),
      promiscuous: false,
      immediate: true,
    })
    return watching(tcpdump)
  } catch (error) {
    if (error instanceof TcpwhyError) return { cannot: error.message.replace(/\.$/, '') }
    throw error
  }
}

/** Flags are at 13 of the TCP header; libpcap finds that header only in IPv4, and in IPv6 it follows at 40 where there are no extensions. */
function filterOf({ address, family, port }: WatchTarget): string {
  const from = `src host ${address.split('%')[0]} and tcp src port ${port}`
  const flags = family === 4 ? 'tcp[13]' : 'ip6[53]'
  const icmp =
    family === 4 ? 'icmp[0] = 3 or icmp[0] = 11' : 'icmp6 and (ip6[40] = 1 or ip6[40] = 3)'
  return `(${from} and ${flags} & 7 != 0) or (${icmp})`
}

function watching(tcpdump: Tcpdump): PacketWatch {
  const byPort = new Map<number, PacketSeen[]>()
  const reading = readAll(tcpdump, byPort).catch(() => {
    // An empty capture, or one that was cut: what was seen until then is what is known.
  })
  return {
    seen: (port) => byPort.get(port) ?? [],
    settle: () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS)),
    async close() {
      tcpdump.stop()
      await tcpdump.ended
      await reading
    },
  }
}

async function readAll(tcpdump: Tcpdump, byPort: Map<number, PacketSeen[]>): Promise<void> {
  const reader = await openCaptures([{ name: 'tcpdump', bytes: tcpdump.octets }])
  const addresses = new AddressBook()
  const decoder = new Decoder(addresses)
  const packet = new Packet()
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const { view, bytes, starts, capLens, wireLens, links, count } = batch
    for (let i = 0; i < count; i++) {
      const [start, capLen] = [starts[i]!, capLens[i]!]
      const kind = decoder.decode(view, bytes, start, capLen, wireLens[i]!, links[i]!, packet)
      if (kind === KIND_TCP) remember(packet, byPort)
      else if (kind === KIND_ICMP_ERROR) rememberIcmp(packet, addresses, byPort)
    }
  }
}

function remember(packet: Packet, byPort: Map<number, PacketSeen[]>): void {
  const { flags, ttl, wnd, dstPort } = packet
  const what =
    flags & RST ? 'rst' : flags & SYN && flags & ACK ? 'syn-ack' : flags & FIN ? 'fin' : null
  if (what === null) return
  // tcp-resets.md 1.1: an endpoint's own RST has the ACK bit and its receive window, an answer to a segment has neither.
  add(byPort, dstPort, { what, ttl, active: (flags & ACK) !== 0 && wnd > 0 })
}

/** ICMP type 11 and ICMPv6 type 3 are Time Exceeded; the segment that it quotes is ours. */
function rememberIcmp(
  packet: Packet,
  addresses: AddressBook,
  byPort: Map<number, PacketSeen[]>,
): void {
  const { icmpFrom, icmpFromFamily, icmpType, srcPort, ttl } = packet
  const isTime = icmpType === (icmpFromFamily === 4 ? 11 : 3)
  const from = addresses.format(icmpFrom, icmpFromFamily)
  add(byPort, srcPort, { what: isTime ? 'time-exceeded' : 'unreachable', ttl, active: false, from })
}

function add(byPort: Map<number, PacketSeen[]>, port: number, seen: PacketSeen): void {
  const known = byPort.get(port)
  if (known === undefined && byPort.size >= MAX_PORTS) return
  const list = known ?? []
  byPort.set(port, list)
  if (list.length < MAX_SEEN) list.push(seen)
}
