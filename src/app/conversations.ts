import { readConversation } from '../application/conversation.ts'
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
  const alike = new Map<string, number>()
  const wanted: ConnectionFacts[] = []
  let long = 0
  for (const connection of connections) {
    const { client, server } = connection.sides
    if (client.payloadOctets + server.payloadOctets === 0) continue
    const key = `${connection.server.endpoint} ${connection.ending} ${connection.endedBy}`
    const count = alike.get(key) ?? 0
    const isShort = client.packets + server.packets <= SHORT_PACKETS
    if (isShort ? wanted.length - long >= MAX_SHORT : count >= MAX_ALIKE || long >= MAX_WANTED)
      continue
    if (!isShort) {
      alike.set(key, count + 1)
      long++
    }
    wanted.push(connection)
  }
  return wanted
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
