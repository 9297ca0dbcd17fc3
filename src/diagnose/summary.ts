import { formatInstant, instantAfter } from '../base/time.ts'
import type { CauseId } from '../causes/ids.ts'
import type { ConnectionFacts, SideFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { ConnectionSummary, Sides, SourceId } from './report.ts'

/** Where a running frame number is found: the source and the number in its own file. */
export type Locate = (frame: number) => { source: SourceId; frame: number }

/** By connection id: its ends behind a translation of its addresses. */
export type Views = ReadonlyMap<number, { client: string; server: string }>

export function viewsOf({ translation, vantage }: Evidence): Views | undefined {
  return translation?.views ?? vantage?.views
}

export interface SummaryContext {
  locate: Locate
  /** Unix time, in nanoseconds, of millisecond 0 of the evidence. */
  originNs: bigint
  cause?: CauseId | undefined
  views?: Views | undefined
}

/** A row before the clock and the numbering of the files are applied: it can be made while the capture is still read. */
export type Draft = Omit<ConnectionSummary, 'startTime' | 'frames' | 'cause'> & {
  startMs: number
  /** Running numbers over the joined input. */
  frames: { first: number; last: number; reset: number | null }
}

/** One row of `connections.listed`: what the facts say, in the report's own units and numbering. */
export function summarise(connection: ConnectionFacts, context: SummaryContext): ConnectionSummary {
  return place(draftOf(connection), context)
}

export function place(
  draft: Draft,
  { locate, originNs, cause, views }: SummaryContext,
): ConnectionSummary {
  const { id, client, server, clientGuessed, sawStart, seen, startMs, frames, ...rest } = draft
  const translated = views?.get(Number(id))
  return {
    ...{ id, client, server },
    ...(translated === undefined ? {} : { translated }),
    ...{ clientGuessed, sawStart, seen },
    startTime: formatInstant(instantAfter(originNs, startMs)),
    ...rest,
    frames: framesOf(frames, locate),
    ...(cause === undefined ? {} : { cause }),
  }
}

export function draftOf(connection: ConnectionFacts): Draft {
  const { client, server } = connection.sides
  const both = (of: (side: SideFacts) => number): Sides => ({
    client: of(client),
    server: of(server),
  })
  return {
    id: String(connection.id),
    client: connection.client.endpoint,
    server: connection.server.endpoint,
    clientGuessed: connection.clientGuessed,
    sawStart: connection.sawStart,
    seen: connection.seen,
    startMs: connection.startMs,
    durationMs: roundMs(connection.lastMs - connection.startMs),
    ending: connection.ending,
    endedBy: connection.endedBy,
    frames: {
      first: connection.firstFrame,
      last: connection.lastFrame,
      reset: resetOf(connection)?.frame ?? null,
    },
    handshakeRttMs:
      connection.handshake.rttMs === null ? null : roundMs(connection.handshake.rttMs),
    options: {
      mss: bothOrNull(client.mss, server.mss),
      windowScale: bothOrNull(client.windowScale, server.windowScale),
      sack: client.sackPermitted && server.sackPermitted,
      timestamps: client.timestamps && server.timestamps,
    },
    packets: both((s) => s.packets),
    payloadOctets: both((s) => s.payloadOctets),
    missingOctets: both((s) => s.missingOctets),
    retransmissions: {
      rto: both((s) => s.retransmissions.rto),
      fast: both((s) => s.retransmissions.fast),
      spurious: both((s) => s.retransmissions.spurious),
      syn: both((s) => s.retransmissions.syn),
      synAck: both((s) => s.retransmissions.synAck),
      fin: both((s) => s.retransmissions.fin),
    },
    duplicateAcks: both((s) => s.duplicateAcks),
    outOfOrder: both((s) => s.outOfOrder),
    keepaliveProbes: both((s) => s.keepaliveProbes),
    zeroWindow: { client: zeroWindowOf(client), server: zeroWindowOf(server) },
    resets: both((s) => s.resets),
    fins: both((s) => s.fins),
    longestSilenceMs: roundMs(connection.longestSilence?.ms ?? 0),
    silenceBeforeEndMs: roundMs(connection.silenceBeforeEndMs),
    unreadOctets: { client: client.unreadOctets, server: server.unreadOctets },
    ttl: { client: client.ttls, server: server.ttls },
  }
}

function resetOf(connection: ConnectionFacts): ConnectionFacts['resets'][number] | undefined {
  return connection.resets.find((r) => r.accepted !== false) ?? connection.resets.at(-1)
}

function framesOf(frames: Draft['frames'], locate: Locate): ConnectionSummary['frames'] {
  const first = locate(frames.first)
  const last = locate(frames.last)
  const reset = frames.reset === null ? null : locate(frames.reset)
  return {
    source: last.source,
    first: first.frame,
    last: last.frame,
    // A number without its file would send the reader to the wrong packet.
    ...(reset !== null && reset.source === last.source ? { reset: reset.frame } : {}),
    ...(first.source === last.source ? {} : { firstSource: first.source }),
  }
}

function zeroWindowOf(side: SideFacts): { times: number; ms: number } {
  return { times: side.zeroWindow.times, ms: roundMs(side.zeroWindow.ms) }
}

function bothOrNull(client: number | null, server: number | null): Sides | null {
  return client === null || server === null ? null : { client, server }
}

/** To the nanosecond: differences of floating-point milliseconds otherwise print 0.30000000000000004. */
function roundMs(ms: number): number {
  return Math.round(ms * 1e6) / 1e6
}
