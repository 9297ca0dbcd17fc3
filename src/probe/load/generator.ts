import { ResponseReader } from '../http/response-reader.ts'
import type { OpenOptions, ProbePort, ProbeSocket, SocketFailure } from '../port.ts'
import {
  type FailureKind,
  failureOfEnd,
  failureOfSocket,
  failureOfTimeout,
  type RequestPhase,
} from './failures.ts'
import type { LoadBurst, LoadSample } from './report.ts'
import { Tally } from './tally.ts'

/** What to send where, and for how long. One of `count`, `forMs` and `bursts` at least is given. */
export interface LoadJob {
  to: OpenOptions
  request: Uint8Array
  method: string
  keepAlive: boolean
  concurrency: number
  count: number | null
  forMs: number | null
  ratePerS: number | null
  /** No second has more new connections, whatever is due; absent: no limit. */
  opensPerS?: number
  /** Never more than these; who would need one more connection, or ask once more without a rate, ends the run. */
  limits?: LoadLimits
  /** Answers are counted up at each multiple of it (`Tally.slices`); absent: they are not. */
  sliceMs?: number
  /** Instead of a rate, earliest first; `concurrency` is their sum. */
  bursts?: readonly LoadBurst[]
  connectTimeoutMs: number
  requestTimeoutMs: number
}

/** Over the whole run. */
export interface LoadLimits {
  connections: number
  requests: number
}

export interface LoadHooks {
  /** Every request has begun, so many; there will be no more. */
  onAllBegun?: (at: { atMs: number; begun: number }) => void
  /** Each second, with what it brought. */
  onSample?: (sample: LoadSample) => void
  /** Ends it early. */
  stop?: AbortSignal
}

export interface LoadOutcome {
  tally: Tally
  durationMs: number
  unfinished: number
  notBegun: number
  /** When time was up; without those that were waited for. */
  answeredInTime: number
  /** Which limit ended it before its time. */
  usedUp: keyof LoadLimits | null
}

/** A connection that failed is not tried again at once: a refusing server is asked 100 times a second a client, not 10,000 times. */
const AFTER_FAILURE_MS = 10
/** Requests that are under way when time is up are waited for so long, or as long as they may take, whichever is less. */
const DRAIN_MS = 5000
const SAMPLE_MS = 1000
const TICK_MS = 2
/** Of a burst, begun without a look at the sockets: the first are not to be measured by how long the others take to begin. */
const AT_ONCE = 50

/** Sends the load and says what became of every request. Rejects never; bounded by `count`, `forMs` and the time limits. */
export function runLoad(
  job: LoadJob,
  port: ProbePort,
  hooks: LoadHooks = {},
): Promise<LoadOutcome> {
  return new Promise((resolve) => new Run(job, port, hooks, resolve).start())
}

class Run {
  readonly job: LoadJob
  readonly port: ProbePort
  readonly tally = new Tally()
  private readonly hooks: LoadHooks
  private readonly resolve: (outcome: LoadOutcome) => void
  private readonly clients: Client[] = []
  private readonly arrivals: Arrivals | null
  private readonly most: number | null
  private startMs = 0
  private endMs: number | null = null
  private over = false
  private inTime: number | null = null
  private usedUp: keyof LoadLimits | null = null
  private idle: Client[] = []
  /** When the last `opensPerS` connections were opened, oldest first. */
  private opens: number[] = []
  private cancels = new Map<string, () => void>()

  constructor(
    job: LoadJob,
    port: ProbePort,
    hooks: LoadHooks,
    resolve: (outcome: LoadOutcome) => void,
  ) {
    this.job = job
    this.port = port
    this.hooks = hooks
    this.resolve = resolve
    this.arrivals = arrivalsOf(job)
    this.most = job.bursts?.reduce((sum, { count }) => sum + count, 0) ?? job.count
  }

  start(): void {
    const { concurrency, forMs, sliceMs } = this.job
    this.startMs = this.port.nowMs()
    for (let i = 0; i < concurrency; i++) this.clients.push(new Client(this))
    const stop = () => this.timeIsUp()
    this.hooks.stop?.addEventListener('abort', stop)
    this.cancels.set('signal', () => this.hooks.stop?.removeEventListener('abort', stop))
    if (this.hooks.stop?.aborted) {
      this.timeIsUp()
      return
    }
    if (forMs !== null) this.later('end', forMs, stop)
    if (sliceMs !== undefined) {
      this.every('slice', sliceMs, () => this.tally.slice(this.sinceStart(), this.endMs === null))
    }
    this.every('sample', SAMPLE_MS, () => this.sample())
    this.every('overdue', overdueEvery(this.job), () => this.checkOverdue())
    if (this.arrivals === null) for (const client of this.clients) this.free(client)
    else this.startArrivals()
  }

  sinceStart(): number {
    return this.port.nowMs() - this.startMs
  }

  /** A client has nothing to do: the next request, the next due one, or none. */
  free(client: Client): void {
    if (!this.mayBegin()) this.finishIfDone()
    else if (this.arrivals === null) this.begin(client, null)
    else {
      this.idle.push(client)
      this.serveArrivals()
    }
  }

