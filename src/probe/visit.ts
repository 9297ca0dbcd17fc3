import { type TcpState, tcpState } from '../host/kernel/tcp-states.ts'
import { ResponseReader } from './http/response-reader.ts'
import {
  type FailureKind,
  failureOfEnd,
  failureOfSocket,
  failureOfTimeout,
  type RequestPhase,
} from './load/failures.ts'
import type { OpenOptions, ProbePort, ProbeSocket, SocketFailure, TlsSeen } from './port.ts'

export interface VisitJob {
  to: OpenOptions
  /** Null: nothing is said; whether the server speaks first is waited for a moment. */
  request: Uint8Array | null
  connectMs: number
  answerMs: number
  stop: AbortSignal
}

/** One connection from its SYN to its end, with the time and TCP state of each step. Milliseconds since the SYN. */
export interface Visit {
  /** Handshake of TCP; null = it was not finished. */
  connectedMs: number | null
  /** The SYN was sent again at these times. */
  retransmittedMs: number[]
  /** Handshake of TLS. */
  securedMs: number | null
  tls: TlsSeen | null
  sentMs: number | null
  /** The kernel there took the whole request; null = not known (or nothing was sent). */
  acknowledgedMs: number | null
  firstByteMs: number | null
  lastByteMs: number | null
  /** Of HTTP. */
  response: VisitResponse | null
  states: { atMs: number; step: VisitStep; state: TcpState | null }[]
  failure: FailureKind | null
  code: string | null
  endedMs: number
  localPort: number | null
}

export type VisitStep =
  | 'opened'
  | 'connected'
  | 'secured'
  | 'sent'
  | 'first-byte'
  | 'last-byte'
  | 'ended'

export interface VisitResponse {
  status: number
  bodyOctets: number
  keepAlive: boolean
  timeoutS: number | null
  maxRequests: number | null
  server: string | null
}

const POLL_MS = 10
/** What has not happened by then is worth saying: a SYN is sent again after 1 s. */
const TOLD_MS = 1000
/** Until the socket is there. */
const FIRST_POLL_MS = 1
/** A server that speaks first does so at once. */
const BANNER_MS = 1000

/** Opens, asks, reads to the end of the answer, closes. Null when stopped. */
export function visit(job: VisitJob, port: ProbePort): Promise<Visit | null> {
  return new Promise((resolve) => new Visiting(job, port, resolve).start())
}

class Visiting {
  private readonly job: VisitJob
  private readonly port: ProbePort
  private readonly resolve: (visit: Visit | null) => void
  private readonly reader = new ResponseReader()
  private socket: ProbeSocket | null = null
  private startMs = 0
  private phase: RequestPhase = 'connecting'
  private over = false
  private retransmits = 0
  private cancels: (() => void)[] = []
  private limit: () => void = () => {}
  private readonly seen: Visit = {
    connectedMs: null,
    retransmittedMs: [],
    securedMs: null,
    tls: null,
    sentMs: null,
    acknowledgedMs: null,
    firstByteMs: null,
    lastByteMs: null,
    response: null,
    states: [],
    failure: null,
    code: null,
    endedMs: 0,
    localPort: null,
  }

  constructor(job: VisitJob, port: ProbePort, resolve: (visit: Visit | null) => void) {
    this.job = job
    this.port = port
    this.resolve = resolve
  }

  start(): void {
    const { stop, to, connectMs } = this.job
    this.startMs = this.port.nowMs()
    const onStop = () => this.stopped()
    stop.addEventListener('abort', onStop)
    this.cancels.push(() => stop.removeEventListener('abort', onStop))
    this.within(connectMs)
    this.socket = this.port.open(to, {
      reached: () => this.connected(),
      connected: () => this.ready(),
      data: (octets) => this.data(octets),
      ended: () => this.ended(),
      closed: (failure) => this.closed(failure),
    })
    this.poll()
  }

  /** Ctrl-C is the end of the patience of whoever looks on: after a while it says the same as a limit. */
  private stopped(): void {
    if (this.now() < TOLD_MS) this.end(null)
    else this.fail(failureOfTimeout(this.phase), null)
  }

  private now(): number {
    return Math.round((this.port.nowMs() - this.startMs) * 1000) / 1000
  }

