import type { Ns } from '../base/time.ts'
import { RST } from '../packet/packet.ts'
import * as L from './layout.ts'

/** Silences shorter than this are not remembered. */
export const SILENCE_MIN_NS = 50e6

export function noteSilence(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  silence: Ns,
  frame: number,
): void {
  if (silence > floats[(at + L.R_SILENCE_T) >> 1]!) {
    floats[(at + L.R_SILENCE_T) >> 1] = silence
    ints[at + L.R_SILENCE_BEFORE] = ints[at + L.R_LAST_FRAME]!
    ints[at + L.R_SILENCE_AFTER] = frame
    ints[at + L.R_SILENCE_BY] = dir + 1
  }
  if (silence > floats[(at + L.R_PENDING_T) >> 1]!) {
    floats[(at + L.R_PENDING_T) >> 1] = silence
    ints[at + L.R_PENDING_BY] = dir + 1
  }
}

/** A silence is survived when the other side answers whoever broke it with anything but a RST. */
export function settleSilence(
  ints: Int32Array,
  floats: Float64Array,
  at: number,
  dir: number,
  flags: number,
): void {
  if (ints[at + L.R_PENDING_BY] === dir + 1 || (flags & RST) !== 0) return
  const pending = floats[(at + L.R_PENDING_T) >> 1]!
  if (pending > floats[(at + L.R_SURVIVED_T) >> 1]!) floats[(at + L.R_SURVIVED_T) >> 1] = pending
  floats[(at + L.R_PENDING_T) >> 1] = 0
}
