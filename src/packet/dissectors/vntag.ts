// Cisco VN-Tag, as proposed for 802.1Qbh; wireshark epan/dissectors/packet-vntag.c
import type { Dissector } from '../dissector.ts'
import { dissectTypeOrLength } from './ethernet.ts'

const TAG = 4

export const vntag: Dissector = {
  id: 'vntag',
  title: 'VN-Tag of Cisco fabric extenders',
  etherTypes: [0x8926],
  dissect(walk, at) {
    return dissectTypeOrLength(walk, at + TAG)
  },
}
