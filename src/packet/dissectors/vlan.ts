// IEEE 802.1Q-2018 §9.6; 0x9100 and 0x9200 are the numbers in use before 802.1ad.
import type { Dissector } from '../dissector.ts'
import { dissectTypeOrLength } from './ethernet.ts'

const TAG = 2

export const vlan: Dissector = {
  id: 'vlan',
  title: 'VLAN tags, also stacked (QinQ)',
  etherTypes: [0x8100, 0x88a8, 0x9100, 0x9200],
  dissect(walk, at) {
    return dissectTypeOrLength(walk, at + TAG)
  },
}
