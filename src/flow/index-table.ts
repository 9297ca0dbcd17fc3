/**
 * Open-addressing hash table from a connection's hash to a reference (a row >= 0, or an embryo as -1 - e). Linear
 * probing, hash and reference side by side so that a miss costs one cache line; deletion shifts back, no tombstones.
 */
export class IndexTable {
  /** Hash and stored reference of each cell, side by side. The tracker's hot loop reads it; nobody else. */
  cells: Int32Array
  mask: number
  private count = 0

  constructor(initialBits = 12) {
    this.cells = new Int32Array(2 << initialBits)
    this.mask = (1 << initialBits) - 1
  }

  get size(): number {
    return this.count
  }

  /** First cell to look at. Walk with `next` until `isFree`; compare `hashAt` before opening what `referenceAt` names. */
  start(hash: number): number {
    return hash & this.mask
  }

  next(cell: number): number {
    return (cell + 1) & this.mask
  }

  isFree(cell: number): boolean {
    return this.cells[cell * 2 + 1] === 0
  }

  hashAt(cell: number): number {
    return this.cells[cell * 2]!
  }

  referenceAt(cell: number): number {
    const stored = this.cells[cell * 2 + 1]!
    return stored > 0 ? stored - 1 : stored
  }

  insert(hash: number, reference: number): void {
    if ((this.count + 1) * 10 > (this.mask + 1) * 7) this.grow()
    this.put(hash, reference >= 0 ? reference + 1 : reference)
    this.count++
  }

  remove(hash: number, reference: number): void {
    let hole = this.find(hash, reference)
    if (hole < 0) return
    this.count--
    const { cells, mask } = this
    let cell = hole
    for (;;) {
      cell = (cell + 1) & mask
      if (cells[cell * 2 + 1] === 0) break
      const home = cells[cell * 2]! & mask
      // Move back only what would still be found: its home is not between the hole and the cell.
      if (((cell - home) & mask) < ((cell - hole) & mask)) continue
      cells[hole * 2] = cells[cell * 2]!
      cells[hole * 2 + 1] = cells[cell * 2 + 1]!
      hole = cell
    }
    cells[hole * 2 + 1] = 0
  }

  private find(hash: number, reference: number): number {
    const stored = reference >= 0 ? reference + 1 : reference
    let cell = hash & this.mask
    while (this.cells[cell * 2 + 1] !== 0) {
      if (this.cells[cell * 2 + 1] === stored) return cell
      cell = (cell + 1) & this.mask
    }
    return -1
  }

  private put(hash: number, stored: number): void {
    const { cells, mask } = this
    let cell = hash & mask
    while (cells[cell * 2 + 1] !== 0) cell = (cell + 1) & mask
    cells[cell * 2] = hash
    cells[cell * 2 + 1] = stored
  }

  private grow(): void {
    const old = this.cells
    this.cells = new Int32Array(old.length * 2)
    this.mask = this.cells.length / 2 - 1
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.put(old[i]!, old[i + 1]!)
    }
  }
}

/**
 * Hash of a connection that is the same for both directions. The multipliers are Knuth's and Murmur3's constants; the
 * last shifts spread the ports over the low bits that select the cell.
 */
export function connectionHash(
  src: number,
  dst: number,
  srcPort: number,
  dstPort: number,
  family: number,
): number {
  let h = Math.imul((src + dst) | 0, 0x9e3779b1) ^ Math.imul(src ^ dst, 0x85ebca6b)
  // imul and |0 keep it in int32: a product that may overflow would be compiled as float64.
  const ports = (Math.imul(srcPort + dstPort, 65_539) + (srcPort ^ dstPort)) | 0
  h ^= Math.imul(ports ^ family, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x27d4eb2f)
  return h ^ (h >>> 13)
}
