import { S_HOLE, S_HOLES, S_MISSING } from './layout.ts'

const MAX_HOLES = 4

/** A stretch [start, end) of a side's sequence space was jumped over. More than four open ones: the oldest counts as lost. */
export function addHole(
  ints: Int32Array,
  floats: Float64Array,
  o: number,
  start: number,
  end: number,
): void {
  const count = ints[o + S_HOLES]!
  if (count === MAX_HOLES) {
    floats[(o + S_MISSING) >> 1]! += (ints[o + S_HOLE + 1]! - ints[o + S_HOLE]!) | 0
    ints.copyWithin(o + S_HOLE, o + S_HOLE + 2, o + S_HOLE + 2 * MAX_HOLES)
  } else {
    ints[o + S_HOLES] = count + 1
  }
  const at = o + S_HOLE + 2 * Math.min(count, MAX_HOLES - 1)
  ints[at] = start
  ints[at + 1] = end
}

/**
 * A segment [start, end) below the edge fills what it covers of the holes.
 * @returns octets that had not been seen before; 0 = all of it was a repetition.
 */
export function fillHoles(ints: Int32Array, o: number, start: number, end: number): number {
  let filled = 0
  for (let i = ints[o + S_HOLES]! - 1; i >= 0; i--) {
    const at = o + S_HOLE + 2 * i
    const from = ((start - ints[at]!) | 0) > 0 ? start : ints[at]!
    const to = ((end - ints[at + 1]!) | 0) < 0 ? end : ints[at + 1]!
    const overlap = (to - from) | 0
    if (overlap <= 0) continue
    filled += overlap
    shrink(ints, o, i, from, to)
  }
  return filled
}

/** Octets of open holes below `acked` (what the other side has although we have not), plus those given up on. */
export function missingOctets(
  ints: Int32Array,
  floats: Float64Array,
  o: number,
  acked: number,
): number {
  let missing = floats[(o + S_MISSING) >> 1]!
  for (let i = 0; i < ints[o + S_HOLES]!; i++) {
    const at = o + S_HOLE + 2 * i
    const to = ((acked - ints[at + 1]!) | 0) < 0 ? acked : ints[at + 1]!
    missing += Math.max(0, (to - ints[at]!) | 0)
  }
  return missing
}

function shrink(ints: Int32Array, o: number, i: number, from: number, to: number): void {
  const at = o + S_HOLE + 2 * i
  const keepsStart = ((from - ints[at]!) | 0) > 0
  const keepsEnd = ((ints[at + 1]! - to) | 0) > 0
  if (keepsStart && keepsEnd) {
    // Filled in the middle: the rest behind it becomes a hole of its own, if there is room for it.
    const end = ints[at + 1]!
    ints[at + 1] = from
    const count = ints[o + S_HOLES]!
    if (count === MAX_HOLES) return
    ints[o + S_HOLE + 2 * count] = to
    ints[o + S_HOLE + 2 * count + 1] = end
    ints[o + S_HOLES] = count + 1
  } else if (keepsStart) ints[at + 1] = from
  else if (keepsEnd) ints[at] = to
  else {
    ints.copyWithin(at, at + 2, o + S_HOLE + 2 * MAX_HOLES)
    ints[o + S_HOLES]!--
  }
}
