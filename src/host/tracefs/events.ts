// Records of trace events by the kernel's own format files; see format.ts.
import { formatIpv4, formatIpv6 } from '../../base/addresses.ts'
import type { Endpoint } from '../facts.ts'
import type { PageLayout, TraceField, TraceFormat } from './format.ts'
import { decodePages, type PagesResult } from './pages.ts'

export type TraceValue = number | bigint | string | Uint8Array

export interface TraceEvent {
  name: string
  /** Nanoseconds of the instance's clock (trace_clock). */
  timeNs: bigint
  /** The task that ran. Not the culprit when `softirq`: then it is whoever was interrupted. */
  pid: number
  /** In an interrupt or its lower half, as the letters h, H and s of the text trace. */
  softirq: boolean
  /** By the kernel's names, without the common ones. 64-bit numbers are bigint, arrays a copy of their octets. */
  fields: ReadonlyMap<string, TraceValue>
  /** Where the format has names for numbers: reason "NO_SOCKET", newstate "TCP_CLOSE". */
  names: ReadonlyMap<string, string>
}

const TRACE_FLAG_HARDIRQ = 0x08 // include/linux/trace_events.h
const TRACE_FLAG_SOFTIRQ = 0x10

/** Decodes pages of one processor. `unknown`: records of events that no format was given for. */
export function decodeEvents(
  octets: Uint8Array,
  from: { layout: PageLayout; formats: ReadonlyMap<number, TraceFormat>; littleEndian: boolean },
  each: (event: TraceEvent) => void,
  /** Whether this was all that a record is good for: then it is not decoded. */
  skim: (id: number, timeNs: bigint, record: Uint8Array, view: DataView) => boolean = () => false,
): PagesResult & { unknown: number } {
  let unknown = 0
  const { layout, formats, littleEndian } = from
  const result = decodePages(octets, layout, littleEndian, (timeNs, record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
    const id = record.length < 2 ? -1 : view.getUint16(0, littleEndian)
    if (skim(id, timeNs, record, view)) return
    const format = formats.get(id)
    if (format === undefined) unknown++
    else each(decodeRecord({ record, view, littleEndian }, format, timeNs))
  })
  return { ...result, unknown }
}

interface Source {
  record: Uint8Array
  view: DataView
  littleEndian: boolean
}

/** Fields that the record is too short for are absent. */
function decodeRecord(source: Source, format: TraceFormat, timeNs: bigint): TraceEvent {
  const fields = new Map<string, TraceValue>()
  const names = new Map<string, string>()
  const common = new Map<string, TraceValue>()
  for (const field of format.fields) {
    const value = fieldValue(source, field)
    if (value === null) continue
    if (field.name.startsWith('common_')) common.set(field.name, value)
    else fields.set(field.name, value)
    const name = typeof value === 'number' ? format.symbols.get(field.name)?.get(value) : undefined
    if (name !== undefined) names.set(field.name, name)
  }
  const flags = Number(common.get('common_flags') ?? 0)
  return {
    name: format.name,
    timeNs,
    pid: Number(common.get('common_pid') ?? 0),
    softirq: (flags & (TRACE_FLAG_HARDIRQ | TRACE_FLAG_SOFTIRQ)) !== 0,
    fields,
    names,
  }
}

function fieldValue(source: Source, field: TraceField): TraceValue | null {
  const { record } = source
  const { offset, size } = field
  if (offset + size > record.length) return null
  if (field.dynamic !== null) return dynamicOf(source, field)
  if (field.array) {
    const octets = record.slice(offset, offset + size)
    return /\bchar\b/.test(field.type) ? textOf(octets) : octets
  }
  return numberAt(source, field)
}

function numberAt({ view, littleEndian }: Source, field: TraceField): number | bigint | null {
  const { offset, size, signed } = field
  switch (size) {
    case 1:
      return signed ? view.getInt8(offset) : view.getUint8(offset)
    case 2:
      return signed ? view.getInt16(offset, littleEndian) : view.getUint16(offset, littleEndian)
    case 4:
      return signed ? view.getInt32(offset, littleEndian) : view.getUint32(offset, littleEndian)
    case 8:
      return signed
        ? view.getBigInt64(offset, littleEndian)
        : view.getBigUint64(offset, littleEndian)
    default:
      return null
  }
}

/** 16 bits of offset below 16 bits of length; the offset counts from the record, or from behind this field. */
function dynamicOf({ record, view, littleEndian }: Source, field: TraceField): TraceValue | null {
  if (field.size !== 4) return null
  const place = view.getUint32(field.offset, littleEndian)
  const at = (place & 0xffff) + (field.dynamic === 'relative' ? field.offset + 4 : 0)
  const octets = record.slice(at, at + (place >>> 16))
  return /\bchar\b/.test(field.type) ? textOf(octets) : octets
}

function textOf(octets: Uint8Array): string {
  const end = octets.indexOf(0)
  return new TextDecoder().decode(end < 0 ? octets : octets.subarray(0, end))
}

/** A struct sockaddr_in or sockaddr_in6, as tcp_send_reset has them; null when it is neither. */
export function sockaddrOf(octets: TraceValue | undefined, littleEndian: boolean): Endpoint | null {
  if (!(octets instanceof Uint8Array) || octets.length < 8) return null
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const family = view.getUint16(0, littleEndian)
  const port = view.getUint16(2)
  if (family === 2) return { address: formatIpv4(view.getInt32(4)), port }
  if (family !== 10 || octets.length < 24) return null
  const words = [8, 12, 16, 20].map((at) => view.getInt32(at))
  return { address: formatIpv6(words), port }
}

/**
 * saddr and sport, or daddr and dport, of the events that have them apart. Those of TCP tell no family before 5.18; the IPv6
 * fields are filled in any case, for IPv4 with a mapped address.
 */
export function endpointOf(event: TraceEvent, end: 's' | 'd'): Endpoint | null {
  const v4 = event.fields.get(`${end}addr`)
  const v6 = event.fields.get(`${end}addr_v6`)
  const port = event.fields.get(`${end}port`)
  if (typeof port !== 'number') return null
  const family = event.fields.get('family')
  if (family === AF_INET6 || (family === undefined && !isMapped(v6))) {
    return v6 instanceof Uint8Array && v6.length === 16 ? { address: ipv6(v6), port } : null
  }
  if (!(v4 instanceof Uint8Array) || v4.length !== 4) return null
  return { address: formatIpv4(new DataView(v4.buffer, v4.byteOffset).getInt32(0)), port }
}

const AF_INET6 = 10

/** ::ffff:0:0/96, RFC 4291 2.5.5.2. */
function isMapped(octets: TraceValue | undefined): boolean {
  if (!(octets instanceof Uint8Array) || octets.length !== 16) return true
  return octets.every((octet, i) => i >= 12 || octet === (i < 10 ? 0 : 0xff))
}

function ipv6(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  return formatIpv6([0, 4, 8, 12].map((at) => view.getInt32(at)))
}
