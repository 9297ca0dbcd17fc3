/** What the payload of one segment was, as far as it was captured, in a few numbers. */
export interface Digest {
  /** Captured octets. */
  octets: number
  /** Hash of the first 32 octets, of the first 64, ...; the last one is of all. */
  hashes: readonly number[]
}

const STEP = 32
/** As many octets are looked at: a full segment of Ethernet. */
const LONGEST = 1536
// FNV-1a, 32 bit.
const OFFSET_BASIS = 0x811c9dc5
const PRIME = 16_777_619

export function digestOf(payload: Uint8Array): Digest {
  const octets = Math.min(payload.length, LONGEST)
  const hashes: number[] = []
  let hash = OFFSET_BASIS
  for (let i = 0; i < octets; i++) {
    hash = Math.imul(hash ^ payload[i]!, PRIME)
    if ((i + 1) % STEP === 0) hashes.push(hash)
  }
  if (octets % STEP !== 0) hashes.push(hash)
  return { octets, hashes }
}

/** Whether what both captured of it is the same; null = too little to tell. One capture may have cut more off. */
export function isSame(a: Digest | null, b: Digest | null): boolean | null {
  if (a === null || b === null) return null
  if (a.octets === b.octets) return a.octets === 0 ? null : a.hashes.at(-1) === b.hashes.at(-1)
  const common = Math.floor(Math.min(a.octets, b.octets) / STEP)
  return common === 0 ? null : a.hashes[common - 1] === b.hashes[common - 1]
}
