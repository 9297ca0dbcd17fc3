import { readConversation } from '../application/conversation.ts'
import { groupBy } from '../base/group-by.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { isHeadersOnly } from './headers-only.ts'
import type { Inputs } from './inputs.ts'
import type { FlowsRead } from './read-flows.ts'
import { readAgain, type SegmentAgain } from './reread.ts'

/** Connections whose payload is read again, at most; of one server and ending at most a few. */
const MAX_WANTED = 256
const MAX_ALIKE = 24
/** Those beyond, if there is little of each: what tells one refusal in words among many healthy answers. */
const SHORT_PACKETS = 40
const MAX_SHORT = 8_192

/** What the troubled connections said, where the capture has their payload. */
export async function readConversations(
  inputs: Inputs,
  read: FlowsRead,
  connections: readonly ConnectionFacts[],
): Promise<Map<number, ApplicationFacts>> {
  const facts = new Map<number, ApplicationFacts>()
  const wanted = isHeadersOnly(read) ? [] : wantedOf(connections)
  if (wanted.length === 0) return facts
  const found = await readAgain(inputs, read, wanted, { payload: true })
  if (found === null) return facts
  for (const connection of wanted) {
    const segments = found.get(connection.id) ?? []
    if (segments.length === 0) continue
    facts.set(connection.id, readConversation(payloadOf(connection, segments)))
  }
  return facts
}

/** Payload tells something where data flowed and the end was not an ordinary one. */
function wantedOf(connections: readonly ConnectionFacts[]): ConnectionFacts[] {
  const speaking = connections.filter(({ sides: { client, server } }) => {
    return client.payloadOctets + server.payloadOctets > 0
  })
  const short = speaking.filter(isShort).slice(0, MAX_SHORT)
  const alike = groupBy(
    speaking.filter((c) => !isShort(c)),
    (c) => `${c.server.endpoint} ${c.ending} ${c.endedBy}`,
  )
  const long = [...alike.values()].flatMap((all) => spread(all, MAX_ALIKE)).slice(0, MAX_WANTED)
  return [...short, ...long].sort((a, b) => a.id - b.id)
}

function isShort({ sides: { client, server } }: ConnectionFacts): boolean {
  return client.packets + server.packets <= SHORT_PACKETS
}

/** So many of them, from the first to the last: they speak for those between. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!)
}

function payloadOf(connection: ConnectionFacts, segments: readonly SegmentAgain[]) {
  const bases = {
    client: baseOf(connection, 'client', segments),
    server: baseOf(connection, 'server', segments),
  }
  return segments
    .filter((s) => s.packet.dataLen > 0)
    .map((s) => ({
      from: s.from,
      frame: s.frame,
      seq: (s.packet.seq - bases[s.from]) | 0,
      bytes: s.payload,
      cut: s.payload.length < s.packet.dataLen,
      len: s.packet.dataLen,
    }))
}

/** Absolute sequence number of a side's relative zero. */
function baseOf(
  connection: ConnectionFacts,
  side: 'client' | 'server',
  segments: readonly SegmentAgain[],
): number {
  const { isn } = connection.sides[side]
  if (isn !== null) return isn | 0
  const first = segments.find((s) => s.from === side)
  return first === undefined ? 0 : (first.packet.seq - 1) | 0
}
