import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { once } from './once.ts'

type Protocol = ApplicationFacts['protocol']

/** An encrypted close_notify with its record header: 23 to 31 octets with AEAD ciphers (RFC 8446 §5.2, RFC 5288), 53 and more with CBC. */
const FAREWELL_OCTETS = 64
/** GnuTLS pads an alert under CBC with up to 255 octets (RFC 5246 §6.2.3.2): 5 of header, 16 of IV, 2 + 48 + 256. */
const PADDED_ALERT_OCTETS = 327
/** Where the protocol was not read, only the sizes of today's ciphers are believed. */
const LIKE_FAREWELL = { min: 23, max: 31 }

/** PostgreSQL's Terminate and MySQL's COM_QUIT: a header and nothing. The server closes and answers nothing. */
const QUIT_OCTETS = 5

function isDatabase(protocol: Protocol | null): boolean {
  return protocol === 'mysql' || protocol === 'postgresql'
}

/** The last octets of a side, and how many. */
export interface LastWords {
  from: Side
  octets: number
}

/**
 * Whether the last octets of a side are the end of a session (TLS close_notify, a database client's goodbye), which
 * carries nothing and wants no answer: by the protocol of the connection, or of others to the same endpoint whose payload was read; else 'perhaps' by their size.
 */
export function farewell(
  connection: ConnectionFacts,
  { from, octets }: LastWords,
  evidence: Evidence,
): 'yes' | 'perhaps' | 'no' {
  if (octets === 0) return 'no'
  const record = evidence.application.get(connection.id)?.tls?.last?.[from] ?? null
  if (record === 'alert') return octets <= PADDED_ALERT_OCTETS ? 'yes' : 'no'
  if (record === 'handshake' || octets > FAREWELL_OCTETS) return 'no'
  if (octets === QUIT_OCTETS && isDatabase(protocolOf(connection, evidence))) return 'yes'
  const { client, server } = connection.sides
  // A session that ends has begun: both hellos and a Finished are longer than this.
  if (client.payloadOctets + server.payloadOctets < 4 * FAREWELL_OCTETS) return 'no'
  const protocol = protocolOf(connection, evidence)
  if (protocol === 'tls') return 'yes'
  if (protocol !== null) return 'no'
  return octets >= LIKE_FAREWELL.min && octets <= LIKE_FAREWELL.max ? 'perhaps' : 'no'
}

/** null = the payload is not in the capture, or of no protocol we know. */
export function protocolOf(connection: ConnectionFacts, evidence: Evidence): Protocol | null {
  const own = evidence.application.get(connection.id)
  if (own !== undefined && own.protocol !== 'unknown') return own.protocol
  return protocolsOf(evidence).get(connection.server.endpoint) ?? null
}

/** Of every connection the payload is not read again: what its endpoint speaks is told by those where it was. */
const protocolsOf = once(({ connections, application }) => {
  const protocols = new Map<string, Protocol>()
  for (const { id, server } of connections) {
    const protocol = application.get(id)?.protocol ?? 'unknown'
    if (protocol !== 'unknown') protocols.set(server.endpoint, protocol)
  }
  return protocols
})
