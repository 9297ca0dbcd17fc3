/**
 * What experiments may touch of the world: sockets, names, a clock, chance. Nothing here sends by itself; `app/probe-port.ts` is
 * the real one, tests have one without a network.
 */
export interface ProbePort {
  /** Monotonic milliseconds. */
  nowMs(): number
  /** Milliseconds since 1970, for when a result was made. */
  epochMs(): number
  /** In [0, 1). */
  random(): number
  /** Calls `run` once after `ms`; the answer takes it back. */
  after(ms: number, run: () => void): () => void
  /** All addresses of a name, in the resolver's order. @throws TcpwhyError PROBE_NAME_UNKNOWN */
  resolve(host: string): Promise<readonly ProbeAddress[]>
  /** Never throws: what goes wrong, also at once, comes to `on.closed`, never before `open` has returned. */
  open(options: OpenOptions, on: SocketEvents): ProbeSocket
}

export interface ProbeAddress {
  address: string
  family: 4 | 6
}

export interface OpenOptions extends ProbeAddress {
  port: number
  /** Speak TLS. `servername` is the SNI; certificates are not judged: an experiment asks when connections die, not whom to trust. */
  tls?: { servername: string }
  /** TCP keepalive from the start; absent = SO_KEEPALIVE stays off. */
  keepalive?: Keepalive
}

/** TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. */
export interface Keepalive {
  idleS: number
  intervalS: number
  count: number
}

/** What happens to a socket, in this order; `closed` is always the last, and comes exactly once. */
export interface SocketEvents {
  /** The handshake is done (with TLS: that of TLS). */
  connected(): void
  /** The octets are only good during the call. */
  data(octets: Uint8Array): void
  /** The peer's FIN. */
  ended(): void
  /** Null after our own `close` or `reset`. */
  closed(failure: SocketFailure | null): void
}

/** The system's own words: code ECONNREFUSED, syscall connect. */
export interface SocketFailure {
  code: string
  syscall: string
}

export interface ProbeSocket {
  write(octets: Uint8Array): void
  /** Sends our FIN and keeps reading. */
  end(): void
  /** Sends our FIN and reads no more: close(). */
  close(): void
  /** Ends it by a RST: close() with SO_LINGER 0. */
  reset(): void
  /** Octets of `write` that the kernel has not taken yet. */
  unsent(): number
  /** Our address and port, null before the handshake. */
  local(): { address: string; port: number } | null
}
