import type { AddressBook } from '../base/addresses.ts'
import type { Packet } from './packet.ts'

// Fields that are read in two places, on the straight path (decode.ts) and in the dissectors.

/**
 * Hash of the six octets of a MAC address at `at`, int32. All zeros (loopback) give 0, as no address does.
 * Nothing but equality is asked of it: another address at the same place is another box.
 */
export function hashMac(view: DataView, at: number): number {
  return view.getInt32(at, true) ^ Math.imul(view.getInt32(at + 2, true), 0x9e3779b1)
}

/** SLL header (16 octets captured) at `at`. https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html */
export function readSllFields(view: DataView, at: number, packet: Packet): void {
  packet.direction = view.getUint16(at)
  packet.linkSource = view.getUint16(at + 4) === 6 ? hashMac(view, at + 6) : 0
}

/** SLL2 header (20 octets captured) at `at`. https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html */
export function readSll2Fields(view: DataView, at: number, packet: Packet): void {
  packet.direction = view.getUint8(at + 10)
  packet.linkSource = view.getUint8(at + 11) === 6 ? hashMac(view, at + 12) : 0
}

/** The IPv6 address at `at` (16 octets captured) as its number in the book. */
export function internAddress(view: DataView, at: number, addresses: AddressBook): number {
  return addresses.intern(
    view.getInt32(at),
    view.getInt32(at + 4),
    view.getInt32(at + 8),
    view.getInt32(at + 12),
  )
}
