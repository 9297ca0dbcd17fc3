/** A keyed hash of 32 octets. Whoever does not know its key cannot undo what hangs on it. */
export type KeyedHash = (octets: Uint8Array) => Uint8Array

/**
 * Stand-ins for addresses: one for each, and never one for two. Addresses that share their first bits have stand-ins that
 * share as many, so networks stay networks. Loopback, unspecified, multicast and broadcast stay what they are; private, link-local and
 * unique-local addresses stay of their kind. An IPv6 address that holds an IPv4 one has its stand-in.
 *
 * Each node of the tree of prefixes exchanges its two halves or does not, as the hash says (Xu et al., Prefix-preserving IP
 * address anonymization, 2002); on the way to a range that keeps its place nothing is exchanged.
 */
export class AddressMap {
  private readonly hash: KeyedHash
  private readonly known = new Map<string, Uint8Array>()
  private readonly blocks = new Map<string, Uint8Array>()

  constructor(hash: KeyedHash) {
    this.hash = hash
  }

  /** In place: 4 or 16 octets in network order. */
  map(octets: Uint8Array, at: number, size: 4 | 16): void {
    if (size === 16 && EMBEDDING.some((prefix) => startsWith(octets, at, prefix))) {
      this.map(octets, at + 12, 4)
      return
    }
    const key = hex(octets, at, size)
    let mapped = this.known.get(key)
    if (mapped === undefined) {
      mapped = this.standIn(octets.slice(at, at + size))
      this.known.set(key, mapped)
    }
    octets.set(mapped, at)
  }

  /** Addresses that got another one, and those stand-ins, as hexadecimal digits. */
  changed(): { originals: Set<string>; standIns: Set<string> } {
    const originals = new Set<string>()
    const standIns = new Set<string>()
    for (const [key, mapped] of this.known) {
      const standIn = hex(mapped, 0, mapped.length)
      if (standIn === key && isKept(mapped)) continue
      originals.add(key)
      standIns.add(standIn)
    }
    return { originals, standIns }
  }

  private standIn(address: Uint8Array): Uint8Array {
    if (isKept(address)) return address
    const ranges = address.length === 4 ? RANGES_4 : RANGES_6
    const mapped = address.slice()
    for (let bit = 0; bit < address.length * 8; bit++) {
      if (ranges.some((range) => isOnTheWay(range, address, bit))) continue
      if (this.exchanges(address, bit)) mapped[bit >> 3]! ^= 0x80 >> (bit & 7)
    }
    return mapped
  }

  /** What the node behind the first `bit` bits does: a bit of one hash for each octet of the prefix, by the way within the octet. */
  private exchanges(address: Uint8Array, bit: number): boolean {
    const whole = bit >> 3
    const within = bit & 7
    const key = `${address.length}:${hex(address, 0, whole)}`
    let block = this.blocks.get(key)
    if (block === undefined) {
      block = this.hash(new TextEncoder().encode(key))
      this.blocks.set(key, block)
    }
    const node = (1 << within) | (address[whole]! >> (8 - within))
    return ((block[node >> 3]! >> (node & 7)) & 1) === 1
  }
}

interface Range {
  bits: number
  octets: readonly number[]
}

function range(bits: number, ...octets: readonly number[]): Range {
  return { bits, octets }
}

/** RFC 6890, RFC 1918, RFC 6598, RFC 3927: ranges whose addresses stay in them. */
const RANGES_4: readonly Range[] = [
  range(8, 0),
  range(8, 10),
  range(10, 100, 64),
  range(8, 127),
  range(16, 169, 254),
  range(12, 172, 16),
  range(16, 192, 168),
  range(4, 224),
  range(4, 240),
  range(32, 255, 255, 255, 255),
]

const ZEROS = new Array<number>(10).fill(0)
/** ::ffff:0:0/96 (mapped) and 64:ff9b::/96 (RFC 6052), each with an IPv4 address behind it. */
const EMBEDDING = [
  [...ZEROS, 0xff, 0xff],
  [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0],
] as const

/** :: and ::1, those with IPv4 in them, fc00::/7, fe80::/10, ff00::/8. */
const RANGES_6: readonly Range[] = [
  range(127, 0),
  ...EMBEDDING.map((prefix) => range(96, ...prefix)),
  range(7, 0xfc),
  range(10, 0xfe, 0x80),
  range(8, 0xff),
]

/** The node behind the first `bit` bits leads to the range, or to what is not in it. */
function isOnTheWay({ bits, octets }: Range, address: Uint8Array, bit: number): boolean {
  if (bit >= bits) return false
  for (let i = 0; i < bit; i++) if (bitOf(octets, i) !== bitOf(address, i)) return false
  return true
}

function bitOf(octets: ArrayLike<number>, i: number): number {
  return ((octets[i >> 3] ?? 0) >> (7 - (i & 7))) & 1
}

/** Unspecified and "this network", loopback, multicast, broadcast; ::, ::1, ff00::/8. */
function isKept(address: Uint8Array): boolean {
  const first = address[0]!
  if (address.length === 4) {
    if (first === 0 || first === 127 || (first >= 224 && first < 240)) return true
    return address.every((octet) => octet === 255)
  }
  if (first === 0xff) return true
  return address.subarray(0, 15).every((octet) => octet === 0) && address[15]! <= 1
}

function startsWith(octets: Uint8Array, at: number, prefix: readonly number[]): boolean {
  return prefix.every((octet, i) => octets[at + i] === octet)
}

function hex(octets: Uint8Array, at: number, size: number): string {
  let digits = ''
  for (let i = at; i < at + size; i++) digits += octets[i]!.toString(16).padStart(2, '0')
  return digits
}
