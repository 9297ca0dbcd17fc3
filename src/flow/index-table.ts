/** Where the table's cells lie, and who else works on them. */
export interface TableStore {
  /** Cells in use. */
  count: number
  /** Zeroed. */
  allocateInts(words: number): Int32Array
  /** The table has these cells now. */
  tell(cells: Int32Array, mask: number): void
}

function ownStore(): TableStore {
  return { count: 0, allocateInts: (words) => new Int32Array(words), tell: () => {} }
}

/**
 * Open-addressing hash table from a connection's hash to a reference (a row >= 0, or an embryo as -1 - e). Linear
 * probing, hash and reference side by side so that a miss costs one cache line; deletion shifts back, no tombstones.
 */
export class IndexTable {
  /** Hash and stored reference of each cell, side by side. The tracker's hot loop reads it; nobody else. */
  cells: Int32Array
  mask: number
  private readonly store: TableStore

  constructor(store: TableStore = ownStore(), initialBits = 12) {
    this.store = store
    this.cells = store.allocateInts(2 << initialBits)
    this.mask = (1 << initialBits) - 1
    store.tell(this.cells, this.mask)
  }

  get size(): number {
    return this.store.count
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
    if ((this.store.count + 1) * 10 > (this.mask + 1) * 7) this.grow()
    this.put(hash, reference >= 0 ? reference + 1 : reference)
    this.store.count++
  }

  remove(hash: number, reference: number): void {
    const stored = reference >= 0 ? reference + 1 : reference
    if (removeCell(this.cells, 0, this.mask, hash, stored)) this.store.count--
  }

  private put(hash: number, stored: number): void {
    putCell(this.cells, 0, this.mask, hash, stored)
  }

  private grow(): void {
    const old = this.cells
    this.cells = this.store.allocateInts(old.length * 2)
    this.mask = this.cells.length / 2 - 1
    this.store.tell(this.cells, this.mask)
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.put(old[i]!, old[i + 1]!)
    }
  }
}

/** @param base  where the cells begin in `ints` */
export function putCell(
  ints: Int32Array,
  base: number,
  mask: number,
  hash: number,
  stored: number,
): void {
  let cell = hash & mask
  while (ints[base + cell * 2 + 1] !== 0) cell = (cell + 1) & mask
  ints[base + cell * 2] = hash
  ints[base + cell * 2 + 1] = stored
}

/** @returns false when it is not there */
export function removeCell(
  ints: Int32Array,
  base: number,
  mask: number,
  hash: number,
  stored: number,
): boolean {
  let hole = hash & mask
  while (ints[base + hole * 2 + 1] !== stored) {
    if (ints[base + hole * 2 + 1] === 0) return false
    hole = (hole + 1) & mask
  }
  let cell = (hole + 1) & mask
  while (ints[base + cell * 2 + 1] !== 0) {
    const home = ints[base + cell * 2]! & mask
    // Move back only what would still be found: its home is not between the hole and the cell.
    if (((cell - home) & mask) >= ((cell - hole) & mask)) {
      ints[base + hole * 2] = ints[base + cell * 2]!
      ints[base + hole * 2 + 1] = ints[base + cell * 2 + 1]!
      hole = cell
    }
    cell = (cell + 1) & mask
  }
  ints[base + hole * 2 + 1] = 0
  return true
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
