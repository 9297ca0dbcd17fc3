import type {
  Keepalive,
  OpenOptions,
  PacketSeen,
  ProbePort,
  ProbeSocket,
  SocketEvents,
} from '../../src/probe/port.ts'

/** A path with a limit of idleness, and a server behind it. Time passes only when everybody waits. */
export interface VirtualPath {
  /** Infinity = none. */
  limitMs: number
  flavour: 'reset' | 'silent' | 'fin'
  /** fin, and reset with this, happen at the limit and not with the next packet. */
  byItself?: boolean
  /** Keepalive probes count as traffic. */
  heedsKeepalive: boolean
  rttMs: number
  /** The n-th connection's answers are lost, as on a bad path. */
  loses?: (connection: number) => boolean
  ttl?: { handshake: number; ending: number }
  refuses?: boolean
  /** The program there stops, which ends all connections, and listens again later; Infinity = never. */
  stops?: { atMs: number; untilMs: number }
  /** Said just before it closes by itself. */
  lastWords?: string
}

/** How long a FIN takes. */
const FIN_MS = 50

/** A port whose clock is virtual: hours pass in milliseconds, and every run of the same path is the same. */
export class VirtualWorld {
  nowMs = 0
  opened = 0
  private queue: { at: number; order: number; run: () => void }[] = []
  private order = 0
  private readonly seen = new Map<number, PacketSeen[]>()
  readonly path: VirtualPath

  /** Paths to other addresses than the usual one. */
  readonly others: Readonly<Record<string, VirtualPath>>

  constructor(path: VirtualPath, others: Readonly<Record<string, VirtualPath>> = {}) {
    this.path = path
    this.others = others
  }

  port(): ProbePort {
    return {
      nowMs: () => this.nowMs,
      epochMs: () => this.nowMs,
      random: () => 0.5,
      rawOptions: true,
      after: (ms, run) => this.after(ms, run),
      resolve: async (host) => [{ address: host, family: 4 }],
      open: (options, on) => this.open(options, on),
      hop: async () => null,
      watch: async (ends) =>
        ends.map(() => ({
          seen: (port) => this.seen.get(port) ?? [],
          settle: async () => {},
          close: async () => {},
        })),
    }
  }

  /** Runs until the work is done: lets promises settle, then jumps to the next event. */
  async play<T>(work: Promise<T>): Promise<T> {
    let done = false
    work.finally(() => {
      done = true
    })
    while (!done) {
      for (let i = 0; i < 20; i++) await Promise.resolve()
      if (done) break
      this.queue.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = this.queue.shift()
      if (next === undefined) throw new Error('nothing happens any more, and the work is not done')
      this.nowMs = Math.max(this.nowMs, next.at)
      next.run()
    }
    return work
  }

  private after(ms: number, run: () => void): () => void {
    const event = { at: this.nowMs + ms, order: this.order++, run }
    this.queue.push(event)
    return () => {
      this.queue = this.queue.filter((other) => other !== event)
    }
  }

  private open({ address }: OpenOptions, on: SocketEvents): ProbeSocket {
    const index = this.opened++
    const localPort = 10_000 + index
    const path = this.others[address] ?? this.path
    const { limitMs, flavour, byItself = flavour === 'fin', rttMs } = path
    const lost = path.loses?.(index) === true
    let lastMs = this.nowMs
    let ackedMs = this.nowMs
    let dead = false
    let reset = false
    let closed = false
    let unacked = 0
    let keepalive: Keepalive | null = null
    let stopTimer = () => {}
    const handshakeTtl = path.ttl?.handshake ?? 63
    const seen: PacketSeen[] = [{ what: 'syn-ack', ttl: handshakeTtl, active: false }]
    this.seen.set(localPort, seen)

    const finish = (code: string | null) => {
      if (closed) return
      closed = true
      stopTimer()
      on.closed(code === null ? null : { code, syscall: 'read' })
    }
    const ending = (what: 'fin' | 'rst', active: boolean) => {
      seen.push({ what, ttl: path.ttl?.ending ?? handshakeTtl, active })
    }
    const expire = () => {
      if (closed || dead) return
      dead = true
      if (!byItself) return
      if (flavour === 'fin') {
        if (path.lastWords !== undefined) on.data(new TextEncoder().encode(path.lastWords))
        ending('fin', true)
        this.after(FIN_MS, () => {
          if (!closed) on.ended()
        })
      } else {
        ending('rst', true)
        finish('ECONNRESET')
      }
    }
    const touch = () => {
      lastMs = this.nowMs
      stopTimer()
      if (limitMs !== Number.POSITIVE_INFINITY) stopTimer = this.after(limitMs, expire)
    }
    /** A packet of ours gets to the box. @returns whether it gets through */
    const passes = () => {
      if (closed) return false
      if (!dead) return true
      if (flavour === 'reset') {
        this.after(rttMs, () => {
          ending('rst', false)
          reset = true
          this.after(30, () => finish('ECONNRESET'))
        })
      }
      return false
    }
    const keepaliveTick = () => {
      if (closed || keepalive === null) return
      if (passes()) {
        ackedMs = this.nowMs
        if (path.heedsKeepalive) touch()
      }
      this.after(keepalive.idleS * 1000, keepaliveTick)
    }
    const { stops = { atMs: Number.POSITIVE_INFINITY, untilMs: 0 } } = path
    if (this.nowMs < stops.atMs && stops.atMs !== Number.POSITIVE_INFINITY) {
      this.after(stops.atMs - this.nowMs, () => {
        if (closed || dead) return
        dead = true
        ending('fin', true)
        on.ended()
      })
    }
    const isStopped = this.nowMs >= stops.atMs && this.nowMs < stops.untilMs
    this.after(rttMs, () => {
      if (closed) return
      if (path.refuses || isStopped) {
        closed = true
        on.closed({ code: 'ECONNREFUSED', syscall: 'connect' })
        return
      }
      touch()
      on.connected()
    })
    return {
      write: (octets) => {
        unacked += octets.length
        if (!passes() || (lost && this.nowMs - lastMs > 500)) return
        touch()
        this.after(rttMs, () => {
          if (closed) return
          unacked = 0
          ackedMs = this.nowMs
          touch()
          on.data(new TextEncoder().encode('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
        })
      },
      end: () => {},
      close: () => finish(null),
      reset: () => finish(null),
      keepalive: (settings) => {
        keepalive = settings
        this.after(settings.idleS * 1000, keepaliveTick)
        return 'set'
      },
      probeNow: () => {
        if (!passes() || lost) return true
        if (path.heedsKeepalive) touch()
        this.after(rttMs, () => {
          ackedMs = this.nowMs
        })
        return true
      },
      // What Linux says between a RST and the program's hearing of it: closed, and nothing unacknowledged.
      info: () => ({
        tcpi_state: reset ? 7 : 1,
        tcpi_unacked: reset ? 0 : unacked,
        tcpi_last_ack_recv: this.nowMs - ackedMs,
      }),
      tls: () => null,
      unsent: () => 0,
      local: () => ({ address: '10.0.0.1', port: localPort }),
    }
  }
}
