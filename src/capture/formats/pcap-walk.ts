import type { Ns } from '../../base/time.ts'

/**
 * The headers of records that are whole and unsuspicious, from octet `at` of `view` on: lengths, times, where the packets
 * begin. Little-endian. Compiled to WebAssembly (scripts/core) for batches that lie in its memory; PcapStream.fill goes on where
 * this stops, and does the same for all others.
 * @param end         octet behind the last at hand
 * @param base        what `starts` are counted from
 * @param fractionNs  nanoseconds in one unit of the second time field
 * @param starts      (and the next three) where the columns begin, in elements of theirs
 * @returns how many records
 */
export function walkRecords(
  view: DataView,
  ints: Int32Array,
  floats: Float64Array,
  first: number,
  end: number,
  base: number,
  recordHeader: number,
  maxOctets: number,
  fractionNs: Ns,
  originSec: Ns,
  originSubNs: Ns,
  starts: number,
  capLens: number,
  wireLens: number,
  times: number,
  most: number,
): number {
  let count = 0
  let at = first
  while (count < most && at + recordHeader <= end) {
    const sec = view.getInt32(at, true)
    const fraction = view.getInt32(at + 4, true)
    const capLen = view.getInt32(at + 8, true)
    const wireLen = view.getInt32(at + 12, true)
    const start = at + recordHeader
    if (capLen <= 0 || capLen > maxOctets || start + capLen > end) break
    if (wireLen < capLen || sec < 0 || fraction < 0) break
    ints[starts + count] = start - base
    ints[capLens + count] = capLen
    ints[wireLens + count] = wireLen
    floats[times + count] = (sec - originSec) * 1e9 + (fraction * fractionNs - originSubNs)
    count++
    at = start + capLen
  }
  return count
}
