import { existsSync } from 'node:fs'
import { inputsOf } from '../../src/app/inputs.ts'
import { readFlows } from '../../src/app/read-flows.ts'
import { AddressBook, formatEndpoint } from '../../src/base/addresses.ts'
import { openCaptures } from '../../src/capture/open.ts'
import type { ConnectionFacts } from '../../src/flow/facts.ts'
import { Decoder } from '../../src/packet/decode.ts'
import { KIND_TCP, Packet } from '../../src/packet/packet.ts'

/** What is in the packets of one connection, added up without any of src/flow: the plain sums a peer could check. */
export interface PlainSums {
  /** Payload octets as they passed, repetitions included. */
  octets: { client: number; server: number }
  /** Different octets of sequence space that carried payload. */
  distinct: { client: number; server: number }
}

export interface OwnConnection {
  facts: ConnectionFacts
  plain: PlainSums
}

interface Passed {
  frame: number
  from: string
  seq: number
  len: number
}

/** Every connection that the library finds in a capture, with its plain sums, in order of the first frame. */
export async function ownConnections(path: string): Promise<OwnConnection[]> {
  if (!existsSync(path)) return []
  const found: ConnectionFacts[] = []
  await readFlows(await inputsOf([path]).open(), { onConnection: (facts) => found.push(facts) })
  found.sort((a, b) => a.id - b.id)
  const passed = await passedSegments(path)
  return found.map((facts) => ({ facts, plain: plainSums(facts, passed) }))
}

async function passedSegments(path: string): Promise<Map<string, Passed[]>> {
  const reader = await openCaptures(await inputsOf([path]).open())
  const addresses = new AddressBook()
  const decoder = new Decoder(addresses)
  const packet = new Packet()
  const passed = new Map<string, Passed[]>()
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const { view, bytes, starts, capLens, wireLens, links } = batch
    for (let i = 0; i < batch.count; i++) {
      const [start, cap, wire, link] = [starts[i]!, capLens[i]!, wireLens[i]!, links[i]!]
      if (decoder.decode(view, bytes, start, cap, wire, link, packet) !== KIND_TCP) continue
      const from = formatEndpoint(addresses.format(packet.src, packet.family), packet.srcPort)
      const to = formatEndpoint(addresses.format(packet.dst, packet.family), packet.dstPort)
      const key = pairKey(from, to)
      const list = passed.get(key) ?? []
      passed.set(key, list)
      const seq = (packet.seq + ((packet.flags & 2) >> 1)) >>> 0
      list.push({ frame: batch.firstFrame + i, from, seq, len: packet.dataLen })
    }
  }
  await reader.close()
  return passed
}

export function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function plainSums(facts: ConnectionFacts, passed: ReadonlyMap<string, Passed[]>): PlainSums {
  const { client, server, firstFrame, lastFrame } = facts
  const all = passed.get(pairKey(client.endpoint, server.endpoint)) ?? []
  const own = all.filter((p) => p.frame >= firstFrame && p.frame <= lastFrame && p.len > 0)
  const of = (endpoint: string) => own.filter((p) => p.from === endpoint)
  const [c, s] = [of(client.endpoint), of(server.endpoint)]
  const octets = (list: Passed[]) => list.reduce((sum, p) => sum + p.len, 0)
  const distinct = { client: distinctOctets(c), server: distinctOctets(s) }
  return { octets: { client: octets(c), server: octets(s) }, distinct }
}

/** Union of intervals, unwrapped around the first: right for up to 2^31 octets between neighbours. */
function distinctOctets(segments: readonly Passed[]): number {
  let near = segments[0]?.seq ?? 0
  const intervals = segments.map(({ seq, len }) => {
    near += (seq - near) | 0
    return [near, near + len] as const
  })
  intervals.sort((a, b) => a[0] - b[0])
  let sum = 0
  let end = Number.NEGATIVE_INFINITY
  for (const [from, to] of intervals) {
    if (to > end) sum += to - Math.max(from, end)
    end = Math.max(end, to)
  }
  return sum
}
