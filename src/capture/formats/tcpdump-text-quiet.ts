// What tcpdump does not print without -vv: the sequence number of segments without data. print-tcp.c, tcpdump 4.99.3.
import type { SegmentLine } from './tcpdump-text-lines.ts'

const ACK_ONLY = 0x10
/** Probes are sent after a silence: tcp_keepalive_intvl is at least 1 s, a window is probed after the RTO of 200 ms. */
const PROBE_AFTER_NS = 200_000_000n
const MAX_SIDES = 200_000

interface Side {
  ack: number
  wnd: number
  timeNs: bigint
  /** The peer sent something since that had to be acknowledged. */
  owesAck: boolean
  /** Its last segment is a probe that the peer has not answered yet. */
  probed: boolean
}

/**
 * Tells probes (keepalive, zero window) from other empty segments. No stack says again what it said when nothing came
 * meanwhile: that is a probe, and its sequence number is one that was acknowledged before. RFC 9293 §3.8.4, §3.8.6.1.
 */
export class QuietSides {
  private readonly sides = new Map<string, Side>()

  isProbe(
    line: Pick<SegmentLine, 'flags' | 'seq' | 'dataLen'>,
    {
      forth,
      back,
      ack,
      wnd,
      timeNs,
    }: { forth: string; back: string } & Pick<Side, 'ack' | 'wnd' | 'timeNs'>,
  ): boolean {
    const own = this.sides.get(forth)
    const peer = this.sides.get(back)
    const isEmpty = line.flags === ACK_ONLY && line.dataLen === 0
    const repeats = own !== undefined && !own.owesAck && own.ack === ack && own.wnd === wnd
    const quiet = repeats && timeNs - own.timeNs >= PROBE_AFTER_NS
    const probed = isEmpty && line.seq === null && quiet && peer?.probed !== true
    if (peer !== undefined) {
      peer.probed = false
      peer.owesAck ||= !isEmpty
    }
    if (this.sides.size >= MAX_SIDES) this.sides.clear()
    this.sides.set(forth, { ack, wnd, timeNs, owesAck: false, probed })
    return probed
  }
}