  mayBegin(): boolean {
    return this.endMs === null && (this.most === null || this.tally.begun < this.most)
  }

  private begin(client: Client, dueMs: number | null): void {
    const limit = this.limitFor(client)
    if (limit !== null) {
      this.usedUp = limit
      this.timeIsUp()
      return
    }
    client.next(dueMs)
    const { begun } = this.tally
    if (begun === this.most) this.hooks.onAllBegun?.({ atMs: round(this.sinceStart()), begun })
  }

  private limitFor({ hasSocket }: Client): keyof LoadLimits | null {
    const { limits } = this.job
    if (limits === undefined) return null
    if (this.tally.begun >= limits.requests) return 'requests'
    return !hasSocket && this.tally.opened >= limits.connections ? 'connections' : null
  }

  private startArrivals(): void {
    this.idle = [...this.clients].reverse()
    this.every('arrivals', TICK_MS, () => this.serveArrivals())
    this.serveArrivals()
  }

  /** Begins what is due as far as clients are free; what waits keeps the time it was due. */
  private serveArrivals(): void {
    const most = this.job.bursts === undefined ? Number.POSITIVE_INFINITY : AT_ONCE
    for (let n = 0; n < most; n++) {
      const dueMs = this.startMs + (this.arrivals?.(this.tally.begun) ?? 0)
      if (!this.mayBegin() || dueMs > this.port.nowMs() || this.isAllAsked()) return
      const client = this.idle.at(-1)
      if (client === undefined || (!client.isOpen && !this.mayOpen())) return
      this.idle.pop()
      this.begin(client, dueMs)
    }
  }

  /** Timers are late: what would be due just when time is up is not asked any more. */
  private isAllAsked(): boolean {
    return this.tally.begun >= (this.job.limits?.requests ?? Number.POSITIVE_INFINITY)
  }

  /** What was made late by a slow server is not made up for by more new connections a second than are allowed. */
  private mayOpen(): boolean {
    const { opensPerS } = this.job
    if (opensPerS === undefined) return true
    const now = this.port.nowMs()
    const [first] = this.opens
    if (this.opens.length >= opensPerS && first !== undefined && now - first < 1000) return false
    this.opens.push(now)
    if (this.opens.length > opensPerS) this.opens.shift()
    return true
  }

  private timeIsUp(): void {
    if (this.endMs !== null) return
    this.endMs = this.port.nowMs()
    this.inTime = this.tally.answered
    const { connectTimeoutMs, requestTimeoutMs } = this.job
    this.later('drain', Math.min(DRAIN_MS, connectTimeoutMs + requestTimeoutMs), () =>
      this.finish(),
    )
    this.finishIfDone()
  }

  private checkOverdue(): void {
    const now = this.port.nowMs()
    for (const client of this.clients) client.checkOverdue(now)
  }

  private sample(): void {
    const open = this.clients.filter((client) => client.isOpen).length
    const sample = this.tally.sample(round(this.sinceStart()), open, this.tally.inFlight)
    this.hooks.onSample?.(sample)
  }

  private finishIfDone(): void {
    if (!this.mayBegin() && this.tally.inFlight === 0) this.finish()
  }

  private finish(): void {
    if (this.over) return
    this.over = true
    this.endMs ??= this.port.nowMs()
    const unfinished = this.tally.inFlight
    const { samples } = this.tally
    if (this.sinceStart() - (samples.at(-1)?.atMs ?? 0) > SAMPLE_MS / 10) this.sample()
    for (const cancel of this.cancels.values()) cancel()
    for (const client of this.clients) client.retire()
    const durationMs = this.endMs - this.startMs
    const { tally, usedUp } = this
    const answeredInTime = this.inTime ?? tally.answered
    const notBegun = this.notBegun(durationMs)
    this.resolve({ tally, durationMs, unfinished, notBegun, answeredInTime, usedUp })
  }

  private notBegun(durationMs: number): number {
    const { ratePerS, count, limits } = this.job
    if (ratePerS === null) return 0
    const most = Math.min(count ?? Infinity, limits?.requests ?? Infinity)
    const due = Math.min(Math.floor((durationMs * ratePerS) / 1000) + 1, most)
    return Math.max(due - this.tally.begun, 0)
  }

  later(name: string, ms: number, run: () => void): void {
    this.cancels.set(name, this.port.after(ms, run))
  }

  private every(name: string, ms: number, run: () => void): void {
    this.later(name, ms, () => {
      run()
      if (!this.over) this.every(name, ms, run)
    })
  }
}

/** When the n-th request is due, milliseconds since the start, n from 0. Null = when a client is free. */
type Arrivals = (n: number) => number

function arrivalsOf({ ratePerS, bursts }: LoadJob): Arrivals | null {
  if (bursts === undefined) return ratePerS === null ? null : (n) => (n * 1000) / ratePerS
  const due = bursts.flatMap(({ atMs, count }) => Array<number>(count).fill(atMs))
  return (n) => due[n] ?? Number.POSITIVE_INFINITY
}

