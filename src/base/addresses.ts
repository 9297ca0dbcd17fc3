/**
 * IPv4 addresses are kept as one int32, IPv6 ones as the index of an interned 16-octet entry, so that the key of a
 * connection is a few int32 whatever the family. RFC 5952 for the printed form of IPv6.
 */
export class AddressBook {
  private words = new Int32Array(64)
  private slots = new Int32Array(32).fill(-1)
  private count = 0

  /** @returns a number >= 0 that stands for these 16 octets (as four big-endian int32) in this book. */
  intern(w0: number, w1: number, w2: number, w3: number): number {
    let slot = this.hash(w0, w1, w2, w3)
    for (;;) {
      const index = this.slots[slot]!
      if (index < 0) break
      const at = index * 4
      const words = this.words
      if (
        words[at] === w0 &&
        words[at + 1] === w1 &&
        words[at + 2] === w2 &&
        words[at + 3] === w3
      ) {
        return index
      }
      slot = (slot + 1) & (this.slots.length - 1)
    }
    return this.add(w0, w1, w2, w3)
  }

  /** Printed address of a word of this family: "10.0.0.1" or "2001:db8::1". */
  format(word: number, family: 4 | 6): string {
    if (family === 4) return formatIpv4(word)
    const at = word * 4
    return formatIpv6(this.words.subarray(at, at + 4))
  }

  get size(): number {
    return this.count
  }

  private hash(w0: number, w1: number, w2: number, w3: number): number {
    let h = Math.imul(w0 ^ Math.imul(w1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(w2, 0xc2b2ae35)
    h = Math.imul(h ^ w3 ^ (h >>> 15), 0x27d4eb2f)
    return (h ^ (h >>> 13)) & (this.slots.length - 1)
  }

  private add(w0: number, w1: number, w2: number, w3: number): number {
    if ((this.count + 1) * 2 > this.slots.length) this.grow()
    const index = this.count++
    const at = index * 4
    this.words[at] = w0
    this.words[at + 1] = w1
    this.words[at + 2] = w2
    this.words[at + 3] = w3
    this.place(index)
    return index
  }

  private place(index: number): void {
    const at = index * 4
    const words = this.words
    let slot = this.hash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
    while (this.slots[slot]! >= 0) slot = (slot + 1) & (this.slots.length - 1)
    this.slots[slot] = index
  }

  private grow(): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words.subarray(0, this.count * 4))
    this.words = words
    this.slots = new Int32Array(this.slots.length * 2).fill(-1)
    for (let index = 0; index < this.count; index++) this.place(index)
  }
}

/** "10.0.0.1" of the int32 0x0a000001. */
export function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
}

/** RFC 5952 text of four big-endian int32. IPv4-mapped addresses are printed as ::ffff:a.b.c.d. */
export function formatIpv6(words: ArrayLike<number>): string {
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) {
    return `::ffff:${formatIpv4(words[3] ?? 0)}`
  }
  const groups: number[] = []
  for (let i = 0; i < 4; i++) groups.push((words[i]! >>> 16) & 0xffff, words[i]! & 0xffff)
  const { start, length } = longestZeroRun(groups)
  if (length < 2) return groups.map((g) => g.toString(16)).join(':')
  const head = groups.slice(0, start).map((g) => g.toString(16))
  const tail = groups.slice(start + length).map((g) => g.toString(16))
  return `${head.join(':')}::${tail.join(':')}`
}

/** "10.0.0.1:80" or "[2001:db8::1]:443". */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let i = 0; i < groups.length; i++) {
    let length = 0
    while (i + length < groups.length && groups[i + length] === 0) length++
    if (length > best.length) best = { start: i, length }
    i += length
  }
  return best
}
