import type { Packet } from '../packet/packet.ts'

/** A second's worth at 16,000 connections a second, and a table that stays in the second-level cache. */
const TOMBS = 16_384
const CLIENT = 0
const SERVER = 1
const PORTS = 2
/** 1 = in use | family 6 << 1 */
const BITS = 3
const HASH = 4
const WORDS = 5

/**
 * Connections that were finished and whose rows are in use again: the last 16,384, 20 octets each. Late segments (a
 * retransmitted FIN, a RST to it) find the tombstone and are swallowed; without it they would look like a connection.
 */
export class Tombs {
  private readonly words = new Int32Array(TOMBS * WORDS)
  private next = 0

  /** The tomb that `bury` will use next. */
  get nextTomb(): number {
    return this.next
  }

  /** Hash of what lies in a tomb; null = it is empty. */
  hashOf(tomb: number): number | null {
    return this.words[tomb * WORDS + BITS] === 0 ? null : this.words[tomb * WORDS + HASH]!
  }

  bury(client: number, server: number, ports: number, six: boolean, hash: number): void {
    const at = this.next * WORDS
    this.next = (this.next + 1) % TOMBS
    const { words } = this
    words[at + CLIENT] = client
    words[at + SERVER] = server
    words[at + PORTS] = ports
    words[at + BITS] = 1 | (six ? 2 : 0)
    words[at + HASH] = hash
  }

  matches(tomb: number, p: Packet): boolean {
    const { words } = this
    const at = tomb * WORDS
    if (words[at + BITS]! >> 1 !== (p.family === 6 ? 1 : 0)) return false
    const ports = words[at + PORTS]
    if (words[at + CLIENT] === p.src && words[at + SERVER] === p.dst) {
      if (ports === ((p.srcPort << 16) | p.dstPort)) return true
    }
    if (words[at + CLIENT] !== p.dst || words[at + SERVER] !== p.src) return false
    return ports === ((p.dstPort << 16) | p.srcPort)
  }

  clear(tomb: number): void {
    this.words[tomb * WORDS + BITS] = 0
  }
}
