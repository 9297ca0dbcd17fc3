// RFC 9293 §3.1
import type { Dissector } from '../dissector.ts'
import {
  FAULT_BAD_TCP_OFFSET,
  FAULT_SHORT_TCP,
  KIND_TCP,
  KIND_UNREADABLE,
  type Packet,
} from '../packet.ts'
import { readTcpOptions } from '../tcp-options.ts'
import type { Walk } from '../walk.ts'

const HEADER = 20
/** Ports, seq, ack, offset, flags and window: without these a segment says nothing to us. */
const NEEDED = 16

export const tcp: Dissector = {
  id: 'tcp',
  title: 'TCP',
  ipProtocols: [6],
  dissect(walk, at) {
    if (walk.has(at, 4)) readPorts(walk.view, at, walk.packet)
    if (!walk.has(at, NEEDED)) return walk.fail(FAULT_SHORT_TCP, KIND_UNREADABLE)
    readSegmentFields(walk.view, at, walk.packet)
    const headerLength = (walk.view.getUint8(at + 12) >> 4) * 4
    if (headerLength < HEADER || at + headerLength > walk.wireEnd) {
      return walk.fail(FAULT_BAD_TCP_OFFSET, KIND_UNREADABLE)
    }
    readData(walk, at + headerLength)
    readOptions(walk, at + HEADER, at + headerLength)
    return KIND_TCP
  },
}

export function readPorts(view: DataView, at: number, packet: Packet): void {
  packet.srcPort = view.getUint16(at)
  packet.dstPort = view.getUint16(at + 2)
}

/** Numbers, flags and window of the header at `at` (16 octets captured). */
export function readSegmentFields(view: DataView, at: number, packet: Packet): void {
  packet.seq = view.getInt32(at + 4)
  packet.ack = view.getInt32(at + 8)
  packet.flags = view.getUint8(at + 13)
  packet.wnd = view.getUint16(at + 14)
}

function readData(walk: Walk, dataStart: number): void {
  walk.packet.dataStart = Math.min(dataStart, walk.end)
  walk.packet.dataLen = walk.wireEnd - dataStart
  walk.packet.dataCap = Math.max(0, walk.end - dataStart)
}

/** The options in [from, to), as many as were captured; optionsLen says when that is not all. */
export function readOptions(walk: Walk, from: number, to: number): void {
  const cut = to > walk.end && to > from
  walk.packet.optionsLen = cut ? -1 : to - from
  readTcpOptions(walk.view, walk.bytes, from, Math.min(to, walk.end), cut, walk.packet)
}
