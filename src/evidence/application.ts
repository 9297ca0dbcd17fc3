/** What the payload of one connection says, read again from the capture for troubled connections only. */
export interface ApplicationFacts {
  protocol: 'http' | 'mysql' | 'postgresql' | 'tls' | 'unknown'
  /** Whether payload octets are in the capture at all (false for header-only captures). */
  payloadCaptured: boolean
  http: HttpFacts | null
  database: DatabaseFacts | null
  tls: TlsFacts | null
  /** The server's first words, when they refuse the connection for a limit in a protocol that is not read. Absent = no. */
  refusal?: RefusalFacts
}

export interface RefusalFacts {
  text: string
  /** The setting that the limit is. */
  setting: string
  frame: number
}

export interface HttpFacts {
  /** Last request line without query values ("GET /files/a.jar"), and its frame. */
  request: string | null
  requestFrame: number | null
  /** Octets of the last request's body seen on the wire, its Content-Length, and whether all of it was sent. */
  requestBodyOctets: number | null
  requestContentLength: number | null
  requestBodyComplete: boolean | 'unknown'
  /** The client's last octets are the beginning of a request whose head never ended, all of it captured. Absent = no. */
  requestHeadUnfinished?: true
  /** Octets of the client behind the end of its last request that begin no other: a body's stray CRLF. Absent = none. */
  requestSurplusOctets?: number
  /** Status of the last response, its header fields that matter, null when absent. */
  status: number | null
  responseFrame: number | null
  contentLength: number | null
  chunked: boolean
  /** A response that is silent by nature now and then: text/event-stream, WebSocket (101), gRPC. */
  streaming?: boolean
  connectionHeader: string | null
  keepAliveTimeoutS: number | null
  /** Product of the response's Server field, without its version; null = not sent, absent = not told. */
  software?: string | null
  /** Octets of the last response's body seen on the wire so far, and whether the body was complete. */
  bodyOctetsSeen: number | null
  bodyComplete: boolean | 'unknown'
}

export interface DatabaseFacts {
  /** Transaction open after the last server message seen; 'unknown' when the messages cannot be followed. */
  inTransaction: boolean | 'unknown'
  /** Statement that opened it and the last one, literals replaced by ?, with frames. */
  openedBy: { text: string; frame: number } | null
  lastStatement: { text: string; frame: number } | null
  /** Last error message of the server: code and text. */
  error: { code: string; text: string; frame: number } | null
  /** The client said goodbye (COM_QUIT, Terminate). */
  quit: boolean
}

export interface TlsFacts {
  /** A fatal alert, by which side: its description number and name, RFC 8446 §6. */
  alert: { from: 'client' | 'server'; description: number; name: string; frame: number } | null
  handshakeFinished: boolean | 'unknown'
  /** Plain text spoken to a TLS port, or the reverse. */
  plainTextFrom: 'client' | 'server' | null
  clientHello: boolean
  /**
   * The client sent application data and no record came back that can be an answer: none, or only records of one size as session
   * tickets are; 'unknown' = nothing was asked, or a single such record came. Absent = not told.
   */
  unanswered?: boolean | 'unknown'
  /** Where the client asked last. Absent = nothing was asked, or not told. */
  askedFrame?: number
  serverName: string | null
  /** What the last record of each side was: its end of the session, a step of the handshake, or data. null or absent = not told. */
  last?: { client: TlsRecord | null; server: TlsRecord | null }
}

export type TlsRecord = 'alert' | 'handshake' | 'data'
