import * as L from './layout.ts'
import type { Rows } from './rows.ts'

/** Connections looked at, of those that end first: enough to see what kind of capture it is. */
export const LOOKED_AT = 256
/** For so many the core is kept from ending connections by itself: JavaScript takes fifty times as long. Later it ends odd ones only. */
export const ALL_LOOKED_AT = 32
/** A box that translates addresses passes a packet on within this, unless it queues. */
const NEAR_NS = 50e6

/**
 * Whether the capture has connections twice under different addresses: before and after a box that translates them. Only a
 * hint, from numbers: the same initial sequence numbers both ways, close together.
 */
export class BothSidesHint {
  private readonly seen = new Map<
    string,
    { t: number; client: number; server: number; ports: number }
  >()
  private looked = 0
  found = false

  /** The open row's connection is over. */
  look({ ints, floats, at }: Rows): void {
    if (this.looked >= LOOKED_AT || this.found) return
    this.looked++
    const [c, s] = [at + L.CLIENT_SIDE, at + L.SERVER_SIDE]
    const known = ints[c + L.S_BITS]! & ints[s + L.S_BITS]! & L.SB_BASE
    if (known === 0) return
    const key = `${ints[c + L.S_BASE]} ${ints[s + L.S_BASE]}`
    const own = {
      t: floats[(at + L.R_START_T) >> 1]!,
      client: ints[at + L.R_CLIENT]!,
      server: ints[at + L.R_SERVER]!,
      ports: ints[at + L.R_PORTS]!,
    }
    const other = this.seen.get(key)
    if (other === undefined) this.seen.set(key, own)
    else if (Math.abs(other.t - own.t) < NEAR_NS) {
      this.found =
        other.client !== own.client || other.server !== own.server || other.ports !== own.ports
    }
  }

  /** Whether every connection is to be looked at still. */
  get wantsAll(): boolean {
    return !this.found && this.looked < ALL_LOOKED_AT
  }
}
