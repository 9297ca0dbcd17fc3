// Linux include/linux/ring_buffer.h enum ring_buffer_type, kernel/trace/ring_buffer.c rb_event_length,
// rb_update_write_stamp and ring_buffer_read_page, v6.18.
import type { PageLayout } from './format.ts'

const MAX_LENGTH_IN_HEADER = 28 // RINGBUF_TYPE_DATA_TYPE_LEN_MAX
const PADDING = 29
const TIME_EXTEND = 30
const TIME_STAMP = 31
const DELTA_BITS = 27n
/** An absolute time has 59 bits; the five above come from the page. */
const STAMP_MASK = (1n << 59n) - 1n

const MISSED_EVENTS = 0x8000_0000
const MISSED_STORED = 0x4000_0000
const COMMIT_MASK = 0x3fff_ffff

export interface PagesResult {
  pages: number
  /** Overwritten before they were read, as the kernel counted. */
  lost: number
  /** Some were lost, and at least one page does not say how many. */
  lostUncounted: boolean
  /** Pages or entries that are not what the kernel writes; the rest of such a page is passed over. */
  odd: number
}

/**
 * Decodes what was read from trace_pipe_raw, any number of whole sub-buffers of one processor.
 * @param each  gets the time in nanoseconds of the instance's clock and the octets of one record, a view
 * @param padding  gets what is between the records: octets that mean nothing, and may be what was there before
 */
export function decodePages(
  octets: Uint8Array,
  layout: PageLayout,
  littleEndian: boolean,
  each: (timeNs: bigint, record: Uint8Array) => void,
  padding: (octets: Uint8Array) => void = () => {},
): PagesResult {
  const result = { pages: 0, lost: 0, lostUncounted: false, odd: 0 }
  for (let at = 0; at < octets.length; at += layout.pageSize) {
    const page = octets.subarray(at, at + layout.pageSize)
    if (page.length < layout.dataAt) result.odd++
    else decodePage({ page, layout, littleEndian }, result, { each, padding })
  }
  return result
}

interface Told {
  each: (timeNs: bigint, record: Uint8Array) => void
  padding: (octets: Uint8Array) => void
}

function decodePage(
  { page, layout, littleEndian }: { page: Uint8Array; layout: PageLayout; littleEndian: boolean },
  result: PagesResult,
  told: Told,
): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  // The low 32 bits of a long; what is above them repeats the sign.
  const low = layout.commitAt + (littleEndian ? 0 : layout.commitSize - 4)
  const commit = view.getUint32(low, littleEndian)
  const used = commit & COMMIT_MASK
  result.pages++
  let end = layout.dataAt + used
  if (end > page.length) {
    result.odd++
    end = page.length
  }
  if ((commit & MISSED_EVENTS) !== 0) addLost(view, { end, commit, layout, littleEndian }, result)
  const time = view.getBigUint64(layout.timestampAt, littleEndian)
  const sound = decodeEntries({ page, view, littleEndian, at: layout.dataAt, end }, time, told)
  if (!sound) result.odd++
}

/** The count is a long behind the data where there was room. */
function addLost(
  view: DataView,
  of: { end: number; commit: number; layout: PageLayout; littleEndian: boolean },
  result: PagesResult,
): void {
  const { end, layout, littleEndian } = of
  const stored = (of.commit & MISSED_STORED) !== 0 && end + layout.commitSize <= view.byteLength
  if (!stored) {
    result.lostUncounted = true
    return
  }
  const count =
    layout.commitSize === 8
      ? Number(view.getBigUint64(end, littleEndian))
      : view.getUint32(end, littleEndian)
  if (Number.isSafeInteger(count)) result.lost += count
  else result.odd++
}

interface Entries {
  page: Uint8Array
  view: DataView
  littleEndian: boolean
  at: number
  end: number
}

/** @returns false when an entry is not what the kernel writes: the rest of the page cannot be read. */
function decodeEntries(
  { page, view, littleEndian, at, end }: Entries,
  from: bigint,
  { each, padding }: Told,
): boolean {
  let time = from
  for (let next = at; next + 4 <= end; ) {
    const header = view.getUint32(next, littleEndian)
    // A C bit field of 5 and 27 bits: from the low end on little-endian machines, from the high end on others.
    const type = littleEndian ? header & 31 : header >>> 27
    const delta = littleEndian ? header >>> 5 : header & 0x07ff_ffff
    const word = next + 8 <= end ? view.getUint32(next + 4, littleEndian) : null
    if (type === TIME_EXTEND || type === TIME_STAMP) {
      if (word === null) return false
      const whole = (BigInt(word) << DELTA_BITS) + BigInt(delta)
      time = type === TIME_EXTEND ? time + whole : stamp(time, whole)
      next += 8
      continue
    }
    if (type === PADDING && delta === 0) {
      padding(page.subarray(next + 4, end))
      return true // nothing more on this page
    }
    time += BigInt(delta)
    const short = type > 0 && type <= MAX_LENGTH_IN_HEADER
    if (!short && word === null) return false
    // array[0] is the length of what follows the header, itself included.
    const length = short ? type * 4 : (word as number)
    const data = short ? next + 4 : next + 8
    const after = next + 4 + aligned(length)
    if (length < (short ? 1 : 4) || after > end) return false
    const record = page.subarray(data, next + 4 + length)
    if (type === PADDING) padding(record)
    else each(time, record)
    next = after
  }
  return true
}

/** The kernel restores the upper bits from the time before; when that makes it go back, the bits have turned over. */
function stamp(before: bigint, low: bigint): bigint {
  const whole = (before & ~STAMP_MASK) | (low & STAMP_MASK)
  return whole < before ? whole + STAMP_MASK + 1n : whole
}

function aligned(length: number): number {
  return Math.ceil(length / 4) * 4
}
