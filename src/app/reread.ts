import { openCaptures } from '../capture/open.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { type Digest, digestOf } from '../evidence/vantage/digest.ts'
import { Decoder } from '../packet/decode.ts'
import { KIND_TCP, Packet } from '../packet/packet.ts'
import { FrameMap } from './frame-map.ts'
import type { Inputs } from './inputs.ts'
import type { FlowsRead } from './read-flows.ts'

/** Bounds of what is kept of one connection when it is read again. */
const MAX_SEGMENTS = 50_000
const MAX_PAYLOAD_OCTETS = 4 * 1024 * 1024

/** One segment of a wanted connection, with a copy of its captured payload. */
export interface SegmentAgain {
  /** Running frame number, the same as in the first reading. */
  frame: number
  tNs: number
  from: 'client' | 'server'
  /** All header fields, a copy of the decoder's record. */
  packet: Packet
  payload: Uint8Array
  /** Of its captured payload; only with `digests`. */
  digest?: Digest
}

/**
 * Reads the input again for the segments of a few connections: their payload (tier 2) or their whole ladder.
 * @returns by connection id; null when the input cannot be read again
 */
export async function readAgain(
  inputs: Inputs,
  read: FlowsRead,
  wanted: readonly ConnectionFacts[],
  options: { payload: boolean; digests?: boolean },
): Promise<Map<number, SegmentAgain[]> | null> {
  const found = new Map<number, SegmentAgain[]>(wanted.map((c) => [c.id, []]))
  if (wanted.length === 0) return found
  const again = await inputs.reopen()
  if (again === null) return null
  const reader = await openCaptures(again)
  try {
    const decoder = new Decoder(read.addresses)
    const frames = new FrameMap(read.firstFrame)
    const packet = new Packet()
    const match = matcher(read, wanted)
    const accepts = read.filter?.(read.addresses, read.originNs) ?? null
    const budget = new Map<number, number>()
    const lastWanted = Math.max(...wanted.map((c) => c.lastFrame))
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      const first = frames.add(batch.source, batch.firstFrame, batch.count)
      if (first > lastWanted) break
      const { view, bytes, starts, capLens, wireLens, links, times } = batch
      for (let i = 0; i < batch.count; i++) {
        const kind = decoder.decode(
          view,
          bytes,
          starts[i]!,
          capLens[i]!,
          wireLens[i]!,
          links[i]!,
          packet,
        )
        if (kind !== KIND_TCP) continue
        const hit = match(packet, first + i)
        if (hit === null || accepts?.(packet, times[i]! + read.shiftNs) === false) continue
        const segments = found.get(hit.connection.id)!
        if (segments.length >= MAX_SEGMENTS) continue
        const spent = budget.get(hit.connection.id) ?? 0
        const copied = options.payload && spent < MAX_PAYLOAD_OCTETS ? packet.dataCap : 0
        budget.set(hit.connection.id, spent + copied)
        segments.push({
          frame: first + i,
          tNs: times[i]! + read.shiftNs,
          from: hit.from,
          packet: Object.assign(new Packet(), packet),
          payload: bytes.slice(packet.dataStart, packet.dataStart + copied),
          ...(options.digests === true && packet.dataCap > 0
            ? {
                digest: digestOf(
                  bytes.subarray(packet.dataStart, packet.dataStart + packet.dataCap),
                ),
              }
            : {}),
        })
      }
    }
    return found
  } finally {
    await reader.close()
  }
}

type Hit = { connection: ConnectionFacts; from: 'client' | 'server' }

/** Ports are compared first, addresses only where they fit: one wanted connection in a thousand is the usual case. */
function matcher(
  read: FlowsRead,
  wanted: readonly ConnectionFacts[],
): (packet: Packet, frame: number) => Hit | null {
  // int32: a larger number would be an object for each packet.
  const byPorts = new Map<number, Hit[]>()
  for (const connection of wanted) {
    const { client, server } = connection
    add(byPorts, (client.port << 16) | server.port, { connection, from: 'client' })
    add(byPorts, (server.port << 16) | client.port, { connection, from: 'server' })
  }
  return (packet, frame) => {
    const hits = byPorts.get((packet.srcPort << 16) | packet.dstPort)
    if (hits === undefined) return null
    const src = read.addresses.format(packet.src, packet.family)
    const dst = read.addresses.format(packet.dst, packet.family)
    for (const hit of hits) {
      const { connection, from } = hit
      if (frame < connection.firstFrame || frame > connection.lastFrame) continue
      const sender = from === 'client' ? connection.client : connection.server
      const receiver = from === 'client' ? connection.server : connection.client
      if (sender.address === src && receiver.address === dst) return hit
    }
    return null
  }
}

function add(map: Map<number, Hit[]>, key: number, hit: Hit): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [hit])
  else list.push(hit)
}
