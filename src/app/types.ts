import type { ByteSource } from '../capture/byte-source.ts'
import type { Ladder } from '../diagnose/ladder.ts'
import type { ConnectionSummary, Report } from '../diagnose/report.ts'
import type { MachineFacts } from '../evidence/machine.ts'

export type Vantage = 'client' | 'server' | 'router'

/** A moment as the user typed it. Clock times are UTC, as the report prints them. */
export type TimeSpec =
  | { is: 'absolute'; epochNs: bigint }
  /** HH:MM:SS on the day the capture began, or the next such time after its first frame. */
  | { is: 'time-of-day'; ns: bigint }
  /** Since the first frame. */
  | { is: 'relative'; ns: bigint }

/** Which connections are analysed; what is not given does not filter. */
export interface ConnectionFilter {
  /** Either end has this address. */
  host?: string
  /** Either end has this port. */
  port?: number
  /** One end has the first address, the other end the second. */
  between?: readonly [string, string]
  /** Only packets at or after, and only packets before. */
  since?: TimeSpec
  before?: TimeSpec
}

/** Where connection rows go, in order of their ids. A slow sink is waited for. */
export interface ConnectionSink {
  write(connections: readonly ConnectionSummary[]): Promise<void>
}

export interface AnalyzeOptions {
  /** Paths, or '-' for standard input. Joined in time order. Empty when `at` is given. */
  inputs: readonly string[]
  /** `--at client=c.pcap`: the same traffic seen at several places. */
  at: readonly { vantage: Vantage; path: string }[]
  baseline?: string
  /** Results of `tcpwhy probe ... --json`: an experiment that agrees confirms, one that disagrees contradicts. */
  probes?: readonly string[]
  filter: ConnectionFilter
  /** List every connection in the report, not only the troubled. */
  all: boolean
  /** Id of the connection whose ladder is wanted. @throws TcpwhyError CONNECTION_NOT_FOUND */
  show?: string
  /** How much of a pipe is kept for a second look (payload, `show`); default 64 MiB. */
  pipeKeptOctets?: number
  /** Gets every connection, clean ones too (`--export`). */
  sink?: ConnectionSink
  /** Octets read so far and in all (null = a pipe). Called a few times a second. */
  onProgress?: (done: number, total: number | null) => void
  /** When it fires, reading stops and what was read so far is reported. */
  finish?: AbortSignal
  /** Hosts whose own account joins that of the captures (`diagnose`). */
  machines?: readonly MachineFacts[]
  /** Inputs that are not to be opened by their name. */
  given?: ReadonlyMap<string, ByteSource>
}

export interface AnalyzeResult {
  report: Report
  /**
   * With `all` and more than 10,000 connections: every one, in order of ids, one at a time; `report.connections.listed` then
   * has the troubled ones only. To be read once, to its end.
   */
  listed?: Iterable<ConnectionSummary>
  /** Only with `show`. */
  ladder?: Ladder
}

/** `src/app/analyze.ts`. @throws TcpwhyError CAPTURE_*, CONNECTION_NOT_FOUND, BAD_ARGUMENT */
export type AnalyzeCaptures = (options: AnalyzeOptions) => Promise<AnalyzeResult>
