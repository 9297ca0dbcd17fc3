import { formatInstant } from '../base/time.ts'
import type { CaptureSourceInfo } from '../capture/types.ts'
import { faultText, oneDirectionIn } from '../diagnose/one-direction.ts'
import type { Source } from '../diagnose/report.ts'
import type { SourceFacts } from '../evidence/evidence.ts'
import { dissectorTables } from '../packet/dissectors/index.ts'
import { isHeadersOnly } from './headers-only.ts'
import type { FlowsRead } from './read-flows.ts'
import type { Vantage } from './types.ts'

/** Ids of the sources of one reading: "capture", or "capture-1", "capture-2" when there are several. */
export function sourceIds(count: number, prefix = 'capture'): string[] {
  if (count === 1) return [prefix]
  return Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`)
}

/** What the report says of each file. */
export function reportSources(
  read: FlowsRead,
  ids: readonly string[],
  at: Vantage | null,
): Source[] {
  return read.sources.map((info, i) => {
    const count = read.counts[i]!
    const dropped = droppedBy(info)
    const source: Source = {
      id: ids[i]!,
      kind: 'capture',
      name: info.name,
      from: info.records === 0 ? null : instant(read, info.firstNs),
      to: info.records === 0 ? null : instant(read, info.lastNs),
      counts: {
        frames: info.records,
        tcp: count.tcp,
        ...some('fragments', count.fragments),
        ...some('icmpErrors', count.icmpErrors),
        ...some('unreadable', count.unreadable),
        ...some('other', count.other),
        ...(dropped === null ? {} : { dropped }),
      },
      faults: faultsOf(info, count.unreadable, read.originNs + BigInt(Math.round(info.firstNs))),
      format: info.compression === null ? info.format : `${info.format}, ${info.compression}`,
    }
    if (at !== null) source.at = at
    source.faults.push(...oneDirection(read))
    if (i === 0 && read.flows.unfollowed > 0) {
      source.faults.push({
        name: 'syns-not-followed',
        count: read.flows.unfollowed,
        text: 'SYNs beyond six million half-open connections were counted, not followed',
      })
    }
    const missing = i === 0 ? octetsMissing(read) : 0
    if (missing > 0) {
      source.faults.push({ name: 'octets-missing', count: missing, text: missingText(read) })
    }
    const interfaces = info.interfaces.flatMap((f) => (f.name === null ? [] : [f.name]))
    if (interfaces.length > 0) source.interfaces = interfaces
    return source
  })
}

/** What the causes are told of each file. */
export function sourceFacts(
  read: FlowsRead,
  ids: readonly string[],
  at: Vantage | null,
): SourceFacts[] {
  return read.sources.map((info, i) => ({
    id: ids[i]!,
    kind: 'capture',
    name: info.name,
    at,
    fromMs: (info.firstNs + read.shiftNs) / 1e6,
    toMs: (info.lastNs + read.shiftNs) / 1e6,
    frames: info.records,
    tcpFrames: read.counts[i]!.tcp,
    snapLen: info.snapLen,
    payload: !isHeadersOnly(read),
    dropped: droppedBy(info),
    headerFieldsKnown: !info.headerFieldsMissing,
    ...(areTimesMissing(info) ? { timesKnown: false } : {}),
    bothDirections: read.flows.connections.length === 0 || read.flows.bothDirections,
  }))
}

/** Text of tcpdump -t, or simple packet blocks only. */
function areTimesMissing({ faults, format, records }: CaptureSourceInfo): boolean {
  const fault = faults.find(({ name }) => name === 'no-times')
  return fault !== undefined && (format === 'tcpdump-text' || fault.count >= records)
}

/** Fewer than a full segment may be a FIN or a probe that slipped past. */
const MISSING_MIN = 1448

/** Octets that an end acknowledged and no frame has, over all connections; 0 where only one direction was captured. */
function octetsMissing({ flows }: FlowsRead): number {
  if (!flows.bothDirections) return 0
  let octets = 0
  for (const path of flows.paths.values()) octets += path.missingOctets
  return octets < MISSING_MIN ? 0 : octets
}

/** What was pasted is a part by choice; a capture that lacks octets lost them, or was told to leave them out. */
function missingText(read: FlowsRead): string {
  const excerpt = read.sources.every((s) => s.format === 'tcpdump-text')
  return excerpt
    ? 'octets were acknowledged that are not in this text: it is an excerpt'
    : 'octets were acknowledged that are not in this capture: it lost packets, or a filter left them out; what is absent may have been sent all the same'
}

const { links } = dissectorTables()

/** Text without dates is put on this day; a real capture is from later. */
const FIRST_REAL_NS = 86_400_000_000_000n * 3650n

function faultsOf(info: CaptureSourceInfo, unreadable: number, firstNs: bigint): Source['faults'] {
  const faults: Source['faults'] = info.faults.map((f) => ({
    name: f.name,
    count: f.count,
    ...(f.frame > 0 ? { frame: f.frame } : {}),
    text: f.text,
  }))
  const strange = [...new Set(info.interfaces.map(({ link }) => link))].filter(
    (link) => !links.has(link),
  )
  if (info.records > 0 && strange.length > 0) {
    faults.push({
      name: 'link-type-not-read',
      count: strange.length,
      text: `packets of link type ${strange.join(', ')} are not read (https://www.tcpdump.org/linktypes.html): capture on another interface`,
    })
  }
  if (info.records > 0 && info.format === 'tcpdump-text' && firstNs < FIRST_REAL_NS) {
    faults.push({
      name: 'no-date',
      count: 1,
      text: 'the lines have times but no dates: the day shown is not that of the capture',
    })
  }
  const dropped = droppedBy(info) ?? 0
  if (dropped > 0) {
    faults.push({
      name: 'packets-dropped',
      count: dropped,
      text: 'the capture itself lost packets; missing segments may be its fault',
    })
  }
  if (unreadable > 0) {
    faults.push({
      name: 'unreadable-tcp',
      count: unreadable,
      text: 'TCP segments whose header is cut short or malformed',
    })
  }
  return faults
}

/** Told of the file where there is but one: several may complete each other. */
function oneDirection({ sources, flows }: FlowsRead): Source['faults'] {
  if (sources.length > 1) return []
  const half = oneDirectionIn(flows.paths.values(), flows.totals.connections)
  if (half === null || !half.whole) return []
  return [{ name: 'one-direction', count: half.connections, text: faultText(half) }]
}

function droppedBy(info: CaptureSourceInfo): number | null {
  const known = info.interfaces.filter((f) => f.dropped !== null)
  return known.length === 0 ? null : known.reduce((sum, f) => sum + (f.dropped ?? 0), 0)
}

function instant(read: FlowsRead, ns: number): string {
  return formatInstant(read.originNs + BigInt(Math.round(ns + read.shiftNs)))
}

function some(name: string, count: number): Record<string, number> {
  return count === 0 ? {} : { [name]: count }
}
