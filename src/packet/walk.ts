import type { AddressBook } from '../base/addresses.ts'
import type { Dissector } from './dissector.ts'
import { FAULT_TOO_DEEP, FAULT_UNKNOWN_LINK, KIND_OTHER, type Packet } from './packet.ts'

/** Layers in one packet. Real ones have at most a dozen (QinQ, MPLS, VXLAN, VLAN, IPv6, TCP). */
const MAX_LAYERS = 32

/** Which dissector reads which number, made once from the registry. */
export interface DissectorTables {
  links: ReadonlyMap<number, Dissector>
  etherTypes: ReadonlyMap<number, Dissector>
  pppProtocols: ReadonlyMap<number, Dissector>
  ipProtocols: ReadonlyMap<number, Dissector>
  udpPorts: ReadonlyMap<number, Dissector>
}

/**
 * The way through the layers of one packet that is not of the plain sort: whose octets, how far they go, what is
 * filled. One object, used again for every packet.
 */
export class Walk {
  view: DataView
  bytes: Uint8Array
  packet: Packet
  /** Captured octets of the present layer end here; nothing at or behind it may be read. */
  end = 0
  /** Where the present layer ended on the wire; > end when the snap length cut it. */
  wireEnd = 0
  readonly addresses: AddressBook
  private readonly tables: DissectorTables
  private recordEnd = 0
  private layers = 0
  private entersLink = false

  constructor(addresses: AddressBook, tables: DissectorTables, packet: Packet) {
    this.addresses = addresses
    this.tables = tables
    this.packet = packet
    this.bytes = new Uint8Array(0)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Begins a packet: the record's octets are [start, end), of which [start, wireEnd) were on the wire. */
  begin(view: DataView, bytes: Uint8Array, end: number, wireEnd: number, packet: Packet): void {
    this.view = view
    this.bytes = bytes
    this.end = end
    this.wireEnd = wireEnd
    this.recordEnd = wireEnd
    this.packet = packet
    this.layers = 0
  }

  /** Whether `octets` octets at `at` were captured and belong to the present layer. */
  has(at: number, octets: number): boolean {
    return at + octets <= this.end
  }

  /** The present layer says that it ends at `at`: what follows is padding or a trailer. Cannot make it longer. */
  limit(at: number): void {
    if (at < this.wireEnd) this.wireEnd = at
    if (at < this.end) this.end = at
  }

  /**
   * The present layer says that it ends at `at`, behind what the record says was on the wire, and is believed: recorders
   * that note the octets they kept as those that were sent are common. A length that an outer layer gave still holds.
   */
  extend(at: number): void {
    if (this.wireEnd === this.recordEnd && at > this.wireEnd) this.wireEnd = at
  }

  link(link: number, at: number): number {
    const dissector = this.tables.links.get(link)
    if (dissector === undefined) return this.fail(FAULT_UNKNOWN_LINK)
    return this.enter(dissector, at, true)
  }

  etherType(type: number, at: number): number {
    return this.enter(this.tables.etherTypes.get(type), at)
  }

  pppProtocol(protocol: number, at: number): number {
    return this.enter(this.tables.pppProtocols.get(protocol), at)
  }

  ipProtocol(protocol: number, at: number): number {
    return this.enter(this.tables.ipProtocols.get(protocol), at)
  }

  udpPort(port: number, at: number): number {
    return this.enter(this.tables.udpPorts.get(port), at)
  }

  knowsEtherType(type: number): boolean {
    return this.tables.etherTypes.has(type)
  }

  /** Sets a FAULT_* bit. @returns `kind`, KIND_OTHER unless told otherwise */
  fail(fault: number, kind: number = KIND_OTHER): number {
    this.packet.fault |= fault
    return kind
  }

  /** Whether the present layer is the one the record began with, not one in a tunnel. */
  isOutermost(): boolean {
    return this.entersLink
  }

  private enter(dissector: Dissector | undefined, at: number, isLink = false): number {
    if (dissector === undefined) return KIND_OTHER
    if (++this.layers > MAX_LAYERS) return this.fail(FAULT_TOO_DEEP)
    this.entersLink = isLink
    return dissector.dissect(this, at)
  }
}
