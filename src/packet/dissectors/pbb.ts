// IEEE 802.1Q-2018 §9.7 (I-TAG, formerly 802.1ah)
import type { Dissector } from '../dissector.ts'

const I_TAG = 4
const TRANSPARENT_BRIDGING = 0x6558

export const pbb: Dissector = {
  id: 'pbb',
  title: 'Provider backbone bridges (802.1ah)',
  etherTypes: [0x88e7],
  dissect(walk, at) {
    return walk.etherType(TRANSPARENT_BRIDGING, at + I_TAG)
  },
}
