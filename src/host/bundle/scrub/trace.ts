import type { EventsRecording } from '../../events.ts'
import type { PageLayout, TraceField, TraceFormat } from '../../tracefs/format.ts'
import { decodePages } from '../../tracefs/pages.ts'
import { recordedFormats } from '../../tracefs/replay.ts'
import type { MapAddress } from './types.ts'

/**
 * The recording without the kernel's own addresses, which help an attacker (KASLR): each becomes a number, the same wherever it
 * stood. Octets that mean nothing are cleared; pages and records that cannot be understood are left out.
 * @param map  for the addresses of connections, where they are to be mapped
 */
export function scrubTrace(recording: EventsRecording, map?: MapAddress): EventsRecording {
  const read = recordedFormats(recording)
  if (read === null) {
    const { pages, pagesLeftOut } = recording
    return { ...recording, pages: [], pagesLeftOut: pagesLeftOut + pages.length }
  }
  const { layout, formats } = read
  const { littleEndian } = recording
  const pointers = new Map<bigint, bigint>()
  const pages: Page[] = []
  const single = recording.pages.flatMap((page) => singlePages(page, layout.pageSize))
  for (const { cpu, octets } of single) {
    const copy = octets.slice()
    const result = decodePages(
      copy,
      layout,
      littleEndian,
      (_, record) => {
        const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
        const id = record.length < 2 ? -1 : view.getUint16(0, littleEndian)
        const format = formats.get(id)?.format
        if (format === undefined) record.fill(0, 2)
        else scrubRecord({ record, view, littleEndian, pointers }, format, map)
      },
      (padding) => clearPadding(padding),
    )
    if (result.odd === 0) pages.push({ cpu, octets: withoutTail(copy, layout, littleEndian) })
  }
  const leftOut = recording.pagesLeftOut + single.length - pages.length
  return { ...recording, pages, pagesLeftOut: leftOut }
}

type Page = EventsRecording['pages'][number]

function singlePages({ cpu, octets }: Page, pageSize: number): Page[] {
  const count = Math.ceil(octets.length / pageSize)
  return Array.from({ length: count }, (_, i) => ({
    cpu,
    octets: octets.subarray(i * pageSize, (i + 1) * pageSize),
  }))
}

const MISSED_STORED = 0x4000_0000
const COMMIT_MASK = 0x3fff_ffff

/** Behind the data stands how many events were lost, or what was there before. */
function withoutTail(page: Uint8Array, layout: PageLayout, littleEndian: boolean): Uint8Array {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const low = layout.commitAt + (littleEndian ? 0 : layout.commitSize - 4)
  const commit = view.getUint32(low, littleEndian)
  const end = layout.dataAt + (commit & COMMIT_MASK)
  return page.slice(0, (commit & MISSED_STORED) === 0 ? end : end + layout.commitSize)
}

function clearPadding(octets: Uint8Array): void {
  octets.fill(0)
}

interface Source {
  record: Uint8Array
  view: DataView
  littleEndian: boolean
  pointers: Map<bigint, bigint>
}

function scrubRecord(from: Source, format: TraceFormat, map: MapAddress | undefined): void {
  for (const field of format.fields) {
    if (field.offset + field.size > from.record.length) continue
    if (isPointer(field)) mapPointer(from, field)
    else if (map !== undefined) mapAddresses(from, field, map)
  }
}

function isPointer({ type, array }: TraceField): boolean {
  return !array && type.includes('*')
}

function mapPointer({ view, littleEndian, pointers }: Source, { offset, size }: TraceField): void {
  const value =
    size === 8
      ? view.getBigUint64(offset, littleEndian)
      : size === 4
        ? BigInt(view.getUint32(offset, littleEndian))
        : 0n
  if (value === 0n) return
  const known = pointers.get(value) ?? BigInt(pointers.size + 1)
  pointers.set(value, known)
  if (size === 8) view.setBigUint64(offset, known, littleEndian)
  else view.setUint32(offset, Number(known), littleEndian)
}

const AF_INET = 2
const AF_INET6 = 10

/** saddr and daddr are 4 octets, with _v6 16, or a struct sockaddr of 28. */
function mapAddresses(from: Source, field: TraceField, map: MapAddress): void {
  const { record, view, littleEndian } = from
  const { name, offset, size } = field
  if (!/^[sd]addr(_v6)?$/.test(name)) return
  if (size === 4 || size === 16) {
    map(record, offset, size)
    return
  }
  const family = size < 16 ? 0 : view.getUint16(offset, littleEndian)
  if (family === AF_INET) {
    map(record, offset + 4, 4)
    // The rest of a sockaddr_in is never set.
    record.fill(0, offset + 8, offset + size)
  } else if (family === AF_INET6 && size >= 24) map(record, offset + 8, 16)
  else record.fill(0, offset, offset + size)
}
