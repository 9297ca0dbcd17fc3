import type { ConnectionFacts, Segment, Side } from '../connection.ts'
import type { Digest } from './digest.ts'

/** What one capture saw. Ids and frame numbers are distinct over all views of one comparison: the app shifts them. */
export interface View {
  at: 'client' | 'router' | 'server'
  /** Source id. */
  source: string
  /** Unix time in nanoseconds of this view's millisecond 0, by the clock of the machine that captured. */
  originNs: bigint
  /** First and last record of the capture, TCP or not: what lies outside was not watched. */
  fromMs: number
  toMs: number
  /** Packets the kernel dropped before the capture saw them; null = not told. */
  dropped: number | null
  connections: readonly ConnectionFacts[]
  /** All segments of a connection in capture order, or null where they cannot be read again. */
  segmentsOf(connectionId: number): readonly Segment[] | null
  /** Of the payload of a data segment; null = not read. */
  digestOf?(frame: number): Digest | null
}

/** The same connection in two views, `near` being the one nearer to the client. */
export interface Pair {
  near: ConnectionFacts
  far: ConnectionFacts
  /** What proved it. */
  by: 'isn' | 'client-isn' | 'timestamps' | 'payload' | 'addresses'
}

export const FIN = 1
export const SYN = 2
export const RST = 4
export const ACK = 16

/**
 * Segments that are known of a connection, in time order without repetition, and whether these are all.
 * Facts keep the first and last ones only; that is all of them for a short connection.
 */
export function knownSegments(
  view: View,
  connection: ConnectionFacts,
): { segments: readonly Segment[]; complete: boolean } {
  const all = view.segmentsOf(connection.id)
  if (all !== null) return { segments: all, complete: true }
  const kept = new Map<number, Segment>()
  for (const s of [...connection.head, ...connection.tail, ...connection.resets]) {
    kept.set(s.frame, s)
  }
  const segments = [...kept.values()].sort((a, b) => a.tMs - b.tMs || a.frame - b.frame)
  const { client, server } = connection.sides
  return { segments, complete: segments.length >= client.packets + server.packets }
}

export function sides(): readonly Side[] {
  return ['client', 'server']
}
