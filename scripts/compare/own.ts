import { existsSync } from 'node:fs'
import { inputsOf } from '../../src/app/inputs.ts'
import { readFlows } from '../../src/app/read-flows.ts'
import { AddressBook, formatEndpoint } from '../../src/base/addresses.ts'
import { openCaptures } from '../../src/capture/open.ts'
import type { ConnectionFacts, Side } from '../../src/flow/facts.ts'
import { Decoder } from '../../src/packet/decode.ts'
import { KIND_TCP, Packet, RST, SYN } from '../../src/packet/packet.ts'

/** What is in the packets of one connection, added up without any of src/flow: the plain sums a peer could check. */
export interface PlainSums {
  /** Payload octets as they passed, repetitions included. */
  octets: Record<Side, number>
  /** Different octets of sequence space that carried payload; text in a RST is not part of the stream. */
  distinct: Record<Side, number>
  /** Packets that equal an earlier one in all but TTL and came within 10 ms of it. */
  copies: number
  /** Segments with payload that brought nothing new, copies and keepalives aside, ... */
  repeats: number
  /** ... and those that began below what had been seen but brought something new. */
  reordered: number
}

export interface OwnConnection {
  facts: ConnectionFacts
  plain: PlainSums
}

interface Passed {
  frame: number
  tNs: number
  from: string
  seq: number
  len: number
  reset: boolean
  /** What two copies of one packet share: all header fields but TTL. */
  header: string
  hasId: boolean
}

/** Two captures of one packet are no further apart than this. */
const COPY_NS = 10e6
/** ... where there is an IP-ID that tells them from two packets that are alike; else this. */
const COPY_WITHOUT_ID_NS = 100e3

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
    const { view, bytes, starts, capLens, wireLens, links, times } = batch
    for (let i = 0; i < batch.count; i++) {
      const [start, cap, wire, link] = [starts[i]!, capLens[i]!, wireLens[i]!, links[i]!]
      if (decoder.decode(view, bytes, start, cap, wire, link, packet) !== KIND_TCP) continue
      const from = formatEndpoint(addresses.format(packet.src, packet.family), packet.srcPort)
      const to = formatEndpoint(addresses.format(packet.dst, packet.family), packet.dstPort)
      const list = passed.get(pairKey(from, to)) ?? []
      passed.set(pairKey(from, to), list)
      list.push(passedSegment(packet, { frame: batch.firstFrame + i, tNs: times[i]!, from }))
    }
  }
  await reader.close()
  return passed
}

function passedSegment(p: Packet, seen: { frame: number; tNs: number; from: string }): Passed {
  return {
    ...seen,
    seq: (p.seq + ((p.flags & SYN) >> 1)) >>> 0,
    len: p.dataLen,
    reset: (p.flags & RST) !== 0,
    hasId: p.ipId > 0,
    header: [seen.from, p.seq, p.ack, p.flags, p.dataLen, p.wnd, p.ipId, p.tsVal].join(' '),
  }
}

export function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function plainSums(facts: ConnectionFacts, passed: ReadonlyMap<string, Passed[]>): PlainSums {
  const { client, server, firstFrame, duplicateFrames } = facts
  const all = passed.get(pairKey(client.endpoint, server.endpoint)) ?? []
  // Copies at the end are part of it, although they do not move its last frame.
  const last = duplicateFrames > 0 ? Number.POSITIVE_INFINITY : facts.lastFrame
  const own = all.filter((p) => p.frame >= firstFrame && p.frame <= last)
  const of = (endpoint: string) => own.filter((p) => p.from === endpoint && p.len > 0)
  const [c, s] = [of(client.endpoint), of(server.endpoint)]
  const octets = (list: Passed[]) => list.reduce((sum, p) => sum + p.len, 0)
  const copies = new Set(copiesAmong(own))
  const fresh = [c, s].map((list) => fill(list.filter((p) => !copies.has(p) && !p.reset)))
  return {
    octets: { client: octets(c), server: octets(s) },
    distinct: { client: fresh[0]!.octets, server: fresh[1]!.octets },
    copies: copies.size,
    repeats: fresh[0]!.repeats + fresh[1]!.repeats,
    reordered: fresh[0]!.reordered + fresh[1]!.reordered,
  }
}

function copiesAmong(segments: readonly Passed[]): Passed[] {
  const known = new Map<string, number[]>()
  return segments.filter(({ header, tNs, hasId }) => {
    const times = known.get(header) ?? []
    known.set(header, [...times, tNs])
    return times.some((time) => Math.abs(tNs - time) < (hasId ? COPY_NS : COPY_WITHOUT_ID_NS))
  })
}

/** Fills sequence space one segment after the other, unwrapped around the first. */
function fill(segments: readonly Passed[]): { octets: number; repeats: number; reordered: number } {
  let near = segments[0]?.seq ?? 0
  let have: (readonly [number, number])[] = []
  const sums = { octets: 0, repeats: 0, reordered: 0 }
  let edge = Number.NEGATIVE_INFINITY
  for (const { seq, len } of segments) {
    near += (seq - near) | 0
    const covered = have.reduce((n, [from, to]) => {
      return n + Math.max(0, Math.min(to, near + len) - Math.max(from, near))
    }, 0)
    const probe = len === 1 && near === edge - 1
    if (covered === len && !probe) sums.repeats++
    else if (near < edge && !probe) sums.reordered++
    sums.octets += len - covered
    have = merged(have, [near, near + len])
    edge = Math.max(edge, near + len)
  }
  return sums
}

function merged(
  have: readonly (readonly [number, number])[],
  [from, to]: readonly [number, number],
): (readonly [number, number])[] {
  const apart = have.filter(([a, b]) => b < from || a > to)
  const touching = have.filter(([a, b]) => b >= from && a <= to)
  const start = Math.min(from, ...touching.map(([a]) => a))
  const end = Math.max(to, ...touching.map(([, b]) => b))
  return [...apart, [start, end]]
}
