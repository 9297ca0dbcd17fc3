import { type FailureKind, failureKinds } from './failures.ts'
import { Histogram } from './histogram.ts'
import type { LoadFailure, LoadSample } from './report.ts'

const EXAMPLES = 5

interface FailureTally {
  count: number
  onReused: number
  examples: { atMs: number; code: string | null }[]
}

/** Answers since the start, by then. */
export interface Slice {
  atMs: number
  answered: number
}

/** Counts what requests came to: in all, and second by second. */
export class Tally {
  begun = 0
  answered = 0
  failed = 0
  opened = 0
  slowHandshakes = 0
  responseOctets = 0
  readonly statuses = new Map<number, number>()
  readonly measured = new Histogram()
  /** From when they were due; only filled with a rate. */
  readonly due = new Histogram()
  readonly connect = new Histogram()
  readonly samples: LoadSample[] = []
  readonly slices: Slice[] = []

  private readonly failures = new Map<FailureKind, FailureTally>()
  private second = new Second()

  /** Begun, and neither answered nor failed yet. */
  get inFlight(): number {
    return this.begun - this.answered - this.failed
  }

  answer(latencyMs: number, sinceDueMs: number | null, status: number, octets: number): void {
    this.answered++
    this.second.answered++
    if (status >= 500) this.second.serverErrors++
    this.measured.record(latencyMs)
    this.second.latency(latencyMs)
    if (sinceDueMs !== null) this.due.record(sinceDueMs)
    this.responseOctets += octets
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
  }

  failure(kind: FailureKind, at: { atMs: number; code: string | null; reused: boolean }): void {
    this.failed++
    this.second.failed++
    this.second.failures[kind] = (this.second.failures[kind] ?? 0) + 1
    const tally = this.failures.get(kind) ?? { count: 0, onReused: 0, examples: [] }
    this.failures.set(kind, tally)
    tally.count++
    if (at.reused) tally.onReused++
    if (tally.examples.length < EXAMPLES) tally.examples.push({ atMs: at.atMs, code: at.code })
  }

  handshake(ms: number): void {
    this.connect.record(ms)
    if (ms >= SLOW_HANDSHAKE_MS) this.slowHandshakes++
  }

  /** Ends a second. */
  sample(atMs: number, openConnections: number, inFlight: number): LoadSample {
    const sample = { atMs, ...this.second.summary(), openConnections, inFlight }
    this.samples.push(sample)
    this.second = new Second()
    return sample
  }

  /** @param isOpen  time is not up: what is answered later belongs to no slice */
  slice(atMs: number, isOpen: boolean): void {
    if (isOpen) this.slices.push({ atMs, answered: this.answered })
  }

  /** Another one's as well, which began that much later. */
  add(other: Tally, laterMs: number): void {
    this.begun += other.begun
    this.answered += other.answered
    this.failed += other.failed
    this.opened += other.opened
    this.slowHandshakes += other.slowHandshakes
    this.responseOctets += other.responseOctets
    this.measured.add(other.measured)
    this.due.add(other.due)
    this.connect.add(other.connect)
    for (const sample of other.samples) {
      this.samples.push({ ...sample, atMs: rounded(sample.atMs + laterMs) })
    }
    for (const [status, count] of other.statuses) {
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + count)
    }
    for (const [kind, failures] of other.failures) this.addFailures(kind, failures, laterMs)
  }

  private addFailures(kind: FailureKind, other: FailureTally, laterMs: number): void {
    const tally = this.failures.get(kind) ?? { count: 0, onReused: 0, examples: [] }
    this.failures.set(kind, tally)
    tally.count += other.count
    tally.onReused += other.onReused
    for (const { atMs, code } of other.examples) {
      if (tally.examples.length < EXAMPLES) {
        tally.examples.push({ atMs: rounded(atMs + laterMs), code })
      }
    }
  }

  /** Commonest first; alike ones in the order of a request's life. */
  failureList(): LoadFailure[] {
    return failureKinds
      .flatMap((kind) => {
        const tally = this.failures.get(kind)
        return tally === undefined ? [] : [{ kind, ...tally }]
      })
      .sort((a, b) => b.count - a.count)
  }

  statusTable(): Record<string, number> {
    const sorted = [...this.statuses].sort(([a], [b]) => a - b)
    return Object.fromEntries(sorted.map(([status, count]) => [String(status), count]))
  }
}

/** The first retransmission of a SYN leaves after 1 s (RFC 6298 2.1; TCP_TIMEOUT_INIT); timers of a loaded host are not exact. */
const SLOW_HANDSHAKE_MS = 900

/** Latencies of one second that are kept for its percentiles; of more, every other one goes. */
const MAX_KEPT = 4096

class Second {
  answered = 0
  serverErrors = 0
  failed = 0
  failures: Partial<Record<FailureKind, number>> = {}
  private kept: number[] = []
  private every = 1
  private skipped = 0
  private max = 0

  latency(ms: number): void {
    if (ms > this.max) this.max = ms
    if (++this.skipped < this.every) return
    this.skipped = 0
    this.kept.push(ms)
    if (this.kept.length < MAX_KEPT) return
    this.kept = this.kept.filter((_, i) => i % 2 === 0)
    this.every *= 2
  }

  summary() {
    const sorted = Float64Array.from(this.kept).sort()
    const at = (percent: number) =>
      sorted.length === 0
        ? null
        : rounded(sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? 0)
    return {
      answered: this.answered,
      serverErrors: this.serverErrors,
      failed: this.failed,
      failures: this.failures,
      p50Ms: at(50),
      p99Ms: at(99),
      maxMs: sorted.length === 0 ? null : rounded(this.max),
    }
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