  private within(ms: number): void {
    this.limit()
    this.limit = this.port.after(ms, () => this.fail(failureOfTimeout(this.phase), null))
  }

  /** Retransmitted SYNs and the acknowledgement of the request are not told: they are looked for. */
  private poll(): void {
    if (this.over) return
    const info = this.socket?.info() ?? null
    const times = info?.tcpi_retransmits ?? 0
    if (this.phase === 'connecting' && times > this.retransmits) {
      this.retransmits = times
      this.seen.retransmittedMs.push(this.now())
    }
    if (info !== null) this.seen.localPort ??= this.socket?.local()?.port ?? null
    if (info !== null && this.seen.states.length === 0) this.step('opened')
    if (this.seen.sentMs !== null && this.seen.acknowledgedMs === null && info !== null) {
      const isOpen = info.tcpi_state !== TCP_CLOSE
      if (isOpen && info.tcpi_unacked === 0) this.seen.acknowledgedMs = this.now()
    }
    const isBegun = info !== null || this.now() > POLL_MS
    this.cancelPoll = this.port.after(isBegun ? POLL_MS : FIRST_POLL_MS, () => this.poll())
  }

  private cancelPoll: () => void = () => {}

  private step(step: VisitStep): void {
    const number = this.socket?.info()?.tcpi_state
    const state = number === undefined ? null : tcpState(number)
    this.seen.states.push({ atMs: this.now(), step, state })
  }

  private connected(): void {
    this.seen.connectedMs ??= this.now()
    this.seen.localPort ??= this.socket?.local()?.port ?? null
    if (this.seen.states.at(-1)?.step !== 'connected') this.step('connected')
    this.within(this.job.answerMs)
  }

  private ready(): void {
    if (this.job.to.tls === undefined) this.connected()
    else {
      this.seen.securedMs = this.now()
      this.seen.tls = this.socket?.tls() ?? null
      this.step('secured')
    }
    this.phase = 'waiting'
    if (this.job.request === null) {
      this.limit()
      this.limit = this.port.after(BANNER_MS, () => this.end(this.seen))
      return
    }
    this.within(this.job.answerMs)
    this.socket?.write(this.job.request)
    this.seen.sentMs = this.now()
    this.step('sent')
  }

  private data(octets: Uint8Array): void {
    if (this.over) return
    if (this.seen.firstByteMs === null) {
      this.seen.firstByteMs = this.now()
      this.step('first-byte')
    }
    if (this.job.request === null) {
      this.end(this.seen)
      return
    }
    this.phase = 'answering'
    const progress = this.reader.feed(octets)
    if (progress === 'malformed') this.fail('response-malformed', null)
    else if (progress === 'done') this.answered()
  }

  private answered(): void {
    const { status, bodyOctets, keepAlive, timeoutS, maxRequests, server } = this.reader
    this.seen.lastByteMs = this.now()
    this.seen.response = { status, bodyOctets, keepAlive, timeoutS, maxRequests, server }
    this.step('last-byte')
    this.end(this.seen)
  }

  private ended(): void {
    if (this.phase === 'answering' && this.reader.end() === 'done') this.answered()
    else this.fail(failureOfEnd(this.phase), null)
  }

  private closed(failure: SocketFailure | null): void {
    if (failure === null) this.fail(failureOfEnd(this.phase), null)
    else this.fail(failureOfSocket(failure, this.phaseOf()), failure.code)
  }

  /** TLS failed, not the handshake of TCP. */
  private phaseOf(): RequestPhase {
    return this.phase === 'connecting' && this.seen.connectedMs !== null ? 'waiting' : this.phase
  }

  private fail(kind: FailureKind, code: string | null): void {
    if (this.over) return
    this.seen.failure =
      this.seen.connectedMs !== null && kind === 'connect-timeout' ? 'tls-failed' : kind
    this.seen.code = code
    this.end(this.seen)
  }

  private end(seen: Visit | null): void {
    if (this.over) return
    this.over = true
    this.seen.endedMs = this.now()
    if (this.seen.failure !== null) this.step('ended')
    this.limit()
    this.cancelPoll()
    for (const cancel of this.cancels) cancel()
    this.socket?.close()
    this.resolve(seen)
  }
}

/** Linux include/net/tcp_states.h */
const TCP_CLOSE = 7
