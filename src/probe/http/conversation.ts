import { type FailureKind, failureOfSocket, type RequestPhase } from '../load/failures.ts'
import type { OpenOptions, ProbePort, ProbeSocket, SocketFailure } from '../port.ts'
import { ResponseReader } from './response-reader.ts'

export interface HttpAnswer {
  is: 'answered'
  status: number
  keepAlive: boolean
  timeoutS: number | null
  maxRequests: number | null
  server: string | null
  ms: number
}

/** No (whole) answer: how the connection ended instead, or that time was up. */
export interface NoAnswer {
  is: 'reset' | 'closed' | 'timeout' | 'malformed' | 'failed'
  kind: FailureKind | null
  code: string | null
}

export interface HttpEnd {
  how: 'fin' | 'reset'
  /** On the port's clock. */
  atMs: number
}

/** Linux include/net/tcp_states.h */
const TCP_CLOSE = 7
const TCP_CLOSE_WAIT = 8

/** One HTTP/1.1 connection, asked step by step. */
export class Conversation {
  /** How the other end ended it, null while it has not. */
  ended: HttpEnd | null = null
  /** SYN to SYN-ACK as we heard of it; null = not yet. */
  handshakeMs: number | null = null
  private readonly port: ProbePort
  private readonly reader = new ResponseReader()
  private socket: ProbeSocket | null = null
  private phase: RequestPhase = 'connecting'
  private failure: SocketFailure | null = null
  private wake: (() => void) | null = null
  private answer: HttpAnswer | 'malformed' | null = null
  private askedMs = 0

  constructor(port: ProbePort) {
    this.port = port
  }

  /** @returns null when the connection is there */
  async open(to: OpenOptions, limitMs: number): Promise<NoAnswer | null> {
    let connected = false
    const fromMs = this.port.nowMs()
    const reached = () => {
      this.handshakeMs ??= this.port.nowMs() - fromMs
    }
    this.socket = this.port.open(to, {
      reached,
      connected: () => {
        reached()
        connected = true
        this.notify()
      },
      data: (octets) => this.data(octets),
      ended: () => this.end('fin'),
      closed: (failure) => {
        this.failure ??= failure
        this.end(failure === null ? 'fin' : 'reset')
      },
    })
    await this.until(() => connected || this.ended !== null, limitMs)
    return connected ? null : this.noAnswer()
  }

  async ask(request: Uint8Array, limitMs: number): Promise<HttpAnswer | NoAnswer> {
    this.begin()
    this.write(request)
    return this.answered(limitMs)
  }

  /** From here on octets belong to the answer of a new request. */
  begin(): void {
    this.reader.reset()
    this.answer = null
    this.phase = 'waiting'
    this.askedMs = this.port.nowMs()
  }

  async answered(limitMs: number): Promise<HttpAnswer | NoAnswer> {
    await this.until(() => this.answer !== null || this.ended !== null, limitMs)
    if (this.answer === 'malformed')
      return { is: 'malformed', kind: 'response-malformed', code: null }
    if (this.answer !== null) return this.answer
    if (this.ended?.how === 'fin' && this.reader.end() === 'done') return this.whole()
    return this.noAnswer()
  }

  /** A RST came, perhaps after a FIN. */
  get wasReset(): boolean {
    return this.failure !== null
  }

  get isAnswered(): boolean {
    return this.answer !== null
  }

  /** The other end's FIN or RST is here, perhaps not read yet. */
  get isOver(): boolean {
    if (this.ended !== null) return true
    const state = this.socket?.info()?.tcpi_state
    return state === TCP_CLOSE_WAIT || state === TCP_CLOSE
  }

  /** Octets of an answer came, perhaps not all. */
  get status(): number {
    return this.reader.status
  }

  /** Waits for the other end to end it. */
  async untilEnded(limitMs: number): Promise<HttpEnd | null> {
    await this.until(() => this.ended !== null, limitMs)
    return this.ended
  }

  write(octets: Uint8Array): void {
    this.socket?.write(octets)
  }

  unsent(): number {
    return this.socket?.unsent() ?? 0
  }

  /** Our FIN; the answer may still come. */
  halfClose(): void {
    this.socket?.end()
  }

  close(): void {
    this.socket?.close()
  }

  private data(octets: Uint8Array): void {
    if (this.phase === 'connecting' || this.answer !== null) return
    this.phase = 'answering'
    const progress = this.reader.feed(octets)
    if (progress === 'more') return
    this.answer = progress === 'done' ? this.whole() : 'malformed'
    this.notify()
  }

  private whole(): HttpAnswer {
    const { status, keepAlive, timeoutS, maxRequests, server } = this.reader
    const ms = this.port.nowMs() - this.askedMs
    return { is: 'answered', status, keepAlive, timeoutS, maxRequests, server, ms }
  }

  private end(how: HttpEnd['how']): void {
    // A RST after a FIN is the end of a connection that had ended.
    this.ended ??= { how, atMs: this.port.nowMs() }
    this.notify()
  }

  private noAnswer(): NoAnswer {
    if (this.ended === null) return { is: 'timeout', kind: null, code: null }
    if (this.ended.how === 'fin') return { is: 'closed', kind: null, code: null }
    const kind = this.failure === null ? null : failureOfSocket(this.failure, this.phase)
    const code = this.failure?.code ?? null
    return { is: this.phase === 'connecting' ? 'failed' : 'reset', kind, code }
  }

  private notify(): void {
    this.wake?.()
  }

  private until(isSo: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel = () => {}
      const check = () => {
        if (!isSo()) return
        cancel()
        this.wake = null
        resolve()
      }
      cancel = this.port.after(limitMs, () => {
        this.wake = null
        resolve()
      })
      this.wake = check
      check()
    })
  }
}
