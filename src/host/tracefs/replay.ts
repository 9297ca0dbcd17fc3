import type { EventsFacts, EventsRecording } from '../events.ts'
import { COLLECT_LIMITS, type CollectLimits, EventsCollector } from './collect.ts'
import { type PageLayout, parseFormat, parseHeaderPage, type TraceFormat } from './format.ts'
import { resetReasonsOf } from './watched.ts'

export interface RecordedFormats {
  layout: PageLayout
  formats: Map<number, { event: string; format: TraceFormat }>
}

/** @returns null when the page header is none that can be read. Formats that cannot be read are left out. */
export function recordedFormats(
  of: Pick<EventsRecording, 'headerPage' | 'formats'>,
): RecordedFormats | null {
  const layout = parseHeaderPage(of.headerPage)
  if (layout === null) return null
  const formats: RecordedFormats['formats'] = new Map()
  for (const [event, text] of Object.entries(of.formats)) {
    const format = parseFormat(text)
    if (format !== null) formats.set(format.id, { event, format })
  }
  return { layout, formats }
}

/** The facts of a recording: the same that whoever recorded it had, as far as its pages were kept. */
export function eventsOf(
  recording: EventsRecording,
  limits: CollectLimits = COLLECT_LIMITS,
): EventsFacts {
  const { fromNs, toNs, realtimeOffsetNs, missing, littleEndian, arch, tasks } = recording
  const { establishedUntilNs, pagesLeftOut } = recording
  const read = recordedFormats(recording)
  const watched = [...(read?.formats.values() ?? [])]
  const about = {
    fromNs,
    toNs,
    realtimeOffsetNs,
    missing,
    resetReasons: resetReasonsOf(watched),
    dropReasons: watched.some(({ event }) => event === 'skb/kfree_skb'),
  }
  if (read === null) return { ...nothing(), ...about, odd: recording.pages.length }
  const task = (tid: number) => tasks[tid] ?? null
  const collector = new EventsCollector({ ...read, littleEndian, arch, task }, limits)
  // Of those on pages that were left out nobody knows.
  collector.countEstablished(fromNs, pagesLeftOut > 0 ? null : establishedUntilNs)
  for (const { octets } of recording.pages) collector.addPages(octets)
  const collected = collector.collected()
  return { ...collected, ...about, lost: Math.max(collected.lost, recording.overrun) }
}

function nothing() {
  const counts = new Map<string, number>()
  return { events: [], groups: [], counts, established: null, lost: 0, odd: 0 }
}

/** Nothing could be watched, and why. */
export function noEvents(missing: EventsFacts['missing']): EventsFacts {
  return {
    ...nothing(),
    fromNs: null,
    toNs: null,
    realtimeOffsetNs: null,
    resetReasons: 'none',
    dropReasons: false,
    missing,
  }
}
