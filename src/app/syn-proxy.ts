import type { AddressBook } from '../base/addresses.ts'
import { formatEndpoint } from '../base/addresses.ts'
import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { TranslationFacts } from '../evidence/evidence.ts'
import { type SplitHandshake, splitHandshakeOf } from '../evidence/vantage/syn-proxy.ts'
import { ACK, type Packet, RST, SYN } from '../packet/packet.ts'
import { type Filter, hiding } from './filter.ts'
import type { Inputs } from './inputs.ts'
import { type FlowsRead, type ReadOptions, readFlows } from './read-flows.ts'

/** Connections remembered, at most; a capture with more is taken as it is. */
const SPLIT_MAX = 200_000
/** A copy of the first packet may come a little earlier than the connection's first one. */
const SLACK_NS = 1000

/** Whether some connections were met on both sides of a box that answers handshakes itself. */
export function mayHoldSynProxy({ flows }: FlowsRead): boolean {
  return flows.connections.some((c) => splitHandshakeOf(c) !== null)
}

/**
 * The capture without what is on the servers' side of such a box: there the same connection has other numbers.
 * @returns 'unread' where the input cannot be read again or has too many of them
 */
export async function readClientsSide(
  inputs: Inputs,
  survey: ReadOptions,
  options: ReadOptions,
): Promise<{ read: FlowsRead; filter: Filter; facts: TranslationFacts } | 'unread'> {
  const first = await inputs.reopen()
  if (first === null) return 'unread'
  const split: Found[] = []
  await readFlows(first, {
    ...survey,
    onConnection: (c) => {
      const handshake = splitHandshakeOf(c)
      if (handshake !== null && split.length <= SPLIT_MAX) split.push(foundOf(c, handshake))
    },
  })
  const again = split.length > SPLIT_MAX ? null : await inputs.reopen()
  if (again === null) return 'unread'
  const filter = hiding((addresses) => farSide(split, addresses), options.filter)
  const facts: TranslationFacts = {
    pairs: split.length,
    by: 'syn-proxy',
    views: new Map(),
    fates: new Map(),
  }
  return { read: await readFlows(again, { ...options, filter }), filter, facts }
}

interface Found extends SplitHandshake {
  client: string
  server: string
  fromNs: number
}

function foundOf(c: ConnectionFacts, handshake: SplitHandshake): Found {
  const fromNs = c.startMs * 1e6 - SLACK_NS
  return { ...handshake, client: c.client.endpoint, server: c.server.endpoint, fromNs }
}

interface Story extends Found {
  /** The client has acknowledged what the box answered. */
  acknowledged: boolean
  /** Sequence numbers of its resets, which acknowledge nothing: the second of each is on the other side. */
  resets: Set<number>
}

/** @returns whether a packet is one of the servers' side: its numbers are nearer to the server's own. */
function farSide(
  split: readonly Found[],
  addresses: AddressBook,
): (p: Packet, tNs: number) => boolean {
  const stories = groupBy(
    split.map((found): Story => ({ ...found, acknowledged: false, resets: new Set() })),
    ({ client, server }) => `${client} ${server}`,
  )
  const end = (address: number, port: number, p: Packet) =>
    formatEndpoint(addresses.format(address, p.family), port)
  return (p, tNs) => {
    const source = end(p.src, p.srcPort, p)
    const target = end(p.dst, p.dstPort, p)
    const asked = stories.get(`${source} ${target}`)?.findLast((s) => tNs >= s.fromNs)
    if (asked !== undefined) return isFarOfClient(p, asked)
    const answered = stories.get(`${target} ${source}`)?.findLast((s) => tNs >= s.fromNs)
    return answered !== undefined && isFar(p.seq, answered)
  }
}

function isFarOfClient(p: Packet, story: Story): boolean {
  if ((p.flags & SYN) !== 0) return story.acknowledged
  if ((p.flags & ACK) === 0) {
    if ((p.flags & RST) === 0) return false
    const again = story.resets.has(p.seq)
    story.resets.add(p.seq)
    return again
  }
  if (isFar(p.ack, story)) return true
  story.acknowledged = true
  return false
}

function isFar(number: number, { near, far }: SplitHandshake): boolean {
  return Math.abs((number - far) | 0) < Math.abs((number - near) | 0)
}
