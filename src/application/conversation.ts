import type { ApplicationFacts } from '../evidence/application.ts'
import { readHttp, startsLikeHttp } from './http.ts'
import { isMysqlCommand, isMysqlGreeting, readMysql } from './mysql.ts'
import { isPostgresqlStartup, isPostgresqlTraffic, readPostgresql } from './postgresql.ts'
import { readRefusal } from './refusals.ts'
import { type Chunk, inOrder, type PayloadSegment } from './stream.ts'
import { readTls, startsLikeTls, tlsPortSpokenPlain } from './tls.ts'

export type { PayloadSegment } from './stream.ts'

type Protocol = ApplicationFacts['protocol']

const LOOKED_AT = 400 // chunks looked at to recognise a protocol whose beginning is missing

/**
 * What the two ends said to each other. The protocol is told by its octets, never by the port.
 * @param segments  payload of both directions in capture order
 * @returns facts without literals, query values or header fields that may be secret. Never throws, whatever the octets.
 */
export function readConversation(segments: readonly PayloadSegment[]): ApplicationFacts {
  const chunks = inOrder(segments)
  const facts = noFacts(chunks.some((c) => c.bytes.length > 0))
  const found = recognise(chunks)
  if (found === null) {
    const refusal = readRefusal(chunks)
    return refusal === null ? facts : { ...facts, refusal }
  }
  return readAs(found.protocol, chunks, found.sawStart) ?? facts
}

function noFacts(payloadCaptured: boolean): ApplicationFacts {
  return { protocol: 'unknown', payloadCaptured, http: null, database: null, tls: null }
}

function readAs(
  protocol: Protocol,
  chunks: readonly Chunk[],
  sawStart: boolean,
): ApplicationFacts | null {
  const facts = noFacts(true)
  switch (protocol) {
    case 'http': {
      const http = readHttp(chunks)
      return http && { ...facts, protocol, http, tls: tlsPortSpokenPlain(chunks) }
    }
    case 'tls':
      return { ...facts, protocol, tls: readTls(chunks, sawStart) }
    case 'mysql':
    case 'postgresql': {
      const reading = (protocol === 'mysql' ? readMysql : readPostgresql)(chunks, sawStart)
      if (reading === null) return null
      return { ...facts, protocol, database: reading.facts, tls: tlsInside(chunks, reading.tls) }
    }
    default:
      return null
  }
}

/** After an upgrade inside a database protocol the TLS records begin with the client's hello. */
function tlsInside(chunks: readonly Chunk[], upgraded: boolean): ApplicationFacts['tls'] {
  if (!upgraded) return null
  const start = chunks.findIndex((c) => c.from === 'client' && startsLikeTls(c.bytes, true))
  return start < 0 ? null : readTls(chunks.slice(start), true)
}

function recognise(chunks: readonly Chunk[]): { protocol: Protocol; sawStart: boolean } | null {
  const client = chunks.find((c) => c.from === 'client' && c.bytes.length > 0)
  const server = chunks.find((c) => c.from === 'server' && c.bytes.length > 0)
  const atStart = byBeginning(client, server)
  if (atStart !== null) return { protocol: atStart, sawStart: true }
  for (const chunk of chunks.slice(0, LOOKED_AT)) {
    const protocol = byChunk(chunk)
    if (protocol !== null) return { protocol, sawStart: false }
  }
  return null
}

function byBeginning(client: Chunk | undefined, server: Chunk | undefined): Protocol | null {
  if (client !== undefined) {
    if (startsLikeTls(client.bytes, true)) return 'tls'
    if (startsLikeHttp(client.bytes)) {
      return server !== undefined && startsLikeTls(server.bytes) ? 'tls' : 'http'
    }
    if (isPostgresqlStartup(client.bytes)) return 'postgresql'
  }
  return server !== undefined && isMysqlGreeting(server.bytes) ? 'mysql' : null
}

function byChunk(chunk: Chunk): Protocol | null {
  if (startsLikeHttp(chunk.bytes)) return 'http'
  if (chunk.from === 'client' && isMysqlCommand(chunk.bytes)) return 'mysql'
  if (isPostgresqlTraffic(chunk)) return 'postgresql'
  return isWholeRecords(chunk.bytes) ? 'tls' : null
}

/** Midstream, four plausible octets are weak: the first record has to fill the chunk or be followed by another. */
function isWholeRecords(bytes: Uint8Array): boolean {
  if (!startsLikeTls(bytes)) return false
  const size = 5 + bytes[3]! * 256 + bytes[4]!
  return size === bytes.length || (size < bytes.length && startsLikeTls(bytes.subarray(size)))
}
