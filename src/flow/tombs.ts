import type { Packet } from '../packet/packet.ts'

/** A second's worth at 16,000 connections a second, and a table that stays in the second-level cache. */
export const TOMBS = 16_384
/** References at and below this in the hash table are tombs. */
export const FIRST_TOMB = -(2 ** 30)
const CLIENT = 0
const SERVER = 1
const PORTS = 2
/** 1 = in use | family 6 << 1 */
const BITS = 3
const HASH = 4
export const TOMB_WORDS = 5

/**
 * Connections that were finished and whose rows are in use again: the last 16,384, 20 octets each. Late segments (a
 * retransmitted FIN, a RST to it) find the tombstone and are swallowed; without it they would look like a connection.
 */
export class Tombs {
  private readonly words: Int32Array
  /** Its first word is the tomb that comes next. */
  private readonly place: Int32Array

  constructor(
    words: Int32Array = new Int32Array(TOMBS * TOMB_WORDS),
    place: Int32Array = new Int32Array(1),
  ) {
    this.words = words
    this.place = place
  }

  /** The tomb that `bury` will use next. */
  get nextTomb(): number {
    return this.place[0]!
  }

  /** Hash of what lies in a tomb; null = it is empty. */
  hashOf(tomb: number): number | null {
    const at = tomb * TOMB_WORDS
    return isTaken(this.words, at) ? tombHash(this.words, at) : null
  }

  bury(client: number, server: number, ports: number, six: boolean, hash: number): void {
    const at = this.place[0]! * TOMB_WORDS
    this.place[0] = (this.place[0]! + 1) % TOMBS
    putTomb(this.words, at, client, server, ports, six, hash)
  }

  matches(tomb: number, p: Packet): boolean {
    return isTombOf(this.words, tomb * TOMB_WORDS, p)
  }

  clear(tomb: number): void {
    clearTomb(this.words, tomb * TOMB_WORDS)
  }
}

export function isTombOf(ints: Int32Array, at: number, p: Packet): boolean {
  if (ints[at + BITS]! >> 1 !== (p.family === 6 ? 1 : 0)) return false
  const ports = ints[at + PORTS]!
  if (ints[at + CLIENT] === p.src && ints[at + SERVER] === p.dst) {
    if (ports === ((p.srcPort << 16) | p.dstPort)) return true
  }
  if (ints[at + CLIENT] !== p.dst || ints[at + SERVER] !== p.src) return false
  return ports === ((p.dstPort << 16) | p.srcPort)
}

export function clearTomb(ints: Int32Array, at: number): void {
  ints[at + BITS] = 0
}

export function isTaken(ints: Int32Array, at: number): boolean {
  return ints[at + BITS] !== 0
}

export function tombHash(ints: Int32Array, at: number): number {
  return ints[at + HASH]!
}

/** @param at  where the tomb begins in `ints` */
export function putTomb(
  ints: Int32Array,
  at: number,
  client: number,
  server: number,
  ports: number,
  six: boolean,
  hash: number,
): void {
  ints[at + CLIENT] = client
  ints[at + SERVER] = server
  ints[at + PORTS] = ports
  ints[at + BITS] = 1 | (six ? 2 : 0)
  ints[at + HASH] = hash
}
