import type { ProbeHead, TargetSeen } from '../report.ts'
import type { FailureKind } from './failures.ts'
import type { LatencySummary } from './histogram.ts'

/** Result of `tcpwhy probe load`. */
export interface LoadReport extends ProbeHead {
  probe: 'load'
  targets: TargetSeen[]
  settings: LoadSettings
  requests: {
    /** Begun. = answered + failed + unfinished */
    begun: number
    /** A whole response came, whatever its status. */
    answered: number
    failed: number
    /** Still waiting when time was up, and not yet overdue. */
    unfinished: number
    /** With `ratePerS`: due, but all connections were busy until the end. */
    notBegun: number
    answeredPerS: number
  }
  /** Number of responses by status: {"200": 1234}. */
  statuses: Record<string, number>
  /** Commonest first. */
  failures: LoadFailure[]
  connections: {
    opened: number
    /** Handshakes that took about one SYN retransmission or longer (900 ms). */
    slowHandshakes: number
    connectMs: LatencySummary | null
  }
  /** It ended before its time: so many had been announced, and one more would have been needed. */
  usedUp: 'connections' | 'requests' | null
  latencyMs: {
    /** From when the request (one-shot: its connection) was begun. Answered ones only. */
    measured: LatencySummary | null
    /** As requests would have seen it that do not wait for each other. */
    corrected: LatencySummary | null
    /** How: measured from when it was due (`ratePerS`), or filled up by the mean interval of a connection's requests. */
    correction: 'from-due-time' | 'expected-interval'
    intervalMs: number | null
    /** How many of the measured took longer than that: delayed ACKs and retransmissions begin at 200 ms, those of a SYN at 1 s. */
    slower: { thanMs: number; count: number }[]
  }
  responseOctets: number
  samples: LoadSample[]
  /** With `settings.steps`: what each came to, in their order; the rest of the report is of all together. */
  steps?: LoadStep[]
  /** With `settings.steps`. */
  tipping?: Tipping
}

/** The load of one concurrency, for its part of the time. */
export interface LoadStep {
  concurrency: number
  /** Since the start. */
  fromMs: number
  durationMs: number
  /** It lasted as long as it was to: neither interrupted nor out of connections. */
  whole: boolean
  requests: { begun: number; answered: number; failed: number; unfinished: number }
  /** Of those that were answered before its time was up. */
  answeredPerS: number
  /** Two standard errors of that rate, by how much parts of the step differ; null = too few parts. */
  errorPerS: number | null
  connectionsOpened: number
  /** Commonest first. */
  failures: LoadFailure[]
  /** `corrected`: filled up by the mean interval of a connection's requests (coordinated omission). */
  latencyMs: { measured: LatencySummary | null; corrected: LatencySummary | null }
  /** Of one core, what tcpwhy itself used; null = not known. */
  ownCpu: number | null
}

/** From which concurrency on more of it gives no more requests a second. */
export interface Tipping {
  /** 'reached': from `at` on; 'none': the last step still gave more; 'unclear': see `why`. */
  is: 'reached' | 'none' | 'unclear'
  at: number | null
  /** reached: 'unknown' where tcpwhy itself was busy and may be what did not go faster. */
  by?: 'server' | 'unknown'
  /** unclear: fewer than two steps can be compared; or those above `at` are too few more for the noise. */
  why?: 'few' | 'noise'
  /** The first step of which one request in a hundred, or more, failed. */
  failsFrom: number | null
}

export interface LoadSettings {
  url: string
  method: string
  keepAlive: boolean
  concurrency: number
  /** One after the other, each for an equal part of `forMs`; `concurrency` is the largest. */
  steps?: readonly number[]
  /** Null = until `forMs`. */
  count: number | null
  forMs: number | null
  /** Null = each connection sends the next request when it has the answer. */
  ratePerS: number | null
  /** Instead of a rate: so many at once, each on a new connection. */
  bursts?: readonly LoadBurst[]
  connectTimeoutMs: number
  requestTimeoutMs: number
  /** As given: opens no more than these. */
  maxConnections?: number
}

export interface LoadBurst {
  /** Milliseconds since the start. */
  atMs: number
  count: number
}

/** A line of `--json-lines`: each second what it brought, when the last request had begun, and at the end the result. */
export type LoadLine =
  | { is: 'sample'; sample: LoadSample }
  | { is: 'all-begun'; atMs: number; begun: number }
  | { is: 'result'; report: LoadReport }

export interface LoadFailure {
  kind: FailureKind
  count: number
  /** Of these, on a connection that had already carried a request. */
  onReused: number
  /** The first few: milliseconds since the start, and the system's words where it said any. */
  examples: { atMs: number; code: string | null }[]
}

/** One second of the load. */
export interface LoadSample {
  /** Its end, milliseconds since the start. */
  atMs: number
  answered: number
  /** Of these, with a status of 500 or more. */
  serverErrors: number
  failed: number
  failures: Partial<Record<FailureKind, number>>
  p50Ms: number | null
  p99Ms: number | null
  maxMs: number | null
  /** At its end. */
  openConnections: number
  inFlight: number
}
