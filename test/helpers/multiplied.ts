import { pcapFile } from './pcap-writer.ts'
import { type ReadRecord, readCapture } from './read-capture.ts'

const ETHERNET = 14
const SYN_BITS = 0x12

/**
 * The incident of an Ethernet capture (IPv4) many times over: each time later, with other clients (addresses that sent SYNs) and other
 * sequence numbers.
 */
export async function multiplied(
  capture: Uint8Array,
  times: number,
  stepMs: number,
): Promise<Uint8Array> {
  const { records } = await readCapture([capture])
  const clients = new Set<number>()
  for (const { data } of records) {
    const tcp = tcpAt(data)
    if (tcp > 0 && (data[tcp + 13]! & SYN_BITS) === 2) clients.add(u32(data, ETHERNET + 12))
  }
  const all = Array.from({ length: times }, (_, time) => {
    const laterNs = BigInt(Math.round(time * stepMs * 1e6))
    return records.map((r) => ({
      timeNs: r.timeNs + laterNs,
      wireLen: r.wireLen,
      data: renamed(r, time, clients),
    }))
  }).flat()
  all.sort((a, b) => Number(a.timeNs - b.timeNs))
  return pcapFile({ records: all })
}

/** Place of the TCP header; 0 = none. */
function tcpAt(data: Uint8Array): number {
  if (data[12] !== 8 || data[13] !== 0 || data[ETHERNET + 9] !== 6) return 0
  return ETHERNET + (data[ETHERNET]! & 15) * 4
}

function renamed({ data }: ReadRecord, time: number, clients: ReadonlySet<number>): Uint8Array {
  const tcp = tcpAt(data)
  if (tcp === 0) return data
  const own = data.slice()
  const view = new DataView(own.buffer)
  const [from, to] = [ETHERNET + 12, ETHERNET + 16]
  const byClient = clients.has(u32(data, from))
  for (const address of [from, to]) {
    // 100.64/10, its last octet as before.
    if (!clients.has(u32(data, address))) continue
    view.setUint32(address, (0x64400000 + time * 256 + data[address + 3]!) >>> 0)
  }
  const [ofClient, ofServer] = [
    Math.imul(time + 1, 0x9e3779b1) >>> 0,
    Math.imul(time + 1, 0x85ebca6b) >>> 0,
  ]
  const [seq, ack] = byClient ? [ofClient, ofServer] : [ofServer, ofClient]
  view.setUint32(tcp + 4, (u32(data, tcp + 4) + seq) >>> 0)
  if ((data[tcp + 13]! & 16) !== 0) view.setUint32(tcp + 8, (u32(data, tcp + 8) + ack) >>> 0)
  return own
}

function u32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0
}