/**
 * Limits are checked in steps: a five-hundredth of the shorter one, 1 to 50 ms. A limit of 1 s must fire before the kernel repeats a
 * SYN, which it does 1 s after the first and some milliseconds.
 */
function overdueEvery({ connectTimeoutMs, requestTimeoutMs }: LoadJob): number {
  return Math.min(Math.max(Math.min(connectTimeoutMs, requestTimeoutMs) / 500, 1), 50)
}

type ClientState = 'idle' | RequestPhase | 'closing'

/** One of the concurrent users: a connection, and at most one request on it. */
class Client {
  private readonly run: Run
  private readonly reader: ResponseReader
  private socket: ProbeSocket | null = null
  private state: ClientState = 'idle'
  private dueMs: number | null = null
  private beganMs = 0
  private phaseMs = 0
  private carried = 0

  constructor(run: Run) {
    this.run = run
    this.reader = new ResponseReader(run.job.method)
  }

  get isOpen(): boolean {
    return this.socket !== null && this.state !== 'connecting'
  }

  /** Open, or being opened. */
  get hasSocket(): boolean {
    return this.socket !== null
  }

  next(dueMs: number | null): void {
    const { run } = this
    run.tally.begun++
    this.dueMs = dueMs
    this.beganMs = run.port.nowMs()
    this.phaseMs = this.beganMs
    if (this.socket === null) this.connect()
    else this.send()
  }

  private connect(): void {
    const { run } = this
    this.state = 'connecting'
    this.carried = 0
    run.tally.opened++
    this.socket = run.port.open(run.job.to, this.eventsOf())
  }

  checkOverdue(nowMs: number): void {
    const { connectTimeoutMs, requestTimeoutMs } = this.run.job
    if (this.state === 'idle') return
    const limit = this.state === 'connecting' ? connectTimeoutMs : requestTimeoutMs
    if (nowMs - this.phaseMs < limit) return
    // The answer is there; only the server's FIN is not: that is no failure.
    if (this.state === 'closing') this.freed()
    else this.fail(failureOfTimeout(this.phaseOf(this.state)), null)
  }

  private phaseOf(state: RequestPhase): RequestPhase {
    return state === 'waiting' && (this.socket?.unsent() ?? 0) > 0 ? 'sending' : state
  }

  retire(): void {
    this.state = 'idle'
    this.drop()
  }

  private eventsOf() {
    // What a socket says after it was given up is for nobody.
    let mine = true
    const current = (act: () => void) => {
      if (mine) act()
    }
    this.forget = () => {
      mine = false
    }
    return {
      connected: () => current(() => this.connected()),
      data: (octets: Uint8Array) => {
        if (mine) this.data(octets)
      },
      ended: () => current(() => this.ended()),
      closed: (failure: SocketFailure | null) => current(() => this.closed(failure)),
    }
  }

  private forget = () => {}

  private connected(): void {
    this.run.tally.handshake(this.run.port.nowMs() - this.phaseMs)
    this.send()
  }

  private send(): void {
    this.reader.reset()
    this.phaseMs = this.run.port.nowMs()
    this.state = 'waiting'
    this.socket?.write(this.run.job.request)
  }

  private data(octets: Uint8Array): void {
    if (this.state === 'idle' || this.state === 'closing') return
    this.state = 'answering'
    const progress = this.reader.feed(octets)
    if (progress === 'malformed') this.fail('response-malformed', null)
    else if (progress === 'done') this.answered()
  }

  private answered(): void {
    const { run, reader } = this
    const now = run.port.nowMs()
    const sinceDue = this.dueMs === null ? null : now - this.dueMs
    run.tally.answer(now - this.beganMs, sinceDue, reader.status, reader.bodyOctets)
    this.carried++
    if (run.job.keepAlive && reader.keepAlive) this.freed(false)
    else {
      // Who closes first keeps the port in TIME-WAIT: that is the server's part, as it said it would.
      this.state = 'closing'
      this.phaseMs = now
    }
  }

  private ended(): void {
    if (this.state === 'closing') this.freed()
    else if (this.state === 'idle') this.drop()
    else if (this.state === 'answering' && this.reader.end() === 'done') {
      this.answered()
      this.freed()
    } else this.fail(failureOfEnd(this.state), null)
  }

  private closed(failure: SocketFailure | null): void {
    this.socket = null
    if (this.state === 'idle') return
    if (this.state === 'closing') this.freed()
    else if (failure === null) this.fail(failureOfEnd(this.state), null)
    else this.fail(failureOfSocket(failure, this.state), failure.code)
  }

  private fail(kind: FailureKind, code: string | null): void {
    const { run } = this
    run.tally.failure(kind, { atMs: round(run.sinceStart()), code, reused: this.carried > 0 })
    this.drop()
    this.state = 'idle'
    if (run.mayBegin()) run.port.after(AFTER_FAILURE_MS, () => run.free(this))
    else run.free(this)
  }

  /** Ready for the next request, on a new connection unless told otherwise. */
  private freed(anew = true): void {
    this.state = 'idle'
    if (anew) this.drop()
    this.run.free(this)
  }

  private drop(): void {
    this.forget()
    this.socket?.close()
    this.socket = null
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
