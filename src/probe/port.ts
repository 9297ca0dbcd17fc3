import type { TcpInfo } from '../host/kernel/tcp-info.ts'

/**
 * What experiments may touch of the world: sockets, names, a clock, chance. Nothing here sends by itself; `app/probe/port.ts` is
 * the real one, tests have one without a network.
 */
export interface ProbePort {
  /** Monotonic milliseconds. */
  nowMs(): number
  /** Milliseconds since 1970, for when a result was made. */
  epochMs(): number
  /** Milliseconds of processor time that this process has used; absent where nobody counts them. */
  cpuMs?(): number
  /** In [0, 1). */
  random(): number
  /** Whether sockets have `info`, `probeNow` and all of `keepalive`: raw socket options of Linux. */
  readonly rawOptions: boolean
  /** Calls `run` once after `ms`; the answer takes it back. */
  after(ms: number, run: () => void): () => void
  /** All addresses of a name, in the resolver's order. @throws TcpwhyError PROBE_NAME_UNKNOWN */
  resolve(host: string): Promise<readonly ProbeAddress[]>
  /** Never throws: what goes wrong, also at once, comes to `on.closed`, never before `open` has returned. */
  open(options: OpenOptions, on: SocketEvents): ProbeSocket
  /**
   * One SYN with this TTL (IP_TTL of an ordinary socket), and what answers it. The connection, should it come about, is closed at once.
   * Null: it cannot be sent (no raw options).
   */
  hop(to: WatchTarget, ttl: number, limitMs: number): Promise<HopAnswer | null>
  /** Watches the headers of packets from these ends: one for each, in their order; or says why it cannot. */
  watch(ends: readonly WatchTarget[]): Promise<readonly PacketWatch[] | { cannot: string }>
}

export interface WatchTarget extends ProbeAddress {
  port: number
}

/** 'time-exceeded' and 'unreachable' are ICMP's; `localPort` finds the packet that said so. */
export interface HopAnswer {
  ttl: number
  is: 'syn-ack' | 'rst' | 'icmp' | 'nothing'
  afterMs: number | null
  localPort: number | null
}

/** Handshakes and endings of our own connections as they were on the wire. */
export interface PacketWatch {
  /** What the other end, or whoever speaks in its name, sent to this local port; oldest first. */
  seen(localPort: number): readonly PacketSeen[]
  /** Waits until what was sent until now has been read. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface PacketSeen {
  what: 'syn-ack' | 'fin' | 'rst' | 'time-exceeded' | 'unreachable'
  ttl: number
  /** Who sent an ICMP error. */
  from?: string
  /** Of a RST: with ACK and the receiver's window, as an endpoint sends it on its own; or without, as an answer. */
  active: boolean
}

export interface ProbeAddress {
  address: string
  family: 4 | 6
}

export interface OpenOptions extends ProbeAddress {
  port: number
  /** Speak TLS. `servername` is the SNI; certificates are not judged: an experiment asks when connections die, not whom to trust. */
  tls?: { servername: string }
}

/** TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. */
export interface Keepalive {
  idleS: number
  intervalS: number
  count: number
}

/** What happens to a socket, in this order; `closed` is always the last, and comes exactly once. */
export interface SocketEvents {
  /** With TLS: the handshake of TCP is done, that of TLS begins. */
  reached?(): void
  /** The handshake is done (with TLS: that of TLS). */
  connected(): void
  /** The octets are only good during the call. */
  data(octets: Uint8Array): void
  /** The peer's FIN. */
  ended(): void
  /** Null after our own `close` or `reset`. */
  closed(failure: SocketFailure | null): void
}

export interface TlsSeen {
  protocol: string
  cipher: string
  alpn: string | null
  /** Subject's common name, and until when: as the certificate has them. */
  subject: string | null
  validTo: string | null
  /** Why a client that checks certificates refuses it (OpenSSL's or Node's code: DEPTH_ZERO_SELF_SIGNED_CERT); null = it does not. */
  refusal: string | null
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
  /** Turns TCP keepalive on. 'idle-only': interval and count are the system's (no raw socket options). */
  keepalive(settings: Keepalive): 'set' | 'idle-only'
  /** Sends one keepalive probe now: an ACK that carries nothing and must be answered. False: it cannot (no raw options). */
  probeNow(): boolean
  /** After `connected` with TLS. */
  tls(): TlsSeen | null
  /** struct tcp_info, null where it cannot be read. */
  info(): TcpInfo | null
  /** Octets of `write` that the kernel has not taken yet. */
  unsent(): number
  /** Our address and port, null before the handshake. */
  local(): { address: string; port: number } | null
}
