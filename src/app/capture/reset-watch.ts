import { AddressBook, formatEndpoint } from '../../base/addresses.ts'
import type { RecordBatch } from '../../capture/types.ts'
import { Decoder } from '../../packet/decode.ts'
import { ACK, KIND_TCP, Packet, RST } from '../../packet/packet.ts'
import type { PacketInspector } from './session.ts'
import type { Fired } from './triggers.ts'

/** IPv6 addresses remembered, before a new book is begun: a scan must not fill the memory. */
const MAX_ADDRESSES = 100_000
/** The reader of captures keeps 1,000 comments of a file. */
const MAX_COMMENTS = 500

export interface ResetWatchOptions {
  burst: { count: number; withinMs: number } | null
  /** Called in the middle of a batch; what it answers becomes the comment of the packet. */
  onBurst: (fired: Fired) => string
  /** "nginx (pid 77)": who listens at a port of the captured network namespace. */
  listenerAt: (port: number) => string | undefined
}

/**
 * Looks for RSTs. A burst is so many *connections* reset within the time, each counted once however many RSTs it got. A RST
 * that refuses a SYN (sequence number 0: RFC 9293 §3.10.7.1) is commented on, but no part of a burst: health
 * checks of closed ports would be one for ever.
 */
export class ResetWatch implements PacketInspector {
  /** Set from outside: the next packet that comes gets it as its comment. */
  pending: string | null = null
  private readonly options: ResetWatchOptions
  private readonly packet = new Packet()
  private addresses = new AddressBook()
  private decoder = new Decoder(this.addresses)
  private batch: RecordBatch | null = null
  private comments = 0
  /** Connection -> when it was last reset, oldest first. */
  private readonly recent = new Map<string, number>()

  constructor(options: ResetWatchOptions) {
    this.options = options
  }

  begin(batch: RecordBatch): void {
    this.batch = batch
    if (this.addresses.size < MAX_ADDRESSES) return
    this.addresses = new AddressBook()
    this.decoder = new Decoder(this.addresses)
  }

  comment(i: number): string | undefined {
    const { packet, pending } = this
    const { view, bytes, starts, capLens, wireLens, links, times } = this.batch!
    this.pending = null
    const before = pending === null ? [] : [pending]
    this.decoder.decode(view, bytes, starts[i]!, capLens[i]!, wireLens[i]!, links[i]!, packet)
    if (packet.kind !== KIND_TCP || (packet.flags & RST) === 0) return before[0]
    const burst = isRefusal(packet) ? null : this.count(times[i]!)
    if (burst !== null) before.push(this.options.onBurst(burst))
    if (this.comments < MAX_COMMENTS) {
      this.comments++
      before.push(this.describe())
    }
    return before.length === 0 ? undefined : before.join('; ')
  }

  /** A new file: comments are counted anew. */
  restart(): void {
    this.comments = 0
    this.recent.clear()
  }

  private count(tNs: number): Fired | null {
    const { burst } = this.options
    if (burst === null) return null
    const key = this.connection()
    this.recent.delete(key)
    this.recent.set(key, tNs)
    for (const [old, at] of this.recent) {
      if (tNs - at <= burst.withinMs * 1e6) break
      this.recent.delete(old)
    }
    if (this.recent.size < burst.count) return null
    const count = this.recent.size
    this.recent.clear()
    return { kind: 'reset-burst', values: { count, withinMs: burst.withinMs, last: key } }
  }

  /** The same for both directions. */
  private connection(): string {
    const [from, to] = this.ends()
    return from < to ? `${from} - ${to}` : `${to} - ${from}`
  }

  private ends(): [string, string] {
    const { family, src, dst, srcPort, dstPort } = this.packet
    return [
      formatEndpoint(this.addresses.format(src, family), srcPort),
      formatEndpoint(this.addresses.format(dst, family), dstPort),
    ]
  }

  private describe(): string {
    const { srcPort, dstPort } = this.packet
    const [from] = this.ends()
    const what = isRefusal(this.packet) ? 'refused' : 'reset'
    const known = [srcPort, dstPort]
      .map((port) => [port, this.options.listenerAt(port)] as const)
      .find(([, who]) => who !== undefined)
    const who = known === undefined ? '' : `; port ${known[0]} is that of ${known[1]}`
    return `RST: ${what} by ${from}${who}`
  }
}

function isRefusal(packet: Packet): boolean {
  return packet.seq === 0 && (packet.flags & ACK) !== 0
}
