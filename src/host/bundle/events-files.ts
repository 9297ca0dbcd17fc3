import type { EventsMissing, EventsRecording, TraceTask } from '../events.ts'
import { bigOr, entriesOf, listOr, numberOr, objectOr, parseObject, stringOr } from './json.ts'
import { type BundleFiles, encoded, joined } from './look-files.ts'
import { textOf } from './reads.ts'

const FOLDER = 'events'
const RECORDING = `${FOLDER}/recording.json`
const PAGES = `${FOLDER}/pages.bin`
const HEADER_PAGE = `${FOLDER}/header_page`

/** What the kernel told, as files: the formats as in tracefs, the pages one after another. */
export function filesOfEvents(recording: EventsRecording): BundleFiles {
  const { headerPage, formats, pages, fromNs, toNs, realtimeOffsetNs, ...others } = recording
  const { establishedUntilNs, ...rest } = others
  const about = {
    ...rest,
    fromNs: String(fromNs),
    toNs: String(toNs),
    realtimeOffsetNs: String(realtimeOffsetNs),
    establishedUntilNs: String(establishedUntilNs),
    pages: pages.map(({ cpu, octets }) => ({ cpu, octets: octets.length })),
  }
  const files: BundleFiles = new Map([
    [RECORDING, encoded(`${JSON.stringify(about, null, 1)}\n`)],
    [HEADER_PAGE, encoded(headerPage)],
    [PAGES, joined(pages.map(({ octets }) => octets))],
  ])
  for (const [event, text] of Object.entries(formats)) files.set(formatName(event), encoded(text))
  return files
}

/** @returns null when there are none, or they are not what filesOfEvents() writes */
export function eventsOfFiles(files: BundleFiles): EventsRecording | null {
  const text = files.get(RECORDING)
  const header = files.get(HEADER_PAGE)
  const json = text === undefined ? null : parseObject(textOf(text))
  if (json === null || header === undefined) return null
  const octets = files.get(PAGES) ?? new Uint8Array(0)
  return {
    littleEndian: json['littleEndian'] !== false,
    arch: stringOr(json['arch'], ''),
    headerPage: textOf(header),
    formats: formatsIn(files),
    pages: pagesOf(listOr(json['pages']), octets),
    pagesLeftOut: numberOr(json['pagesLeftOut'], 0),
    tasks: Object.fromEntries(entriesOf(json['tasks'], taskOrNull)),
    overrun: numberOr(json['overrun'], 0),
    fromNs: bigOr(json['fromNs']),
    toNs: bigOr(json['toNs']),
    realtimeOffsetNs: bigOr(json['realtimeOffsetNs']),
    establishedUntilNs: bigOr(json['establishedUntilNs']),
    missing: listOr(json['missing']).flatMap((one) => missingOrNone(one)),
  }
}

const FORMAT = new RegExp(`^${FOLDER}/([\\w-]+/[\\w-]+)/format$`)

function formatName(event: string): string {
  return `${FOLDER}/${event}/format`
}

function formatsIn(files: BundleFiles): Record<string, string> {
  const formats: Record<string, string> = {}
  for (const [name, octets] of files) {
    const event = FORMAT.exec(name)?.[1]
    if (event !== undefined) formats[event] = textOf(octets)
  }
  return formats
}

function pagesOf(list: readonly unknown[], octets: Uint8Array): EventsRecording['pages'] {
  const pages: { cpu: number; octets: Uint8Array }[] = []
  let at = 0
  for (const one of list) {
    const { cpu, octets: length } = objectOr(one) ?? {}
    if (typeof cpu !== 'number' || typeof length !== 'number') break
    if (!Number.isInteger(length) || length < 0 || at + length > octets.length) break
    pages.push({ cpu, octets: octets.subarray(at, at + length) })
    at += length
  }
  return pages
}

function taskOrNull(value: unknown): TraceTask | null {
  const { pid, command } = objectOr(value) ?? {}
  if (typeof command !== 'string') return null
  return { pid: typeof pid === 'number' ? pid : null, command }
}

const WHYS: ReadonlySet<unknown> = new Set<EventsMissing['why']>([
  'not-linux',
  'not-mounted',
  'denied',
  'lockdown',
  'no-instance',
  'no-event',
  'no-reasons',
  'few-reasons',
  'no-filter',
  'no-clock',
  'failed',
])
const ADDS: ReadonlySet<unknown> = new Set<EventsMissing['adds']>([
  'everything',
  'reset-reasons',
  'resets-sent',
  'resets-received',
  'states',
  'errors',
  'retransmissions',
  'handshake-retransmissions',
  'drops',
  'failed-calls',
  'dying-processes',
  'times',
])

function missingOrNone(value: unknown): EventsMissing[] {
  const { what, why, adds, detail } = objectOr(value) ?? {}
  if (typeof what !== 'string' || !WHYS.has(why) || !ADDS.has(adds)) return []
  return [{ what, why, adds, detail: typeof detail === 'string' ? detail : '' } as EventsMissing]
}
