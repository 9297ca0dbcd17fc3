import type { Packet } from '../../packet/packet.ts'
import { putCell, removeCell } from '../index-table.ts'
import * as L from '../layout.ts'
import type { Rows } from '../rows.ts'
import { clearTomb, FIRST_TOMB, isTombOf, TOMB_WORDS } from '../tombs.ts'
import { FULL_ROWS_AT_SYN } from '../tracker-limits.ts'
import * as K from './layout.ts'

// Compiled with run.ts: a connection that begins as most do, as FlowTracker.begin sees to it.

/**
 * A row for a SYN of which nothing is known, opened.
 * @returns false, with nothing changed, when there may be something known of it, or no room
 */
export function beginRow(
  rows: Rows,
  p: Packet,
  ints: Int32Array,
  floats: Float64Array,
  hash: number,
): boolean {
  const free = ints[K.K_FREE_COUNT]! - 1
  if (free < 0 || ints[K.K_OPEN_ROWS]! >= FULL_ROWS_AT_SYN || p.dataLen !== 0) return false
  const cells = ints[K.K_TABLE]!
  const mask = ints[K.K_TABLE_MASK]!
  if (cells === 0 || (ints[K.K_TABLE_COUNT]! + 1) * 10 > (mask + 1) * 7) return false
  if (!forgetTomb(p, ints, hash)) return false
  const at = ints[ints[K.K_FREE]! + free]!
  ints[K.K_FREE_COUNT] = free
  const row = ints[at + L.R_ROW]!
  ints.fill(0, at, at + L.FIXED_WORDS)
  ints[at + L.R_ROW] = row
  ints[at + L.R_CLIENT] = p.src
  ints[at + L.R_SERVER] = p.dst
  ints[at + L.R_PORTS] = (p.srcPort << 16) | p.dstPort
  ints[at + L.R_BITS] = L.B_LIVE
  ints[at + L.R_ID] = ints[K.K_NEXT_ID]!
  ints[at + L.R_FIRST_FRAME] = p.frame
  ints[at + L.R_HASH] = hash
  floats[(at + L.R_START_T) >> 1] = p.tNs
  floats[(at + L.R_LAST_T) >> 1] = p.tNs
  ints[K.K_NEXT_ID]!++
  ints[K.K_OPEN_ROWS]!++
  putCell(ints, cells, mask, hash, row + 1)
  ints[K.K_TABLE_COUNT]!++
  rows.at = at
  return true
}

/** A connection on the same addresses and ports that was finished may begin anew. @returns false when there is another reference */
function forgetTomb(p: Packet, ints: Int32Array, hash: number): boolean {
  const cells = ints[K.K_TABLE]!
  const mask = ints[K.K_TABLE_MASK]!
  for (let cell = hash & mask; ints[cells + cell * 2 + 1] !== 0; cell = (cell + 1) & mask) {
    if (ints[cells + cell * 2] !== hash) continue
    const stored = ints[cells + cell * 2 + 1]!
    if (stored > FIRST_TOMB) return false
    const place = ints[K.K_TOMBS]! + (FIRST_TOMB - stored) * TOMB_WORDS
    if (!isTombOf(ints, place, p)) continue
    clearTomb(ints, place)
    if (removeCell(ints, cells, mask, hash, stored)) ints[K.K_TABLE_COUNT]!--
    return true
  }
  return true
}
