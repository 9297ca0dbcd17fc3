// Which segment an ICMP error is about, of which tcpdump prints the addresses and, for some, the port. print-icmp.c, 4.99.3.
import type { IcmpLine } from './tcpdump-text-lines.ts'
import type { Endpoint, MadePacket } from './tcpdump-text-segments.ts'

/** Last segments remembered. */
const MAX_LAST_SEGMENTS = 100_000
/** SYNs that wait for a host's address are given up together, within 3 s; the kernel keeps 101 of them for each host. */
const WAIT_NS = 5_000_000_000n
const MAX_WAITING = 101

const FLAG_SYN = 0x02
const FLAG_ACK = 0x10

interface Waiting {
  made: MadePacket
  timeNs: bigint
}

/** The segments that errors may quote. */
export class QuotedSegments {
  private readonly last = new Map<string, MadePacket>()
  /** By sender and target: SYNs that no error told of, in order. */
  private readonly syns = new Map<string, Waiting[]>()

  remember(
    made: MadePacket,
    { src, dst, flags }: { src: Endpoint; dst: Endpoint; flags: number },
    timeNs: bigint,
  ): void {
    const pair = pairOf(src.address, dst.address)
    if (this.last.size >= MAX_LAST_SEGMENTS) this.last.clear()
    this.last.set(pair, made)
    this.last.set(`${pair}:${dst.port}`, made)
    if ((flags & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN) this.wait(pair, { made, timeNs })
  }

  /** What `sender` sent to `target` that the error is about; null when nothing fits. */
  about(
    { type, code, port }: Pick<IcmpLine, 'type' | 'code' | 'port'>,
    { sender, target, timeNs }: { sender: Uint8Array; target: Uint8Array; timeNs: bigint },
  ): MadePacket | null {
    const pair = pairOf(sender, target)
    if (port !== null) return this.last.get(`${pair}:${port}`) ?? null
    // RFC 792 and RFC 4443 §3.1: host, or address, unreachable. A filter's answer comes at once, to the SYN before it.
    const isNobodyThere = (type === 3 && code === 1) || (type === 1 && code === 3)
    const first = isNobodyThere ? this.firstSyn(pair, timeNs) : undefined
    return first ?? this.last.get(pair) ?? null
  }

  private wait(pair: string, syn: Waiting): void {
    if (this.syns.size >= MAX_LAST_SEGMENTS) this.syns.clear()
    const waiting = this.syns.get(pair) ?? []
    waiting.push(syn)
    this.syns.set(pair, waiting.slice(-MAX_WAITING))
  }

  /** A host that cannot be reached is told of once for each SYN, in their order. */
  private firstSyn(pair: string, timeNs: bigint): MadePacket | undefined {
    const waiting = (this.syns.get(pair) ?? []).filter((syn) => timeNs - syn.timeNs < WAIT_NS)
    const first = waiting.shift()
    this.syns.set(pair, waiting)
    return first?.made
  }
}

function pairOf(sender: Uint8Array, target: Uint8Array): string {
  return `${sender.join('.')}>${target.join('.')}`
}
