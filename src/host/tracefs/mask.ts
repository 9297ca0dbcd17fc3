import type { PageLayout, TraceFormat } from './format.ts'
import { decodePages } from './pages.ts'

/**
 * Numbers for addresses of the kernel's memory, which would help an attacker: the same for the same one, 0 for none. One of these
 * a recording, so that its events still join.
 */
export class PointerMask {
  private readonly numbers = new Map<bigint, bigint>([[0n, 0n]])

  numberOf(address: bigint): bigint {
    const known = this.numbers.get(address)
    if (known !== undefined) return known
    const number = BigInt(this.numbers.size)
    this.numbers.set(address, number)
    return number
  }
}

/** Replaces each pointer in the page, in place. Records of events without a format are left out: filled with zeros. */
export function maskPointers(
  page: Uint8Array,
  of: {
    layout: PageLayout
    formats: ReadonlyMap<number, { format: TraceFormat }>
    littleEndian: boolean
  },
  mask: PointerMask,
): void {
  decodePages(page, of.layout, of.littleEndian, (_, record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
    const id = record.length < 2 ? -1 : view.getUint16(0, of.littleEndian)
    const format = of.formats.get(id)?.format
    if (format === undefined) record.fill(0)
    else for (const field of format.fields) maskField(view, field, of.littleEndian, mask)
  })
}

function maskField(
  view: DataView,
  { type, offset, size, array }: TraceFormat['fields'][number],
  littleEndian: boolean,
  mask: PointerMask,
): void {
  if (array || !type.includes('*') || offset + size > view.byteLength) return
  if (size === 8) {
    const number = mask.numberOf(view.getBigUint64(offset, littleEndian))
    view.setBigUint64(offset, number, littleEndian)
  } else if (size === 4) {
    const number = mask.numberOf(BigInt(view.getUint32(offset, littleEndian)))
    view.setUint32(offset, Number(number), littleEndian)
  }
}
